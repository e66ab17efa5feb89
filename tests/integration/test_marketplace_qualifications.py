"""Qualifications: kept by the requester, enforced on the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import TRANSPORTS, Bench, Worker, bench, refusal


@pytest.fixture(params=TRANSPORTS)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as found:
        yield found


def new_type(market: Bench, name: str = "Painted on day 1") -> str:
    made = market.client.create_qualification_type(
        Name=name, Description="Who took part.", QualificationTypeStatus="Active"
    )
    return str(made["QualificationType"]["QualificationTypeId"])


def grant(market: Bench, type_id: str, worker: Worker, value: int = 1) -> None:
    market.client.associate_qualification_with_worker(
        QualificationTypeId=type_id, WorkerId=worker.worker_id, IntegerValue=value, SendNotification=False
    )


def may_accept(worker: Worker, hit_id: str) -> bool:
    return worker.page(f"/hits/{hit_id}").select_one("form.accept") is not None


def test_a_type_is_found_by_its_name(market: Bench) -> None:
    type_id = new_type(market)
    new_type(market, "Something else")

    found = market.client.list_qualification_types(Query="day 1", MustBeRequestable=False)[
        "QualificationTypes"
    ]

    assert [item["QualificationTypeId"] for item in found] == [type_id]
    own = market.client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)
    assert own["NumResults"] == 2
    got = market.client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    assert (got["Name"], got["QualificationTypeStatus"]) == ("Painted on day 1", "Active")


def test_a_second_type_of_the_same_name_is_refused_in_the_recorded_words(market: Bench) -> None:
    new_type(market)

    text = "You have already created a QualificationType with this name."
    with refusal("QualificationTypeAlreadyExists", text):
        new_type(market)


def test_a_granted_qualification_has_its_value_until_it_is_revoked(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker("Ann")
    grant(market, type_id, ann, 3)
    grant(market, type_id, ann, 5)

    score = market.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=ann.worker_id)
    listed = market.client.list_workers_with_qualification_type(QualificationTypeId=type_id)["Qualifications"]
    market.client.disassociate_qualification_from_worker(
        QualificationTypeId=type_id, WorkerId=ann.worker_id, Reason="New day."
    )

    assert (score["Qualification"]["IntegerValue"], score["Qualification"]["Status"]) == (5, "Granted")
    assert [item["WorkerId"] for item in listed] == [ann.worker_id]
    text = "This operation can be called with a status of: Granted"
    with refusal("InvalidQualificationState", text):
        market.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=ann.worker_id)


def test_what_nobody_granted_does_not_exist(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker("Ann")

    with refusal("QualificationDoesNotExist"):
        market.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=ann.worker_id)
    with refusal("QualificationTypeDoesNotExist"):
        market.client.get_qualification_score(QualificationTypeId="3NONE", WorkerId=ann.worker_id)


@pytest.mark.parametrize(
    ("comparator", "values", "score", "allowed"),
    [
        ("Exists", None, 0, True),
        ("Exists", None, None, False),
        ("DoesNotExist", None, None, True),
        ("DoesNotExist", None, 1, False),
        ("GreaterThan", [5], 6, True),
        ("GreaterThan", [5], 5, False),
        ("GreaterThanOrEqualTo", [5], 5, True),
        ("LessThan", [5], 4, True),
        ("LessThan", [5], 5, False),
        ("LessThanOrEqualTo", [5], 5, True),
        ("EqualTo", [5], 5, True),
        ("EqualTo", [5], 4, False),
        ("NotEqualTo", [5], 4, True),
        ("NotEqualTo", [5], None, False),
        ("In", [1, 5], 5, True),
        ("In", [1, 5], 4, False),
        ("NotIn", [1, 5], 4, True),
        ("NotIn", [1, 5], None, True),
        ("NotIn", [1, 5], 1, False),
    ],
)
def test_each_comparator_decides_who_may_accept(
    comparator: str, values: list[int] | None, score: int | None, *, allowed: bool
) -> None:
    with bench() as market:
        type_id, ann = new_type(market), market.worker("Ann")
        requirement: dict[str, Any] = {"QualificationTypeId": type_id, "Comparator": comparator}
        if values is not None:
            requirement["IntegerValues"] = values
        hit_id = market.hit(QualificationRequirements=[requirement])
        if score is not None:
            grant(market, type_id, ann, score)

        assert may_accept(ann, hit_id) is allowed


def test_a_worker_without_the_qualification_is_refused_also_when_he_sends_the_form_anyway(
    market: Bench,
) -> None:
    type_id, ann = new_type(market), market.worker("Ann")
    hit_id = market.hit(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}])
    token = ann.page("/").select_one("form.signout input[name=csrf_token]")
    assert token is not None

    refused = ann.browser.post(f"/hits/{hit_id}/accept", data={"csrf_token": str(token["value"])})

    assert (refused.status_code, "qualification" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("guarded", "listed", "previewed"),
    [("Accept", True, 200), ("PreviewAndAccept", True, 403), ("DiscoverPreviewAndAccept", False, 403)],
)
def test_what_is_guarded_is_hidden_from_who_is_not_qualified(
    guarded: str, *, listed: bool, previewed: int
) -> None:
    with bench() as market:
        type_id, ann = new_type(market), market.worker("Ann")
        requirement = {"QualificationTypeId": type_id, "Comparator": "Exists", "ActionsGuarded": guarded}
        hit_id = market.hit(QualificationRequirements=[requirement])

        assert bool(ann.page("/").select("a.hit")) is listed
        assert ann.browser.get(f"/hits/{hit_id}").status_code == previewed
        assert ann.browser.get(f"/frame/{hit_id}").status_code == previewed
        grant(market, type_id, ann)
        assert ann.browser.get(f"/frame/{hit_id}").status_code == 200


def test_a_requirement_with_the_wrong_number_of_values_is_refused(market: Bench) -> None:
    type_id = new_type(market)

    for comparator, values in (("Exists", [1]), ("EqualTo", []), ("EqualTo", [1, 2]), ("In", [])):
        requirement = {"QualificationTypeId": type_id, "Comparator": comparator, "IntegerValues": values}
        with pytest.raises(ClientError, match="not valid for the parameter IntegerValues"):
            market.hit(QualificationRequirements=[requirement])


def test_a_requirement_of_an_unknown_type_is_refused(market: Bench) -> None:
    with refusal("QualificationTypeDoesNotExist"):
        market.hit(QualificationRequirements=[{"QualificationTypeId": "3NONE", "Comparator": "Exists"}])
