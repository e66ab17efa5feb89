"""What time alone does: assignments run out, answers approve themselves, HITs expire and are disposed of.

Nothing runs in the background. Each request first looks, with one indexed query, whether something has come due by
its own reading of the clock, and lets it happen before anything else. So a clock that a rehearsal moves by two
days takes every deadline with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, bindparam, literal, select

from pixelpatchwork.marketplace import schema, timekeeping, verdicts
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.records import Moment, change_hit, find_assignment, find_hit
from pixelpatchwork.marketplace.states import AssignmentStatus, HitStatus

_BATCH = 100
_now: BindParameter[int] = bindparam("now")
_first_assignment = select(literal(1)).where(schema.assignment.c.due_at <= _now).limit(1)
_first_hit = select(literal(1)).where(schema.hit.c.due_at <= _now).limit(1)
_offset = select(schema.setting.c.value).where(schema.setting.c.name == timekeeping.OFFSET)
_LOOK = select(
    _first_assignment.scalar_subquery(),
    _first_hit.scalar_subquery(),
    _offset.scalar_subquery().label("offset"),
)
_DUE_ASSIGNMENTS = (
    select(schema.assignment.c.assignment_id)
    .where(schema.assignment.c.due_at <= _now)
    .order_by(schema.assignment.c.due_at)
    .limit(_BATCH)
)
_DUE_HITS = (
    select(schema.hit.c.hit_id).where(schema.hit.c.due_at <= _now).order_by(schema.hit.c.due_at).limit(_BATCH)
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one query says before every act: whether something has come due, and how far ahead the clock is set."""

    due: bool
    offset: Millis


def look(connection: Connection, now: Millis) -> Look:
    """Looks whether time alone has changed something that the tables do not say yet."""
    assignment, hit, offset = connection.execute(_LOOK, {"now": now}).one()
    return Look(due=assignment is not None or hit is not None, offset=int(offset or 0))


def settle_due(moment: Moment) -> bool:
    """Lets one batch of what has come due happen. True where something did: more may have come due by it."""
    parameters = {"now": moment.now}
    hit_ids = moment.connection.execute(_DUE_HITS, parameters).scalars().all()
    for hit_id in hit_ids:
        _settle_hit(moment, hit_id)
    assignment_ids = moment.connection.execute(_DUE_ASSIGNMENTS, parameters).scalars().all()
    for assignment_id in assignment_ids:
        _settle_assignment(moment, assignment_id)
    return bool(hit_ids or assignment_ids)


def _settle_assignment(moment: Moment, assignment_id: str) -> None:
    """Looks again under the lock: another process may have been quicker."""
    assignment = find_assignment(moment, assignment_id, lock=True)
    if assignment is None:
        return
    if assignment.status is AssignmentStatus.ACCEPTED and assignment.deadline_at <= moment.now:
        verdicts.give_back(moment, assignment, AssignmentStatus.ABANDONED, at=assignment.deadline_at)
    due_at = assignment.auto_approval_at
    if assignment.status is AssignmentStatus.SUBMITTED and due_at is not None and due_at <= moment.now:
        verdicts.approve(moment, assignment, at=due_at)


def _settle_hit(moment: Moment, hit_id: str) -> None:
    """Expires an open HIT and disposes of one long since done; looks again under the lock."""
    hit = find_hit(moment, hit_id, lock=True)
    if hit is None or hit.due_at is None or hit.due_at > moment.now:
        return
    is_done = hit.status in {HitStatus.REVIEWABLE, HitStatus.REVIEWING}
    state = hit.state.dispose(moment.now) if is_done else hit.state
    change_hit(moment, hit, state, at=hit.due_at)
