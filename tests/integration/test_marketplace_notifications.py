"""Requesters are told what happens: every event, in its order, in the documented words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.marketplace import Bench, bench
from tests.support.marketplace_notifications import Mailbox, deliver, hit_of, subscribed


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def here(mailbox: Mailbox) -> Iterator[Bench]:
    with bench(sender=mailbox) as found:
        yield found


def test_a_hits_whole_life_is_told_in_its_order(here: Bench, mailbox: Mailbox) -> None:
    hit_id = hit_of(here, subscribed(here))
    worker = here.worker()
    first = worker.accept(hit_id)
    worker.browser.post(f"/assignments/{first}/return", data=csrf(worker, first))
    assignment_id = here.worker().work(hit_id)
    here.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
    here.client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=True)
    here.client.delete_hit(HITId=hit_id)
    deliver(here)

    assert mailbox.events() == [
        "HITCreated",
        "AssignmentAccepted",
        "AssignmentReturned",
        "AssignmentAccepted",
        "AssignmentSubmitted",
        "HITReviewable",
        "AssignmentRejected",
        "AssignmentApproved",
        "HITDisposed",
    ]


def csrf(worker: Any, assignment_id: str) -> dict[str, str]:
    form = worker.page(f"/assignments/{assignment_id}").select_one("form.return")
    return {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}


def test_what_time_alone_does_is_told_with_the_time_at_which_it_came_due(
    here: Bench, mailbox: Mailbox
) -> None:
    hit_id = hit_of(here, subscribed(here), LifetimeInSeconds=3_600)
    here.worker().accept(hit_id)
    here.clock.advance(days=200)
    assert here.get(hit_id)["HITStatus"] == "Disposed"
    deliver(here)

    told = [event for document in mailbox.documents() for event in document["Events"]]
    assert [(event["EventType"], event["EventTimestamp"]) for event in told[2:]] == [
        ("HITExpired", "2026-11-21T13:00:00Z"),
        ("AssignmentAbandoned", "2026-11-21T12:10:00Z"),
        ("HITReviewable", "2026-11-21T13:00:00Z"),
        ("HITDisposed", "2027-03-21T13:00:00Z"),
    ]


def test_an_extension_is_told_and_what_happens_to_other_types_is_not(here: Bench, mailbox: Mailbox) -> None:
    here.hit()
    hit_id = hit_of(here, subscribed(here))
    here.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    deliver(here)

    assert mailbox.events() == ["HITCreated", "HITExtended"]


def test_the_body_is_the_documented_one(here: Bench, mailbox: Mailbox) -> None:
    hit_type_id = subscribed(here)
    hit_id = hit_of(here, hit_type_id)
    assignment_id = here.worker().work(hit_id)
    deliver(here)

    last = mailbox.documents()[-1]
    assert last.keys() == {"Events", "EventDocId", "SourceAccount", "CustomerId", "EventDocVersion"}
    assert last["EventDocVersion"] == "2014-08-15"
    assert last["Events"] == [
        {
            "EventType": "AssignmentSubmitted",
            "EventTimestamp": "2026-11-21T12:00:00Z",
            "HITId": hit_id,
            "HITTypeId": hit_type_id,
            "AssignmentId": assignment_id,
        },
        {
            "EventType": "HITReviewable",
            "EventTimestamp": "2026-11-21T12:00:00Z",
            "HITId": hit_id,
            "HITTypeId": hit_type_id,
        },
    ]
    assert len({document["EventDocId"] for document in mailbox.documents()}) == len(mailbox.messages)


def test_nothing_is_told_of_an_act_that_was_refused(here: Bench, mailbox: Mailbox) -> None:
    hit_id = hit_of(here, subscribed(here))
    with pytest.raises(here.client.exceptions.RequestError):
        here.client.delete_hit(HITId=hit_id)
    deliver(here)

    assert mailbox.events() == ["HITCreated"]
