"""One transaction at one instant: what every act in the marketplace is given, and what it leaves to be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.ids import Ids


@dataclass(frozen=True, kw_only=True)
class HitEvent:
    """Something that happened to a HIT, or to one assignment of it, for whoever asked to be notified.

    `event_type` is the API's name (`EventType` in the service model).
    """

    event_type: str
    at: Millis
    requester_id: str
    hit_type_id: str
    hit_id: str
    assignment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lags:
    """How long the API knows nothing yet of a fresh submission: trouble on demand, for rehearsals.

    `listing`: ListAssignmentsForHIT leaves it out. `judging`: it can be neither approved nor rejected.
    """

    listing: Millis = 0
    judging: Millis = 0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One transaction at one instant.

    `events` gathers what happened; it is put in the outbox at the end of the same transaction. `any_queue_host`: a
    stand-in for AWS takes notifications, so a queue's address may name any host.
    """

    connection: Connection
    now: Millis
    ids: Ids
    lags: Lags = Lags()
    any_queue_host: bool = False
    events: list[HitEvent] = field(default_factory=list)
