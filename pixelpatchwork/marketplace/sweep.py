"""What time alone does: assignments run out, answers approve themselves, HITs expire and are disposed of.

Nothing runs in the background. Each request first looks, with one indexed query, whether something has come due by
its own reading of the clock, and lets it happen before anything else. So a clock that a rehearsal moves by two
days takes every deadline with it.

What comes due is settled a batch at a time. A row that cannot be settled (damaged, or met by a defect of ours) must not
answer everybody's requests with its fault: then each row of the batch is settled by itself, and what fails is said
in the log, put off by an hour, and tried again then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Column, Connection, Select, Table, bindparam, literal, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from pixelpatchwork.marketplace import schema, timekeeping, verdicts
from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.records import Moment, change_hit, find_assignment, find_hit
from pixelpatchwork.marketplace.states import AssignmentStatus, HitStatus
from pixelpatchwork.marketplace.traces import place_of

_BATCH = 100
_PUT_OFF: Millis = 3_600 * SECOND
_log = logging.getLogger(__name__)
_now: BindParameter[int] = bindparam("now")
_first_assignment = select(literal(1)).where(schema.assignment.c.due_at <= _now).limit(1)
_first_hit = select(literal(1)).where(schema.hit.c.due_at <= _now).limit(1)
_offset = select(schema.setting.c.value).where(schema.setting.c.name == timekeeping.OFFSET)
_LOOK = select(
    _first_assignment.scalar_subquery(),
    _first_hit.scalar_subquery(),
    _offset.scalar_subquery().label("offset"),
)


def _due_in(table: Table, key: Column[str]) -> Select[Any]:
    columns = table.c
    statement = select(key.label("row_id"), columns.number, columns.due_at).where(columns.due_at <= _now)
    return statement.order_by(columns.due_at).limit(_BATCH)


_DUE_ASSIGNMENTS = _due_in(schema.assignment, schema.assignment.c.assignment_id)
_DUE_HITS = _due_in(schema.hit, schema.hit.c.hit_id)
_TABLES = {
    "hit": (schema.hit, schema.hit.c.hit_id),
    "assignment": (schema.assignment, schema.assignment.c.assignment_id),
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one query says before every act: whether something has come due, and how far ahead the clock is set."""

    due: bool
    offset: Millis


def look(connection: Connection, now: Millis) -> Look:
    """Looks whether time alone has changed something that the tables do not say yet."""
    assignment, hit, offset = connection.execute(_LOOK, {"now": now}).one()
    return Look(due=assignment is not None or hit is not None, offset=int(offset or 0))


@dataclass(frozen=True, kw_only=True)
class DueRow:
    """A row that has come due. `table` is `hit` or `assignment`, `number` the row's number there."""

    table: str
    row_id: str
    number: int
    due_at: Millis


def settle_due(moment: Moment) -> frozenset[DueRow]:
    """Lets one batch of what has come due happen, and tells what it was: more may have come due by it."""
    hits = _due(moment.connection, "hit", moment.now)
    for row in hits:
        _settle_hit(moment, row.row_id)
    assignments = _due(moment.connection, "assignment", moment.now)
    for row in assignments:
        _settle_assignment(moment, row.row_id)
    return frozenset([*hits, *assignments])


def settle_apart(
    connection: Connection, now: Millis, in_moment: Callable[[Callable[[Moment], None]], None]
) -> frozenset[DueRow]:
    """The same, each row under a savepoint of its own; what cannot be settled is put off and said in the log.

    `in_moment` runs an act as the marketplace runs acts. Raises what is the database's fault and no row's.
    """
    rows = [*_due(connection, "hit", now), *_due(connection, "assignment", now)]
    faults: dict[DueRow, Exception] = {}
    for row in rows:
        try:
            with connection.begin_nested():
                in_moment(partial(_settle_row, row))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            # Whatever is wrong with one row, the others must go on.
            faults[row] = error
    _put_off(connection, now, faults)
    return frozenset(rows)


class _StuckError(Exception):
    """Settling a row changed nothing: it would be due for ever."""


def _settle_row(row: DueRow, moment: Moment) -> None:
    settle = _settle_hit if row.table == "hit" else _settle_assignment
    settle(moment, row.row_id)
    if _due_at(moment.connection, row) == row.due_at:
        raise _StuckError


def _put_off(connection: Connection, now: Millis, faults: Mapping[DueRow, Exception]) -> None:
    for row in faults:
        table, key = _TABLES[row.table]
        connection.execute(update(table).where(key == row.row_id).values(due_at=now + _PUT_OFF))
    if faults:
        first, error = next(iter(faults.items()))
        _log.error(
            "%d rows cannot be settled and are put off by an hour, such as number %d of table %s: %s.",
            len(faults),
            first.number,
            first.table,
            place_of(error),
        )


def _due(connection: Connection, table: str, now: Millis) -> Sequence[DueRow]:
    statement = _DUE_HITS if table == "hit" else _DUE_ASSIGNMENTS
    found = connection.execute(statement, {"now": now})
    return [DueRow(table=table, row_id=row.row_id, number=row.number, due_at=row.due_at) for row in found]


def _due_at(connection: Connection, row: DueRow) -> Millis | None:
    table, key = _TABLES[row.table]
    due_at: Millis | None = connection.execute(
        select(table.c.due_at).where(key == row.row_id)
    ).scalar_one_or_none()
    return due_at


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
    # An open HIT that was put off expired when it should have, all the same.
    change_hit(moment, hit, state, at=hit.due_at if is_done else hit.state.expires_at)
