"""Records that are corrected after a look at the marketplace. Each correction stands in the diary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_event, add_events
from pixelpatchwork.adapters.database._rounds import reopen_rounds_of
from pixelpatchwork.adapters.database.rows import chunks, lock
from pixelpatchwork.domain.model import (
    AssignmentId,
    AssignmentState,
    Event,
    HitState,
    Settlement,
    Token,
)


def reopen_hits(connection: Connection, tokens: Sequence[Token], *, at: datetime) -> None:
    """CLOSED -> OPEN for HITs that were published, and for their rounds."""
    hit = schema.hit
    closed = lock(connection, hit.c.token, tokens, hit.c.state == HitState.CLOSED, hit.c.hit_id.is_not(None))
    for some in chunks(closed):
        connection.execute(update(hit).where(hit.c.token.in_(some)).values(state=HitState.OPEN))
    add_events(connection, [Event(at=at, kind="hit_reopened", subject=token) for token in closed])
    reopen_rounds_of(connection, closed, at=at)


def correct_settlement(
    connection: Connection,
    assignment_id: AssignmentId,
    settlement: Settlement,
    *,
    instead_of: Settlement,
    at: datetime,
) -> bool:
    """What became of the pay, where the record says otherwise still."""
    assignment = schema.assignment
    corrected = connection.execute(
        update(assignment)
        .where(
            assignment.c.assignment_id == assignment_id,
            assignment.c.state == AssignmentState.SETTLED,
            assignment.c.settlement == instead_of,
        )
        .values(settlement=settlement)
    )
    if corrected.rowcount:
        detail = f"{settlement} instead of {instead_of}"
        add_event(connection, Event(at=at, kind="settlement_corrected", subject=assignment_id, detail=detail))
    return corrected.rowcount > 0
