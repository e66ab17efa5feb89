"""Edits that are not to be made any more, because their round was cancelled or their maker banned: their end.

What has been sent is let come, because it may be billed; nothing new is sent. Whoever records an edit that wants work
locks the rows of its round and its maker first (`cancelled_among`, `banned_among`), and cancelling and banning lock
them, too: so the one sees what the other did, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_events
from pixelpatchwork.adapters.database.rows import chunks, lock
from pixelpatchwork.domain.model import AssignmentId, Edit, EditKey, EditState, Event, UserId
from pixelpatchwork.domain.store import MAKER_BANNED, ROUND_CANCELLED


def end_planned(connection: Connection, keys: Iterable[EditKey], why: str, *, at: datetime) -> None:
    """PLANNED -> FAILED. A collector that has claimed one and not yet sent it has lost its lease when it wants to."""
    edit = schema.edit
    planned = lock(connection, edit.c.edit_key, keys, edit.c.state == EditState.PLANNED)
    for some in chunks(planned):
        connection.execute(
            update(edit)
            .where(edit.c.edit_key.in_(some))
            .values(
                state=EditState.FAILED,
                is_open=False,
                message=why,
                lease_owner=None,
                lease_until=None,
            )
        )
    add_events(connection, [Event(at=at, kind="edit_failed", subject=key, detail=why) for key in planned])


def ended(
    edits: Sequence[Edit], *, cancelled: Collection[AssignmentId], banned: Collection[UserId]
) -> list[Edit]:
    """Edits as they are recorded: those that are not to be made at their end, with the reason."""
    return [_ended(edit, cancelled, banned) for edit in edits]


def _ended(edit: Edit, cancelled: Collection[AssignmentId], banned: Collection[UserId]) -> Edit:
    why = why_not(edit.assignment_id, edit.creator_id, cancelled=cancelled, banned=banned)
    return edit if why is None else replace(edit, state=EditState.FAILED, message=why)


def why_not(
    assignment_id: AssignmentId,
    creator_id: UserId,
    *,
    cancelled: Collection[AssignmentId],
    banned: Collection[UserId],
) -> str | None:
    """Why an answer's edit is not to be made, or None."""
    if assignment_id in cancelled:
        return ROUND_CANCELLED
    return MAKER_BANNED if creator_id in banned else None
