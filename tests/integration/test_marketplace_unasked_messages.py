"""A qualification may be given to anybody; a message comes only from a requester with whom a worker has dealt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.marketplace import Bench, Worker, bench


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def new_type(market: Bench) -> str:
    made = market.client.create_qualification_type(
        Name="Buy our product", Description="At a special price.", QualificationTypeStatus="Active"
    )
    return str(made["QualificationType"]["QualificationTypeId"])


def messages(worker: Worker) -> int:
    return len(worker.page("/messages").select("li.message"))


def test_a_stranger_gets_the_qualification_and_no_message(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker()
    holder = {"QualificationTypeId": type_id, "WorkerId": ann.worker_id}

    market.client.associate_qualification_with_worker(**holder, IntegerValue=7)

    assert market.client.get_qualification_score(**holder)["Qualification"]["IntegerValue"] == 7
    assert messages(ann) == 0
    market.client.disassociate_qualification_from_worker(**holder, Reason="Visit us at example.com.")
    assert messages(ann) == 0


def test_who_has_worked_for_the_requester_is_told(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker()
    ann.work(market.hit())
    holder = {"QualificationTypeId": type_id, "WorkerId": ann.worker_id}

    market.client.associate_qualification_with_worker(**holder)
    market.client.disassociate_qualification_from_worker(**holder, Reason="The study is over.")

    assert messages(ann) == 2


def test_who_has_asked_the_requester_for_a_qualification_is_told(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker()
    ann.send("/qualifications", f"form[action='/qualifications/{type_id}/begin']")

    market.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=ann.worker_id)

    assert messages(ann) == 1
