"""Users, their answers, and what the answers came to: verdicts, votes and counts.

Every function takes a whole batch with a fixed number of statements: the database is often a network away.
Rows are locked in the order of their keys, so that collectors wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, literal, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_events
from pixelpatchwork.adapters.database.rows import chunks, columns_of, insert_new, lock, row_of
from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Event,
    RoundId,
    Settlement,
    User,
    UserId,
)


def ensure_users(connection: Connection, users: Sequence[User]) -> tuple[User, ...]:
    """Those that are new are recorded; all of them come back as recorded."""
    wanted = {user.user_id: user for user in users}
    known = _users_by_id(connection, wanted)
    missing = [row_of(wanted[user_id]) for user_id in sorted(wanted.keys() - known.keys())]
    if missing:
        connection.execute(insert_new(schema.user, connection.dialect), missing)
        known = _users_by_id(connection, wanted)
    try:
        return tuple(known[user.user_id] for user in users)
    except KeyError as error:
        raise StoreError(
            "A worker is on record under another user id: has the pseudonym key changed?"
        ) from error


def _users_by_id(connection: Connection, user_ids: Iterable[UserId]) -> dict[UserId, User]:
    found: dict[UserId, User] = {}
    for some in chunks(user_ids):
        found |= {user.user_id: user for user in _users(connection, schema.user.c.user_id.in_(some))}
    return found


def users(connection: Connection) -> tuple[User, ...]:
    """Everybody, by user id."""
    return tuple(_users(connection))


def user_by_id(connection: Connection, user_id: UserId) -> User | None:
    """One participant."""
    return next(iter(_users(connection, schema.user.c.user_id == user_id)), None)


def _users(connection: Connection, *conditions: ColumnElement[bool]) -> list[User]:
    query = select(*columns_of(schema.user, User)).where(*conditions).order_by(schema.user.c.user_id)
    return [User(**row._mapping) for row in connection.execute(query)]


def add_assignments(connection: Connection, assignments: Sequence[Assignment]) -> tuple[AssignmentId, ...]:
    """Keeps new answers. The HITs' rows are locked, so that of two collectors only one finds them new."""
    lock(connection, schema.hit.c.token, {one.token for one in assignments})
    kept = _ids(connection, (one.assignment_id for one in assignments))
    new: dict[AssignmentId, Assignment] = {}
    for one in assignments:
        if one.assignment_id not in kept:
            new.setdefault(one.assignment_id, one)
    if new:
        connection.execute(insert(schema.assignment), [row_of(one) for one in new.values()])
    return tuple(new)


def _ids(connection: Connection, assignment_ids: Iterable[AssignmentId]) -> set[AssignmentId]:
    column = schema.assignment.c.assignment_id
    found: set[AssignmentId] = set()
    for some in chunks(assignment_ids):
        found |= set(connection.scalars(select(column).where(column.in_(some))))
    return found


def assignments(
    connection: Connection,
    round_id: RoundId,
    *,
    with_answers: bool = True,
    state: AssignmentState | None = None,
) -> tuple[Assignment, ...]:
    """The answers of a round by submitted_at and id. Without `with_answers` the long texts are not read."""
    assignment, hit = schema.assignment, schema.hit
    columns: list[ColumnElement[Any]] = [
        literal("").label("raw_answer") if column.name == "raw_answer" and not with_answers else column
        for column in columns_of(assignment, Assignment)
    ]
    query = (
        select(*columns)
        .join(hit, hit.c.token == assignment.c.token)
        .where(hit.c.round_id == round_id, *([] if state is None else [assignment.c.state == state]))
        .order_by(assignment.c.submitted_at, assignment.c.assignment_id)
    )
    return tuple(Assignment(**row._mapping) for row in connection.execute(query))


def raw_answers(connection: Connection, assignment_ids: Sequence[AssignmentId]) -> dict[AssignmentId, str]:
    """The texts of some answers by id."""
    assignment = schema.assignment
    found: dict[AssignmentId, str] = {}
    for some in chunks(assignment_ids):
        query = select(assignment.c.assignment_id, assignment.c.raw_answer)
        rows = connection.execute(query.where(assignment.c.assignment_id.in_(some)))
        found |= {row.assignment_id: row.raw_answer for row in rows}
    return found


def unsettled(connection: Connection, assignment_ids: Sequence[AssignmentId]) -> frozenset[AssignmentId]:
    """Those of the answers that are not settled."""
    assignment = schema.assignment
    found: set[AssignmentId] = set()
    for some in chunks(assignment_ids):
        query = select(assignment.c.assignment_id).where(
            assignment.c.assignment_id.in_(some), assignment.c.state != AssignmentState.SETTLED
        )
        found |= set(connection.scalars(query))
    return frozenset(found)


def mark_settled(
    connection: Connection, assignment_ids: Sequence[AssignmentId], *, settlement: Settlement, at: datetime
) -> None:
    """JUDGED -> SETTLED; others stay as they are."""
    settled = _in_state(connection, assignment_ids, AssignmentState.JUDGED)
    _set(connection, settled, state=AssignmentState.SETTLED, settlement=settlement, settled_at=at)
    add_events(
        connection,
        [Event(at=at, kind="assignment_settled", subject=key, detail=settlement) for key in settled],
    )


def _in_state(
    connection: Connection, assignment_ids: Iterable[AssignmentId], state: AssignmentState
) -> list[AssignmentId]:
    """Those of the assignments that are in `state`, locked."""
    assignment = schema.assignment
    return lock(connection, assignment.c.assignment_id, assignment_ids, assignment.c.state == state)


def _set(connection: Connection, assignment_ids: Iterable[AssignmentId], **values: Any) -> None:
    column = schema.assignment.c.assignment_id
    for some in chunks(assignment_ids):
        connection.execute(update(schema.assignment).where(column.in_(some)).values(**values))
