"""What else a requester asks for: another type for a HIT, messages, notification settings; and what lists cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.tables import message, notification
from tests.support.marketplace import Bench, Worker, bench, refusal
from tests.support.marketplace_story import Story


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def rows(market: Bench, table: Any) -> list[Any]:
    marketplace: Market = market.app.extensions["marketplace"]
    return marketplace.read(lambda moment: list(moment.connection.execute(select(table))))


def test_another_type_changes_the_price_and_the_money_that_is_held(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=3, Reward="0.10")
    hit_type_id = Story(market).hit_type(Reward="1.00", AssignmentDurationInSeconds=90)

    market.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=hit_type_id)

    hit = market.get(hit_id)
    assert (hit["Reward"], hit["AssignmentDurationInSeconds"]) == ("1.00", 90)
    assert market.balance() == ("9996.40", "3.60")
    market.client.approve_assignment(AssignmentId=market.worker().work(hit_id))
    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    assert market.balance() == ("9998.80", "0.00")


def test_the_price_stays_what_was_promised_to_whoever_accepted(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=2, Reward="0.10")
    same_price = Story(market).hit_type(Reward="0.10", Title="Better said")
    market.worker().accept(hit_id)

    with refusal("InvalidHITState", "The price of this HIT cannot change"):
        market.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=Story(market).hit_type(Reward="0.05"))
    market.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=same_price)

    assert (market.get(hit_id)["Title"], market.get(hit_id)["Reward"]) == ("Better said", "0.10")


def test_neither_a_deleted_hit_nor_an_unknown_type_takes_part(market: Bench) -> None:
    hit_id, _, _ = Story(market).decided()
    with refusal("HITTypeDoesNotExist", "HITType 3NONE does not exist."):
        market.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId="3NONE")
    market.client.delete_hit(HITId=hit_id)

    with refusal("InvalidHITState", "This HIT is currently in the state 'Disposed'."):
        market.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=Story(market).hit_type())


def test_more_than_the_balance_has_is_not_promised_by_a_new_type() -> None:
    with bench(opening_balance=1) as market:
        hit_id = market.hit(MaxAssignments=2, Reward="0.10")

        with refusal("InsufficientFunds"):
            market.client.update_hit_type_of_hit(
                HITId=hit_id, HITTypeId=Story(market).hit_type(Reward="1.00")
            )

        assert (market.get(hit_id)["Reward"], market.balance()) == ("0.10", ("0.76", "0.24"))


def test_a_hit_from_before_july_2015_cannot_be_extended(market: Bench) -> None:
    market.clock.now = datetime(2015, 7, 21, 23, 59, tzinfo=UTC)
    old = market.hit(LifetimeInSeconds=31_536_000)
    market.clock.advance(minutes=1)
    young = market.hit(LifetimeInSeconds=31_536_000)

    with refusal("HITTooOldForExtension"):
        market.client.create_additional_assignments_for_hit(HITId=old, NumberOfAdditionalAssignments=1)
    market.client.create_additional_assignments_for_hit(HITId=young, NumberOfAdditionalAssignments=1)


def test_a_message_reaches_whoever_was_judged_once(market: Bench) -> None:
    _, _, ann = Story(market).decided()
    submitted_only = Story(market).submitted()[2]

    failed = market.client.notify_workers(
        Subject="Hello",
        MessageText="A new day.",
        WorkerIds=[ann.worker_id, ann.worker_id, submitted_only.worker_id, "A1NOBODY"],
    )["NotifyWorkersFailureStatuses"]

    assert [item["WorkerId"] for item in failed] == [submitted_only.worker_id, "A1NOBODY"]
    assert [(row.worker_id, row.subject, row.text) for row in rows(market, message)] == [
        (ann.worker_id, "Hello", "A new day.")
    ]


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"WorkerIds": []}, "WorkerIds"),
        ({"WorkerIds": [f"A{number}" for number in range(101)]}, "WorkerIds"),
        ({"WorkerIds": ["A1"] * 101}, "WorkerIds"),
        ({"Subject": "x" * 201}, "Subject"),
        ({"Subject": " "}, "Subject"),
        ({"MessageText": "x" * 4097}, "MessageText"),
    ],
)
def test_a_message_out_of_bounds_is_refused(market: Bench, changes: dict[str, Any], parameter: str) -> None:
    request = {"Subject": "S", "MessageText": "T", "WorkerIds": ["A1"]} | changes

    with pytest.raises(ClientError, match=f"not valid for the parameter {parameter}\\."):
        market.client.notify_workers(**request)


QUEUE = {
    "Destination": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "Transport": "SQS",
    "Version": "2006-05-05",
    "EventTypes": ["HITReviewable", "AssignmentSubmitted", "HITReviewable"],
}


def test_a_notification_is_set_replaced_turned_off_and_on(market: Bench) -> None:
    hit_type_id = Story(market).hit_type()
    topic = QUEUE | {"Destination": "arn:aws:sns:us-east-1:123456789012:events", "Transport": "SNS"}
    act = market.client.update_notification_settings
    states = []
    for change in ({"Notification": QUEUE}, {"Notification": topic}, {"Active": False}, {"Active": True}):
        act(HITTypeId=hit_type_id, **change)
        (row,) = rows(market, notification)
        states.append((row.transport, row.active, row.event_types))

    wanted = '["AssignmentSubmitted", "HITReviewable"]'
    assert states == [
        ("SQS", True, wanted),
        ("SNS", True, wanted),
        ("SNS", False, wanted),
        ("SNS", True, wanted),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Version": "1999-01-01"}, "not valid for the parameter Version"),
        ({"EventTypes": []}, "not valid for the parameter EventTypes"),
        ({"EventTypes": ["Ping"]}, "not valid for the parameter EventTypes"),
        ({"EventTypes": ["HITLost"]}, "Member must satisfy enum value set"),
        ({"Transport": "Email", "Destination": "a@b.org"}, "not valid for the parameter Transport"),
        ({"Destination": "arn:aws:sns:us-east-1:123456789012:events"}, "neither the URL of a standard queue"),
        ({"Destination": "file:///etc/passwd"}, "neither the URL of a standard queue"),
    ],
)
def test_a_notification_that_can_reach_nobody_is_refused(
    market: Bench, change: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        market.client.update_notification_settings(
            HITTypeId=Story(market).hit_type(), Notification=QUEUE | change
        )


def test_there_must_be_a_notification_to_turn_off(market: Bench) -> None:
    hit_type_id = Story(market).hit_type()

    with pytest.raises(ClientError, match="not valid for the parameter Active"):
        market.client.update_notification_settings(HITTypeId=hit_type_id, Active=False)
    with pytest.raises(ClientError, match="not valid for the parameter Notification"):
        market.client.update_notification_settings(HITTypeId=hit_type_id)
    with refusal("HITTypeDoesNotExist"):
        market.client.update_notification_settings(HITTypeId="3NONE", Active=True)


def of_a_hit(market: Bench, workers: list[Worker]) -> Callable[[], object]:
    hit_id = market.hit(MaxAssignments=100)
    for worker in workers:
        worker.work(hit_id)
    return lambda: market.client.list_assignments_for_hit(HITId=hit_id, MaxResults=100)


def of_a_type(market: Bench, workers: list[Worker]) -> Callable[[], object]:
    type_id = Story(market).type()
    for worker in workers:
        market.client.associate_qualification_with_worker(
            QualificationTypeId=type_id, WorkerId=worker.worker_id
        )
    return lambda: market.client.list_workers_with_qualification_type(
        QualificationTypeId=type_id, MaxResults=100
    )


def of_blocks(market: Bench, workers: list[Worker]) -> Callable[[], object]:
    for worker in workers:
        market.client.create_worker_block(WorkerId=worker.worker_id, Reason="R")
    return lambda: market.client.list_worker_blocks(MaxResults=100)


def of_messages(market: Bench, workers: list[Worker]) -> Callable[[], object]:
    found = [worker.worker_id for worker in workers]
    return lambda: market.client.notify_workers(Subject="S", MessageText="T", WorkerIds=found)


@pytest.mark.parametrize("prepare", [of_a_hit, of_a_type, of_blocks, of_messages])
def test_a_long_list_costs_as_many_statements_as_a_short_one(
    prepare: Callable[[Bench, list[Worker]], Callable[[], object]], market: Bench
) -> None:
    workers = [market.worker() for _ in range(20)]

    few = market.sql_statements(prepare(market, workers[:1]))
    many = market.sql_statements(prepare(market, workers[1:]))

    assert few == many <= 5
