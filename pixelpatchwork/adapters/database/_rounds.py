"""Rounds and their HITs: what has been planned, published and closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_event, add_events
from pixelpatchwork.adapters.database.rows import chunks, columns_of, lock, row_of
from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError
from pixelpatchwork.domain.model import (
    OPEN_EDITS,
    AssignmentState,
    Event,
    Hit,
    HitId,
    HitState,
    Round,
    RoundId,
    RoundKind,
    RoundState,
    Token,
)
from pixelpatchwork.domain.ports import Remaining

_HALVES = tuple(RoundKind)


def add_round(connection: Connection, round_: Round, hits: Sequence[Hit]) -> None:
    """A planned round and its HITs."""
    connection.execute(insert(schema.round_), row_of(round_))
    if hits:
        connection.execute(insert(schema.hit), [row_of(hit) for hit in hits])
    detail = f"{len(hits)} HITs at {round_.reward_usd} USD"
    add_event(
        connection, Event(at=round_.planned_at, kind="round_planned", subject=round_.round_id, detail=detail)
    )


def rounds(connection: Connection) -> tuple[Round, ...]:
    """All rounds, by Day, generation before voting."""
    return tuple(sorted(_rounds(connection), key=lambda found: (found.day_number, _HALVES.index(found.kind))))


def round_by_id(connection: Connection, round_id: RoundId) -> Round | None:
    """One round."""
    return next(iter(_rounds(connection, schema.round_.c.round_id == round_id)), None)


def _rounds(connection: Connection, *conditions: ColumnElement[bool]) -> list[Round]:
    query = select(*columns_of(schema.round_, Round)).where(*conditions)
    return [Round(**row._mapping) for row in connection.execute(query)]


def hits(connection: Connection, round_id: RoundId) -> tuple[Hit, ...]:
    """The HITs of a round, by index."""
    hit = schema.hit
    query = select(*columns_of(hit, Hit)).where(hit.c.round_id == round_id).order_by(hit.c.index)
    return tuple(Hit(**row._mapping) for row in connection.execute(query))


def remaining(connection: Connection, round_id: RoundId) -> Remaining:
    """What still is to be done of a round, in one statement, so that nothing moves in between."""
    hit, assignment, edit = schema.hit, schema.assignment, schema.edit
    of_round, is_open = hit.c.round_id == round_id, hit.c.state != HitState.CLOSED
    is_unsettled = assignment.c.state != AssignmentState.SETTLED
    answers = hit.join(assignment, assignment.c.token == hit.c.token)
    edits = answers.join(edit, edit.c.assignment_id == assignment.c.assignment_id)
    counted = select(func.count()).where(of_round)
    row = connection.execute(
        select(
            counted.select_from(hit).where(is_open).scalar_subquery().label("hits"),
            counted.select_from(answers).where(is_unsettled).scalar_subquery().label("answers"),
            counted.select_from(edits).where(edit.c.state.in_(OPEN_EDITS)).scalar_subquery().label("edits"),
            counted.select_from(answers).where(is_open).scalar_subquery().label("taken"),
            select(func.coalesce(func.sum(hit.c.max_assignments), 0))
            .where(of_round, is_open)
            .scalar_subquery()
            .label("places"),
        )
    ).one()
    return Remaining(
        hits=row.hits, answers=row.answers, edits=row.edits, room=int(row.places) - int(row.taken)
    )


def mark_hit_open(
    connection: Connection, token: Token, hit_id: HitId, *, expires_at: datetime, at: datetime
) -> None:
    """Published -> OPEN. A HIT that is published under another id raises AlreadyRecorded."""
    hit = schema.hit
    opened = connection.execute(
        update(hit)
        .where(hit.c.token == token, hit.c.hit_id.is_(None))
        .values(state=HitState.OPEN, hit_id=hit_id, expires_at=expires_at)
    )
    if opened.rowcount:
        add_event(connection, Event(at=at, kind="hit_opened", subject=token, detail=hit_id))
        reopen_rounds_of(connection, [token], at=at)
        return
    published_as = connection.execute(select(hit.c.hit_id).where(hit.c.token == token)).first()
    if published_as is None:
        raise StoreError(f"No HIT with the token {token[:12]}... has been planned.")
    if published_as.hit_id != hit_id:
        raise AlreadyRecorded(f"The HIT {token[:12]}... has been published before, as {published_as.hit_id}.")


def reopen_rounds_of(connection: Connection, tokens: Sequence[Token], *, at: datetime) -> None:
    """CLOSED -> OPEN for the rounds of HITs from which something may come after all."""
    hit, round_ = schema.hit, schema.round_
    for some in chunks(tokens):
        of_hits = select(hit.c.round_id).where(hit.c.token.in_(some)).distinct()
        closed = lock(
            connection, round_.c.round_id, connection.scalars(of_hits), round_.c.state == RoundState.CLOSED
        )
        connection.execute(
            update(round_).where(round_.c.round_id.in_(closed)).values(state=RoundState.OPEN, closed_at=None)
        )
        add_events(connection, [Event(at=at, kind="round_reopened", subject=key) for key in closed])


def open_hits(connection: Connection, tokens: Sequence[Token]) -> frozenset[Token]:
    """Those of the HITs that are open."""
    hit = schema.hit
    found: set[Token] = set()
    for some in chunks(tokens):
        found |= set(
            connection.scalars(select(hit.c.token).where(hit.c.token.in_(some), hit.c.state == HitState.OPEN))
        )
    return frozenset(found)


def mark_hits_closed(connection: Connection, tokens: Sequence[Token], *, at: datetime) -> None:
    """Closes those of the HITs that are not closed yet."""
    hit = schema.hit
    for some in chunks(tokens):
        wanted = hit.c.token.in_(some) & (hit.c.state != HitState.CLOSED)
        query = select(hit.c.token).where(wanted).order_by(hit.c.token).with_for_update()
        closing = list(connection.scalars(query))
        connection.execute(update(hit).where(hit.c.token.in_(closing)).values(state=HitState.CLOSED))
        add_events(connection, [Event(at=at, kind="hit_closed", subject=token) for token in closing])


def mark_round_open(connection: Connection, round_id: RoundId, *, at: datetime) -> None:
    """PLANNED -> OPEN."""
    round_ = schema.round_
    opened = connection.execute(
        update(round_)
        .where(round_.c.round_id == round_id, round_.c.state == RoundState.PLANNED)
        .values(state=RoundState.OPEN)
    )
    _record_step(connection, "round_opened", round_id, at=at, moved=opened.rowcount > 0)


def mark_round_closed(connection: Connection, round_id: RoundId, *, at: datetime) -> None:
    """Whatever it was -> CLOSED; the first time stands."""
    round_ = schema.round_
    closed = connection.execute(
        update(round_)
        .where(round_.c.round_id == round_id, round_.c.state != RoundState.CLOSED)
        .values(state=RoundState.CLOSED, closed_at=at)
    )
    _record_step(connection, "round_closed", round_id, at=at, moved=closed.rowcount > 0)


def _record_step(connection: Connection, kind: str, round_id: RoundId, *, at: datetime, moved: bool) -> None:
    if moved:
        add_event(connection, Event(at=at, kind=kind, subject=round_id))
    elif round_by_id(connection, round_id) is None:
        raise StoreError(f"No round {round_id} has been planned.")
