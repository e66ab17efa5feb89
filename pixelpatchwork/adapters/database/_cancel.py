"""Cancelled rounds: what ends with a round at once, and what ends later because its round was cancelled.

Whoever records something that a cancelling would have ended locks the round's row for sharing first, and the cancelling
locks it for itself: so the one sees what the other did, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_event, add_events
from pixelpatchwork.adapters.database._unwanted import end_planned
from pixelpatchwork.adapters.database._votes import count_anew
from pixelpatchwork.adapters.database.rows import chunks, lock
from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError
from pixelpatchwork.domain.model import (
    AssignmentId,
    EditKey,
    EditState,
    Event,
    ImageState,
    RoundId,
    RoundState,
)
from pixelpatchwork.domain.store import ROUND_CANCELLED


def mark_round_cancelled(connection: Connection, round_id: RoundId, *, at: datetime) -> None:
    """The round counts for nothing but pay from here on; the first time stands."""
    round_ = schema.round_
    cancelled = connection.execute(
        update(round_)
        .where(
            round_.c.round_id == round_id,
            round_.c.cancelled_at.is_(None),
            round_.c.state != RoundState.CLOSED,
        )
        .values(cancelled_at=at)
    )
    if not cancelled.rowcount:
        _require_cancelled(connection, round_id)
        return
    add_event(connection, Event(at=at, kind="round_cancelled", subject=round_id))
    end_planned(connection, _planned_edits(connection, round_id), ROUND_CANCELLED, at=at)
    _hide_images(connection, round_id, at=at)
    _uncount_votes(connection, round_id, at=at)


def _require_cancelled(connection: Connection, round_id: RoundId) -> None:
    round_ = schema.round_
    row = connection.execute(select(round_.c.cancelled_at).where(round_.c.round_id == round_id)).first()
    if row is None:
        raise StoreError(f"No round {round_id} has been planned.")
    if row.cancelled_at is None:
        raise AlreadyRecorded(
            f"The round {round_id} has been closed before; it cannot be cancelled any more."
        )


def _planned_edits(connection: Connection, round_id: RoundId) -> Sequence[EditKey]:
    edit, assignment, hit = schema.edit, schema.assignment, schema.hit
    return connection.scalars(
        select(edit.c.edit_key)
        .join(assignment, assignment.c.assignment_id == edit.c.assignment_id)
        .join(hit, hit.c.token == assignment.c.token)
        .where(hit.c.round_id == round_id, edit.c.state == EditState.PLANNED)
    ).all()


def _hide_images(connection: Connection, round_id: RoundId, *, at: datetime) -> None:
    """What was painted for the round stands on no ballot, unless the requester shows it again."""
    image, edit, assignment, hit = schema.image, schema.edit, schema.assignment, schema.hit
    painted = connection.scalars(
        select(edit.c.image_id)
        .join(assignment, assignment.c.assignment_id == edit.c.assignment_id)
        .join(hit, hit.c.token == assignment.c.token)
        .where(hit.c.round_id == round_id, edit.c.image_id.is_not(None))
    ).all()
    shown = lock(connection, image.c.image_id, painted, image.c.state != ImageState.HIDDEN)
    for some in chunks(shown):
        connection.execute(update(image).where(image.c.image_id.in_(some)).values(state=ImageState.HIDDEN))
    add_events(
        connection, [Event(at=at, kind="image_hidden", subject=key, detail=ROUND_CANCELLED) for key in shown]
    )


def _uncount_votes(connection: Connection, round_id: RoundId, *, at: datetime) -> None:
    vote = schema.vote
    voted_on = connection.scalars(select(vote.c.image_id).where(vote.c.round_id == round_id).distinct()).all()
    count_anew(connection, lock(connection, schema.image.c.image_id, voted_on), at=at, hide_at_flags=0)


# ---- what comes after a round was cancelled -------------------------------------------------------------


def cancelled_among(connection: Connection, assignment_ids: Iterable[AssignmentId]) -> set[AssignmentId]:
    """Those of the answers whose rounds are cancelled. None of the others is until this transaction's end."""
    assignment, hit, round_ = schema.assignment, schema.hit, schema.round_
    rounds: dict[AssignmentId, RoundId] = {}
    for some in chunks(assignment_ids):
        rows = connection.execute(
            select(assignment.c.assignment_id, hit.c.round_id)
            .join(hit, hit.c.token == assignment.c.token)
            .where(assignment.c.assignment_id.in_(some))
        )
        rounds |= {row.assignment_id: row.round_id for row in rows}
    held = connection.execute(
        select(round_.c.round_id, round_.c.cancelled_at)
        .where(round_.c.round_id.in_(set(rounds.values())))
        .order_by(round_.c.round_id)
        .with_for_update(read=True)
    )
    cancelled = {row.round_id for row in held if row.cancelled_at is not None}
    return {key for key, round_id in rounds.items() if round_id in cancelled}
