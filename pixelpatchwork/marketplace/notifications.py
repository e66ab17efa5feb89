"""What requesters asked to be told of: events, written into the outbox in the transaction in which they happen.

Nothing is sent here, so no act ever waits for a requester's queue, and no event is lost or invented: it is in the
outbox exactly where its transaction was committed. `delivery` sends it. What one transaction has to say to one
destination travels in one message.

The body is the one recorded on the wire (`EventDocVersion` 2014-08-15); the API reference names the events.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import insert, select

from pixelpatchwork.marketplace.clock import Millis, to_datetime
from pixelpatchwork.marketplace.destinations import is_destination
from pixelpatchwork.marketplace.moment import HitEvent, Moment
from pixelpatchwork.marketplace.tables import notification, outbox

BODY_VERSION = "2014-08-15"
_EVENTS_A_MESSAGE = 50


class EventType(StrEnum):
    """The API's events."""

    ASSIGNMENT_ACCEPTED = "AssignmentAccepted"
    ASSIGNMENT_ABANDONED = "AssignmentAbandoned"
    ASSIGNMENT_RETURNED = "AssignmentReturned"
    ASSIGNMENT_SUBMITTED = "AssignmentSubmitted"
    ASSIGNMENT_REJECTED = "AssignmentRejected"
    ASSIGNMENT_APPROVED = "AssignmentApproved"
    HIT_CREATED = "HITCreated"
    HIT_EXTENDED = "HITExtended"
    HIT_DISPOSED = "HITDisposed"
    HIT_REVIEWABLE = "HITReviewable"
    HIT_EXPIRED = "HITExpired"
    PING = "Ping"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where messages go: `transport` is `SQS` (a queue's URL) or `SNS` (a topic's ARN)."""

    transport: str
    address: str
    requester_id: str

    def is_well_formed(self, moment: Moment) -> bool:
        """Whether the address can be one of its transport. Whether it exists shows only when something is sent."""
        return is_destination(self.transport, self.address, any_host=moment.any_queue_host)


def emit(
    moment: Moment,
    event_type: EventType,
    *,
    requester_id: str,
    hit_type_id: str,
    hit_id: str,
    assignment_id: str | None = None,
    at: Millis | None = None,
) -> None:
    """Notes that something happened at `at` (without it: now). Costs no SQL; whoever asked will be told."""
    moment.events.append(
        HitEvent(
            event_type=event_type,
            at=moment.now if at is None else at,
            requester_id=requester_id,
            hit_type_id=hit_type_id,
            hit_id=hit_id,
            assignment_id=assignment_id,
        )
    )


def test_event(moment: Moment, event_type: EventType, destination: Destination) -> None:
    """Puts a message with one made-up event in the outbox, as SendTestEventNotification asks.

    It goes out whether or not a HIT type notifies of such events. A Ping is about no HIT.
    """
    event: dict[str, str] = {"EventType": event_type, "EventTimestamp": _timestamp(moment.now)}
    if event_type is not EventType.PING:
        event |= {"HITId": "TESTHIT", "HITTypeId": "TESTHITTYPE"}
    if event_type.startswith("Assignment"):
        event["AssignmentId"] = "TESTASSIGNMENT"
    _put(moment, destination, [event])


def post(moment: Moment) -> None:
    """Writes this transaction's events into the outbox, for those who asked for them.

    Market calls it before every commit.
    """
    messages: dict[Destination, list[Mapping[str, str]]] = defaultdict(list)
    wanted = _subscriptions(moment)
    for event in moment.events:
        destination, event_types = wanted.get(event.hit_type_id, (None, ()))
        if destination is not None and event.event_type in event_types:
            messages[destination].append(_event(event))
    for destination, events in messages.items():
        for start in range(0, len(events), _EVENTS_A_MESSAGE):
            _put(moment, destination, events[start : start + _EVENTS_A_MESSAGE])


def _subscriptions(moment: Moment) -> Mapping[str, tuple[Destination, Sequence[str]]]:
    """Who is to be told, and of what, for each HIT type to which something happened."""
    hit_type_ids = {event.hit_type_id for event in moment.events}
    if not hit_type_ids:
        return {}
    statement = select(notification).where(
        notification.c.hit_type_id.in_(hit_type_ids), notification.c.active.is_(True)
    )
    return {
        row.hit_type_id: (
            Destination(transport=row.transport, address=row.destination, requester_id=row.requester_id),
            json.loads(row.event_types),
        )
        for row in moment.connection.execute(statement)
    }


def _put(moment: Moment, destination: Destination, events: Sequence[Mapping[str, str]]) -> None:
    body = {
        "Events": events,
        "EventDocId": uuid.uuid4().hex,
        "SourceAccount": destination.requester_id,
        "CustomerId": destination.requester_id,
        "EventDocVersion": BODY_VERSION,
    }
    row = {
        "requester_id": destination.requester_id,
        "transport": destination.transport,
        "destination": destination.address,
        "body": json.dumps(body),
        "attempts": 0,
        "next_try_at": 0,
    }
    moment.connection.execute(insert(outbox), row)


def _event(event: HitEvent) -> Mapping[str, str]:
    members = {
        "EventType": event.event_type,
        "EventTimestamp": _timestamp(event.at),
        "HITId": event.hit_id,
        "HITTypeId": event.hit_type_id,
    }
    return members if event.assignment_id is None else members | {"AssignmentId": event.assignment_id}


def _timestamp(instant: Millis) -> str:
    return f"{to_datetime(instant):%Y-%m-%dT%H:%M:%SZ}"
