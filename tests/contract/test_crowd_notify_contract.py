"""What a watching collector relies on: once it has asked, its queue is told of the answers to a round's HITs."""

from __future__ import annotations

import pytest

from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.domain.errors import CrowdError
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.domain.signals import hits_named
from tests.support.marketplace import bench
from tests.support.marketplace_notifications import Mailbox, deliver, hit_of, subscribed

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/answers"


def test_the_queue_is_told_of_answers_to_all_hits_of_the_type_and_of_nothing_else() -> None:
    mailbox = Mailbox()
    with bench(sender=mailbox) as here:
        hit_type_id = subscribed(here)  # to everything, and to another queue
        first, second = (hit_of(here, hit_type_id) for _ in range(2))
        deliver(here)
        mailbox.messages.clear()

        crowd = MTurkCrowd(here.client)
        for _ in range(2):
            crowd.notify(HitId(first), queue=QUEUE)
        here.worker().work(second)
        deliver(here)

    (message,) = mailbox.messages
    assert (message.transport, message.destination) == ("SQS", QUEUE)
    assert hits_named(message.body) == {second}


def test_a_queue_that_cannot_be_one_is_refused_in_words() -> None:
    with bench() as here:
        hit_id = HitId(hit_of(here, subscribed(here)))
        with pytest.raises(CrowdError, match="Destination"):
            MTurkCrowd(here.client).notify(hit_id, queue="https://example.org/nothing")
