"""What is to be told is delivered at least once, and never at the cost of anybody's wait."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError
from sqlalchemy import select

from pixelpatchwork.marketplace.delivery import Courier, Message
from pixelpatchwork.marketplace.tables import outbox
from tests.support.marketplace import MovableClock, bench
from tests.support.marketplace_notifications import Mailbox, deliver, hit_of, specification, subscribed


def test_a_queue_that_is_away_delays_no_submit_and_gets_everything_later() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        hit_id = hit_of(here, subscribed(here))
        tried_before = mailbox.tried
        here.worker().work(hit_id)
        assert mailbox.tried == tried_before

        deliver(here)
        mailbox.away = False
        deliver(here)
        assert mailbox.messages == []

        for _ in range(4):
            wall.advance(seconds=130)
            deliver(here)
        assert sorted(mailbox.events()) == [
            "AssignmentAccepted",
            "AssignmentSubmitted",
            "HITCreated",
            "HITReviewable",
        ]


def test_a_courier_that_dies_leaves_the_same_message_to_the_next() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    with bench(sender=mailbox, signature_clock=wall) as here:
        subscribed_hit_type = subscribed(here)
        mailbox.away = True
        hit_of(here, subscribed_hit_type)
        dying = Courier(here.app.extensions["marketplace"].database, Dying(), clock=wall)
        wall.advance(seconds=130)
        with pytest.raises(KeyboardInterrupt):
            dying.deliver_due()
        mailbox.away = False

        deliver(here)
        assert mailbox.messages == []
        wall.advance(seconds=130)
        deliver(here)
        assert mailbox.events() == ["HITCreated"]


class Dying:
    def send(self, _message: Message) -> None:
        raise KeyboardInterrupt


def test_after_three_days_a_message_is_given_up_and_kept_with_the_reason() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        hit_of(here, subscribed(here))
        for _ in range(400):
            wall.advance(minutes=16)
            deliver(here)

        with here.app.extensions["marketplace"].database.begin(writes=False) as connection:
            row = connection.execute(select(outbox)).one()
        assert (row.next_try_at, row.last_error) == (None, "EndpointConnectionError")
        assert 290 < mailbox.tried < 310


class Slow:
    """A sender to which every send takes the longest that a send can, and fails; meanwhile `rival` is at work."""

    is_stand_in = False

    def __init__(self, wall: MovableClock) -> None:
        self.wall = wall
        self.rival: Courier | None = None
        self.tried: list[int] = []

    def send(self, message: Message) -> None:
        self.tried.append(message.number)
        self.wall.advance(seconds=7)
        assert self.rival is not None
        self.rival.deliver_due()
        raise ConnectTimeoutError(endpoint_url="http://secret.invalid/")


def test_no_lease_runs_out_while_its_batch_is_being_sent() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    slow = Slow(wall)
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        for number in range(5):
            topic = f"arn:aws:sns:us-east-1:123456789012:told-{number}"
            here.client.send_test_event_notification(
                Notification=specification("SNS", topic), TestEventType="Ping"
            )
        mailbox.away = False
        wall.advance(seconds=130)
        database = here.app.extensions["marketplace"].database
        slow.rival = Courier(database, mailbox, clock=wall)
        Courier(database, slow, clock=wall).deliver_due()

    # What failed may be sent by the rival after its pause; what is leased may not.
    assert slow.tried == [1, 2, 3, 4, 5]
    assert [message.number for message in mailbox.messages] == [1, 2, 3, 4]


def test_a_slow_destination_costs_the_others_one_time_out_and_not_one_for_each_of_its_messages() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        away = specification("SNS", "arn:aws:sns:us-east-1:123456789012:away")
        for _ in range(12):
            here.client.send_test_event_notification(Notification=away, TestEventType="Ping")
        here.client.send_test_event_notification(Notification=specification(), TestEventType="Ping")
        mailbox.away = False
        wall.advance(seconds=130)
        database = here.app.extensions["marketplace"].database
        picky = Picky(mailbox, away["Destination"])
        courier = Courier(database, picky, clock=wall)
        courier.deliver_due()
        courier.deliver_due()

    assert (picky.refused, len(mailbox.messages)) == (1, 1)


class Picky:
    """A sender for which one destination is away."""

    is_stand_in = False

    def __init__(self, mailbox: Mailbox, away: str) -> None:
        self.mailbox = mailbox
        self.away = away
        self.refused = 0

    def send(self, message: Message) -> None:
        if message.destination == self.away:
            self.refused += 1
            raise ConnectTimeoutError(endpoint_url="http://secret.invalid/")
        self.mailbox.send(message)
