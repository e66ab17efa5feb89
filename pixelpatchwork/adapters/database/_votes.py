"""Votes, and the counts and flags that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_events
from pixelpatchwork.adapters.database.rows import chunks, columns_of, insert_new, lock, row_of
from pixelpatchwork.domain.model import Choice, Event, ImageId, ImageState, RoundId, UserId, Vote


def add_votes(connection: Connection, votes: Sequence[Vote], *, at: datetime, hide_at_flags: int = 0) -> None:
    """Records votes, passing over repeats, and counts the votes of their images anew.

    The users' rows are locked first, so that nobody is banned between; then the images' rows: whoever counts then sees
    every vote committed before.
    """
    if not votes:
        return
    banned = banned_among(connection, {vote.user_id for vote in votes})
    touched = lock(connection, schema.image.c.image_id, {vote.image_id for vote in votes})
    rows = [
        row_of(vote) | {"is_void": vote.user_id in banned}
        for vote in sorted(votes, key=lambda one: (one.round_id, one.user_id, one.image_id))
    ]
    connection.execute(insert_new(schema.vote, connection.dialect), rows)
    count_anew(connection, touched, at=at, hide_at_flags=hide_at_flags)


def banned_among(connection: Connection, user_ids: Iterable[UserId]) -> set[UserId]:
    """Those of the users who are banned. None of the others is until this transaction's end."""
    user = schema.user
    banned: set[UserId] = set()
    for some in chunks(sorted(user_ids)):
        wanted = select(user.c.user_id, user.c.is_banned).where(user.c.user_id.in_(some))
        rows = connection.execute(wanted.order_by(user.c.user_id).with_for_update())
        banned |= {row.user_id for row in rows if row.is_banned}
    return banned


def count_anew(
    connection: Connection, image_ids: Sequence[ImageId], *, at: datetime, hide_at_flags: int
) -> None:
    """The counts of images whose rows are locked; those with flags enough are hidden until they are looked at."""
    vote, image = schema.vote, schema.image
    for some in chunks(image_ids):
        connection.execute(
            update(image)
            .where(image.c.image_id.in_(some))
            .values(
                upvotes=_number(vote.c.choice == Choice.UP),
                downvotes=_number(vote.c.choice == Choice.DOWN),
                flags=_number(vote.c.flagged),
            )
        )
        if hide_at_flags:
            _hide_flagged(connection, some, at=at, least=hide_at_flags)


def _hide_flagged(connection: Connection, image_ids: Sequence[ImageId], *, at: datetime, least: int) -> None:
    """VISIBLE -> FLAGGED, once: what the requester has looked at stays as he left it."""
    image = schema.image
    flagged = connection.execute(
        select(image.c.image_id, image.c.flags)
        .where(
            image.c.image_id.in_(image_ids),
            image.c.flags >= least,
            image.c.state == ImageState.VISIBLE,
            image.c.reviewed_at.is_(None),
        )
        .order_by(image.c.image_id)
    ).all()
    if not flagged:
        return
    ids = [row.image_id for row in flagged]
    connection.execute(update(image).where(image.c.image_id.in_(ids)).values(state=ImageState.FLAGGED))
    add_events(
        connection,
        [Event(at=at, kind="image_flagged", subject=row.image_id, detail=str(row.flags)) for row in flagged],
    )


def _number(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many votes that count on the image at hand meet the condition."""
    vote, round_ = schema.vote, schema.round_
    counted = (vote.c.image_id == schema.image.c.image_id) & ~vote.c.is_own & ~vote.c.is_void
    return (
        select(func.count())
        .select_from(vote.join(round_, round_.c.round_id == vote.c.round_id))
        .where(counted, condition, round_.c.cancelled_at.is_(None))
        .correlate(schema.image)
        .scalar_subquery()
    )


def votes(connection: Connection, round_id: RoundId | None = None) -> tuple[Vote, ...]:
    """The votes of a round, or all, by created_at, user and position."""
    vote = schema.vote
    query = select(*columns_of(vote, Vote)).order_by(
        vote.c.created_at, vote.c.user_id, vote.c.position, vote.c.round_id, vote.c.image_id
    )
    if round_id is not None:
        query = query.where(vote.c.round_id == round_id)
    return tuple(Vote(**row._mapping) for row in connection.execute(query))
