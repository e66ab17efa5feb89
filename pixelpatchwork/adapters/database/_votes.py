"""Votes, and the counts that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database.rows import chunks, columns_of, insert_new, lock, row_of
from pixelpatchwork.domain.model import Choice, ImageId, RoundId, Vote


def add_votes(connection: Connection, votes: Sequence[Vote]) -> None:
    """Records votes, passing over repeats, and counts the votes of their images anew.

    The images' rows are locked first: whoever counts then sees every vote committed before.
    """
    if not votes:
        return
    touched = lock(connection, schema.image.c.image_id, {vote.image_id for vote in votes})
    rows = [row_of(vote) for vote in sorted(votes, key=lambda one: (one.round_id, one.user_id, one.image_id))]
    connection.execute(insert_new(schema.vote, connection.dialect), rows)
    _count(connection, touched)


def _count(connection: Connection, image_ids: Sequence[ImageId]) -> None:
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


def _number(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many votes of others on the image at hand meet the condition."""
    vote = schema.vote
    of_others = (vote.c.image_id == schema.image.c.image_id) & ~vote.c.is_own
    return (
        select(func.count())
        .select_from(vote)
        .where(of_others, condition)
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
