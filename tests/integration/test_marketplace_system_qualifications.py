"""What the marketplace itself knows of a worker, and what requirements make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import insert, update

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from tests.support.marketplace import Bench, Worker, bench


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def marketplace(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def needs(type_id: str, comparator: str, **values: Any) -> list[dict[str, Any]]:
    return [{"QualificationTypeId": type_id, "Comparator": comparator, **values}]


def may_accept(worker: Worker, hit_id: str) -> bool:
    return worker.page(f"/hits/{hit_id}").select_one("form.accept") is not None


def test_the_number_of_approved_hits_follows_from_history(market: Bench) -> None:
    ann, wanted = market.worker("Ann"), "00000000000000000040"
    hit_id = market.hit(QualificationRequirements=needs(wanted, "GreaterThanOrEqualTo", IntegerValues=[1]))

    before = may_accept(ann, hit_id)
    market.client.approve_assignment(AssignmentId=ann.work(market.hit(Title="First")))

    assert (before, may_accept(ann, hit_id)) == (False, True)


@pytest.mark.parametrize(
    ("approved", "rejected", "percent"), [(0, 0, 100), (3, 3, 100), (97, 3, 97), (66, 34, 66)]
)
def test_the_approval_percentage_counts_from_a_hundred_answers_on(
    market: Bench, approved: int, rejected: int, percent: int
) -> None:
    ann, wanted = market.worker("Ann"), "000000000000000000L0"
    record(market, ann, approved, rejected)

    exactly = market.hit(QualificationRequirements=needs(wanted, "EqualTo", IntegerValues=[percent]))
    more = market.hit(QualificationRequirements=needs(wanted, "GreaterThan", IntegerValues=[percent]))

    assert (may_accept(ann, exactly), may_accept(ann, more)) == (True, False)


def record(market: Bench, worker: Worker, approved: int, rejected: int) -> None:
    """Writes judged assignments straight into the table: a hundred of them by hand would take long."""
    shared = {
        "hit_type_id": "3T",
        "requester_id": "A1",
        "worker_id": worker.worker_id,
        "reward_cents": 1,
        "accepted_at": 0,
        "deadline_at": 0,
    }
    statuses = ["Approved"] * approved + ["Rejected"] * rejected
    rows = [
        {**shared, "assignment_id": f"3A{number}", "hit_id": f"3H{number}", "status": status}
        for number, status in enumerate(statuses)
    ]

    def write(moment: Moment) -> None:
        if rows:
            moment.connection.execute(insert(schema.assignment), rows)

    marketplace(market).write(write)


LOCALE = "00000000000000000071"
US, US_WA, DE = {"Country": "US"}, {"Country": "US", "Subdivision": "WA"}, {"Country": "DE"}


@pytest.mark.parametrize(
    ("place", "comparator", "regions", "allowed"),
    [
        (("US", "WA"), "EqualTo", [US], True),
        (("US", "WA"), "EqualTo", [US_WA], True),
        (("US", None), "EqualTo", [US], True),
        (("US", None), "EqualTo", [US_WA], False),
        (("US", "NY"), "NotEqualTo", [US_WA], True),
        (("US", "WA"), "NotEqualTo", [US], False),
        (("DE", None), "In", [US, DE], True),
        (("FR", None), "In", [US, DE], False),
        (("FR", None), "NotIn", [US, DE], True),
        (("DE", None), "NotIn", [US, DE], False),
        ((None, None), "NotIn", [US], True),
        ((None, None), "NotEqualTo", [US], False),
        ((None, None), "DoesNotExist", None, True),
        (("US", None), "Exists", None, True),
    ],
)
def test_where_a_worker_lives_decides(
    market: Bench,
    place: tuple[str | None, str | None],
    comparator: str,
    regions: list[dict[str, str]] | None,
    *,
    allowed: bool,
) -> None:
    ann = market.worker("Ann")
    columns = schema.worker.c
    marketplace(market).write(
        lambda moment: moment.connection.execute(
            update(schema.worker)
            .where(columns.worker_id == ann.worker_id)
            .values(country=place[0], subdivision=place[1])
        )
    )
    values = {} if regions is None else {"LocaleValues": regions}

    hit_id = market.hit(QualificationRequirements=needs(LOCALE, comparator, **values))

    assert may_accept(ann, hit_id) is allowed
    assert market.get(hit_id)["QualificationRequirements"] == needs(LOCALE, comparator, **values)


@pytest.mark.parametrize(
    ("requirements", "parameter"),
    [
        (needs(LOCALE, "LessThan", LocaleValues=[US]), "Comparator"),
        (needs(LOCALE, "EqualTo", IntegerValues=[1]), "IntegerValues"),
        (needs(LOCALE, "EqualTo", LocaleValues=[US, DE]), "LocaleValues"),
        (needs(LOCALE, "In", LocaleValues=[US] * 31), "LocaleValues"),
        (needs(LOCALE, "EqualTo", LocaleValues=[{"Country": "us"}]), "LocaleValues"),
        (needs("00000000000000000040", "EqualTo", LocaleValues=[US]), "LocaleValues"),
        (needs("00000000000000000040", "In", IntegerValues=[1] * 16), "IntegerValues"),
        (needs("00000000000000000040", "Exists") * 11, "QualificationRequirements"),
    ],
)
def test_requirements_that_make_no_sense_are_refused(
    market: Bench, requirements: list[dict[str, Any]], parameter: str
) -> None:
    with pytest.raises(ClientError, match=f"not valid for the parameter {parameter}\\."):
        market.hit(QualificationRequirements=requirements)


@pytest.mark.parametrize("granted", ["2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"])
def test_a_masters_grant_counts_under_both_ids_and_costs_more(market: Bench, granted: str) -> None:
    ann = market.worker("Ann")
    hit_id = market.hit(
        QualificationRequirements=needs("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Exists"),
        MaxAssignments=1,
        Reward="1.00",
    )
    before = may_accept(ann, hit_id)
    row = {
        "qualification_type_id": granted,
        "worker_id": ann.worker_id,
        "value": 1,
        "status": "Granted",
        "granted_at": 0,
    }
    marketplace(market).write(lambda moment: moment.connection.execute(insert(schema.qualification), row))

    assert (before, may_accept(ann, hit_id)) == (False, True)
    assert market.balance()[1] == "1.25"


def test_required_to_preview_is_still_understood(market: Bench) -> None:
    made = market.client.create_qualification_type(
        Name="Colours", Description="Knows colours.", QualificationTypeStatus="Active"
    )
    type_id, ann = made["QualificationType"]["QualificationTypeId"], market.worker("Ann")
    hit_id = market.hit(QualificationRequirements=needs(type_id, "Exists", RequiredToPreview=True))

    assert ann.browser.get(f"/hits/{hit_id}").status_code == 403
