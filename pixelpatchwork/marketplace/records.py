"""HITs and assignments as the tables hold them, and the one place where their state is changed.

Whoever changes a HIT goes through `change_hit`: it writes the counters, the status that follows from them, the next
instant at which time alone changes it, and the money held for it, all in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from pixelpatchwork.marketplace import ledger, notifications, schema
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.errors import does_not_exist
from pixelpatchwork.marketplace.fees import Cents
from pixelpatchwork.marketplace.ledger import Cause
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.notifications import EventType
from pixelpatchwork.marketplace.states import AssignmentStatus, HitState, HitStatus

__all__ = [
    "Assignment",
    "Hit",
    "Moment",
    "change_assignment",
    "change_hit",
    "find_assignment",
    "find_hit",
    "own_assignment",
    "own_hit",
    "state_columns",
    "tell",
]

_OPEN = {HitStatus.ASSIGNABLE, HitStatus.UNASSIGNABLE}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A HIT as rules need it. Money in cents, durations in seconds.

    `status` is the one written at its last change, of which everybody was told; time may have passed since.
    """

    hit_id: str
    hit_type_id: str
    requester_id: str
    status: HitStatus
    state: HitState
    due_at: Millis | None
    reward: Cents
    fee: Cents
    held_slots: int
    duration_s: int
    auto_approval_s: int

    def cause(self, at: Millis, assignment_id: str | None = None) -> Cause:
        """What to write beside a movement of this HIT's money."""
        return Cause(at=at, requester_id=self.requester_id, hit_id=self.hit_id, assignment_id=assignment_id)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One worker's slot in a HIT. Instants in milliseconds."""

    assignment_id: str
    worker_id: str
    status: AssignmentStatus
    deadline_at: Millis
    submitted_at: Millis | None
    auto_approval_at: Millis | None
    rejected_at: Millis | None
    hit: Hit


_HIT_COLUMNS = tuple(
    column for column in schema.hit.c if column.name not in {"number", "annotation", "created_at"}
)
_ASSIGNMENT_COLUMNS = (
    schema.assignment.c.assignment_id,
    schema.assignment.c.worker_id,
    schema.assignment.c.status.label("assignment_status"),
    schema.assignment.c.deadline_at,
    schema.assignment.c.submitted_at,
    schema.assignment.c.auto_approval_at,
    schema.assignment.c.rejected_at,
)
# Built once: to build and to recognise a statement takes longer than SQLite takes to run it.
_FIND_HIT = select(*_HIT_COLUMNS).where(schema.hit.c.hit_id == bindparam("hit_id"))
_LOCK_HIT = _FIND_HIT.with_for_update()
_FIND_ASSIGNMENT = (
    select(*_ASSIGNMENT_COLUMNS, *_HIT_COLUMNS)
    .select_from(schema.assignment.join(schema.hit, schema.assignment.c.hit_id == schema.hit.c.hit_id))
    .where(schema.assignment.c.assignment_id == bindparam("assignment_id"))
)
_LOCK_ASSIGNMENT = _FIND_ASSIGNMENT.with_for_update()
_CHANGE_HIT = update(schema.hit).where(schema.hit.c.hit_id == bindparam("changed"))
_CHANGE_ASSIGNMENT = update(schema.assignment).where(
    schema.assignment.c.assignment_id == bindparam("changed")
)


def find_hit(moment: Moment, hit_id: str, *, lock: bool = False) -> Hit | None:
    """The HIT, its row locked until the transaction ends where asked for."""
    row = moment.connection.execute(_LOCK_HIT if lock else _FIND_HIT, {"hit_id": hit_id}).one_or_none()
    return None if row is None else _to_hit(row)


def own_hit(moment: Moment, requester_id: str, hit_id: str, *, lock: bool = False) -> Hit:
    """The requester's own HIT; another's does not exist for him. Raises HITDoesNotExist."""
    hit = find_hit(moment, hit_id, lock=lock)
    if hit is None or hit.requester_id != requester_id:
        raise does_not_exist("HIT", hit_id)
    return hit


def find_assignment(moment: Moment, assignment_id: str, *, lock: bool = False) -> Assignment | None:
    """The assignment and its HIT, both rows locked where asked for."""
    statement = _LOCK_ASSIGNMENT if lock else _FIND_ASSIGNMENT
    row = moment.connection.execute(statement, {"assignment_id": assignment_id}).one_or_none()
    return None if row is None else _to_assignment(row)


def own_assignment(
    moment: Moment, requester_id: str, assignment_id: str, *, lock: bool = False
) -> Assignment:
    """An assignment of the requester's own HIT. Raises AssignmentDoesNotExist."""
    assignment = find_assignment(moment, assignment_id, lock=lock)
    if assignment is None or assignment.hit.requester_id != requester_id:
        raise does_not_exist("Assignment", assignment_id)
    return assignment


def change_hit(
    moment: Moment, hit: Hit, state: HitState, *, paid_slots: int = 0, at: Millis | None = None
) -> None:
    """Writes a HIT's new state, holds or releases the money that it now may cost, and tells what happened to it.

    `paid_slots` slots have just been paid out of the held money, so they are not released once more. `at` is when
    the change came due, where that is earlier than now. Raises InsufficientFunds where more must be held than
    there is.
    """
    slots = state.slots_owed(moment.now) + paid_slots - hit.held_slots
    ledger.hold(moment.connection, hit.cause(moment.now), slots * (hit.reward + hit.fee))
    columns = state_columns(state, moment.now, changed_at=at)
    moment.connection.execute(_CHANGE_HIT, {"changed": hit.hit_id, **columns})
    _tell_change(moment, hit, state, moment.now if at is None else at)


def _tell_change(moment: Moment, hit: Hit, state: HitState, at: Millis) -> None:
    before, after = hit.status, state.status(moment.now)
    if state.max_assignments > hit.state.max_assignments or state.expires_at > hit.state.expires_at:
        tell(moment, EventType.HIT_EXTENDED, hit, at=at)
    if state.expired(moment.now) and hit.due_at is not None and before in _OPEN:
        tell(moment, EventType.HIT_EXPIRED, hit, at=min(moment.now, state.expires_at))
    if before in _OPEN and after is HitStatus.REVIEWABLE:
        tell(moment, EventType.HIT_REVIEWABLE, hit, at=min(moment.now, state.reviewable_since(at)))
    if after is HitStatus.DISPOSED:
        tell(moment, EventType.HIT_DISPOSED, hit, at=at)


def tell(
    moment: Moment,
    event_type: EventType,
    hit: Hit,
    assignment_id: str | None = None,
    *,
    at: Millis | None = None,
) -> None:
    """Notes an event of this HIT, or of an assignment of it, for whoever asked to be notified."""
    notifications.emit(
        moment,
        event_type,
        requester_id=hit.requester_id,
        hit_type_id=hit.hit_type_id,
        hit_id=hit.hit_id,
        assignment_id=assignment_id,
        at=at,
    )


def state_columns(state: HitState, now: Millis, *, changed_at: Millis | None = None) -> dict[str, Any]:
    """The columns of table `hit` that say a state reached at `changed_at` (without it: now)."""
    return {
        "status": state.status(now).value,
        "max_assignments": state.max_assignments,
        "available": state.available,
        "pending": state.pending,
        "completed": state.completed,
        "held_slots": state.slots_owed(now),
        "reviewing": state.reviewing,
        "disposed": state.disposed,
        "expires_at": state.expires_at,
        "due_at": state.next_due(now, now if changed_at is None else changed_at),
    }


def change_assignment(moment: Moment, assignment_id: str, values: Mapping[str, Any]) -> None:
    """Writes columns of one assignment."""
    moment.connection.execute(_CHANGE_ASSIGNMENT, {"changed": assignment_id, **values})


def _to_hit(row: Row[Any]) -> Hit:
    return Hit(
        hit_id=row.hit_id,
        hit_type_id=row.hit_type_id,
        requester_id=row.requester_id,
        status=HitStatus(row.status),
        due_at=row.due_at,
        reward=row.reward_cents,
        fee=row.fee_cents,
        held_slots=row.held_slots,
        duration_s=row.duration_s,
        auto_approval_s=row.auto_approval_s,
        state=HitState(
            max_assignments=row.max_assignments,
            available=row.available,
            pending=row.pending,
            completed=row.completed,
            expires_at=row.expires_at,
            reviewing=row.reviewing,
            disposed=row.disposed,
        ),
    )


def _to_assignment(row: Row[Any]) -> Assignment:
    return Assignment(
        assignment_id=row.assignment_id,
        worker_id=row.worker_id,
        status=AssignmentStatus(row.assignment_status),
        deadline_at=row.deadline_at,
        submitted_at=row.submitted_at,
        auto_approval_at=row.auto_approval_at,
        rejected_at=row.rejected_at,
        hit=_to_hit(row),
    )
