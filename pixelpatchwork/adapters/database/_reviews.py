"""Verdicts and the requester's own decisions: on answers, on people, on pictures.

Rows are locked in one order (answers, rounds, users, images, each by key), so that collectors and a requester who
decides meanwhile wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from pixelpatchwork.adapters.database import _answers, _edits, schema
from pixelpatchwork.adapters.database._cancel import cancelled_among
from pixelpatchwork.adapters.database._days import add_event, add_events
from pixelpatchwork.adapters.database._unwanted import end_planned, ended
from pixelpatchwork.adapters.database._votes import add_votes, banned_among, count_anew
from pixelpatchwork.adapters.database.rows import lock
from pixelpatchwork.domain.model import (
    AssignmentId,
    AssignmentState,
    EditKey,
    EditState,
    Event,
    Image,
    ImageId,
    ImageState,
    User,
    UserId,
    Verdict,
)
from pixelpatchwork.domain.ports import Judgement
from pixelpatchwork.domain.store import MAKER_BANNED

_SET = ("verdict", "decision", "reason", "language", "seconds")


def record_judgements(
    connection: Connection, judgements: Sequence[Judgement], *, at: datetime, hide_at_flags: int = 0
) -> None:
    """Verdicts, votes, edits and counts of those answers that nobody has judged yet."""
    assignment = schema.assignment
    by_id = {one.assignment_id: one for one in reversed(judgements)}  # of two on one answer the first stands
    stored = lock(connection, assignment.c.assignment_id, by_id, assignment.c.state == AssignmentState.STORED)
    fresh = [by_id[key] for key in stored]
    _record(connection, fresh, "assignment_judged", at=at, hide_at_flags=hide_at_flags)


def record_reviews(
    connection: Connection,
    judgements: Sequence[Judgement],
    *,
    at: datetime,
    by_requester: bool = True,
    hide_at_flags: int = 0,
) -> tuple[AssignmentId, ...]:
    """The same for answers that are held: of two decisions at once the first stands."""
    assignment = schema.assignment
    by_id = {one.assignment_id: one for one in reversed(judgements)}
    held = lock(
        connection,
        assignment.c.assignment_id,
        by_id,
        assignment.c.state == AssignmentState.JUDGED,
        assignment.c.verdict == Verdict.HELD,
    )
    kind = "assignment_reviewed" if by_requester else "assignment_taken_over"
    _record(connection, [by_id[key] for key in held], kind, at=at, hide_at_flags=hide_at_flags)
    reviewed = update(assignment).where(assignment.c.assignment_id == bindparam("reviewed_id"))
    if held and by_requester:
        connection.execute(reviewed.values(reviewed_at=at), [{"reviewed_id": key} for key in held])
    return tuple(held)


def _record(
    connection: Connection, judgements: Sequence[Judgement], kind: str, *, at: datetime, hide_at_flags: int
) -> None:
    cancelled = cancelled_among(connection, (one.assignment_id for one in judgements))
    planned = [one.edit for one in judgements if one.edit is not None]
    banned = banned_among(connection, {edit.creator_id for edit in planned})
    _set_verdicts(connection, judgements)
    votes = [vote for one in judgements for vote in one.votes]
    add_votes(connection, votes, at=at, hide_at_flags=hide_at_flags)
    edits = ended(planned, cancelled=cancelled, banned=banned)
    _edits.plan(connection, edits)
    add_events(
        connection,
        [
            *(Event(at=at, kind=kind, subject=one.assignment_id, detail=one.verdict) for one in judgements),
            *(event for one in judgements for event in one.events),
            *(
                Event(at=at, kind=f"edit_{edit.state}", subject=edit.edit_key, detail=edit.message or "")
                for edit in edits
            ),
        ],
    )


def _set_verdicts(connection: Connection, judgements: Sequence[Judgement]) -> None:
    assignment = schema.assignment
    judged = (
        update(assignment)
        .where(assignment.c.assignment_id == bindparam("judged_id"))
        .values(state=AssignmentState.JUDGED, **{name: bindparam(f"new_{name}") for name in _SET})
    )
    rows = [
        {"judged_id": one.assignment_id, **{f"new_{name}": getattr(one, name) for name in _SET}}
        for one in judgements
    ]
    if rows:
        connection.execute(judged, rows)


# ---- people and pictures --------------------------------------------------------------------------------


def set_banned(
    connection: Connection, user_id: UserId, *, is_banned: bool, at: datetime, hide_at_flags: int = 0
) -> User | None:
    """The user's row is locked first: votes and edits that are being recorded meanwhile see the ban, or wait."""
    user = schema.user
    if not lock(connection, user.c.user_id, [user_id]):
        return None
    changed = connection.execute(
        update(user)
        .where(user.c.user_id == user_id, user.c.is_banned != is_banned)
        .values(is_banned=is_banned)
    )
    if changed.rowcount:
        if is_banned:
            end_planned(connection, _planned_edits(connection, user_id), MAKER_BANNED, at=at)
        _void_votes(connection, user_id, is_void=is_banned, at=at, hide_at_flags=hide_at_flags)
        kind = "user_banned" if is_banned else "user_unbanned"
        add_event(connection, Event(at=at, kind=kind, subject=user_id))
    return _answers.user_by_id(connection, user_id)


def _planned_edits(connection: Connection, user_id: UserId) -> Sequence[EditKey]:
    edit = schema.edit
    return connection.scalars(
        select(edit.c.edit_key).where(edit.c.creator_id == user_id, edit.c.state == EditState.PLANNED)
    ).all()


def _void_votes(
    connection: Connection, user_id: UserId, *, is_void: bool, at: datetime, hide_at_flags: int
) -> None:
    """A user's votes on the Day that goes on; those of Days that are closed stay as they were counted."""
    vote, round_, day = schema.vote, schema.round_, schema.day
    current = select(round_.c.round_id).join(day, day.c.number == round_.c.day_number).where(day.c.is_current)
    of_today = (vote.c.user_id == user_id) & vote.c.round_id.in_(current)
    touched = sorted(set(connection.scalars(select(vote.c.image_id).where(of_today))))
    locked = lock(connection, schema.image.c.image_id, touched)
    connection.execute(update(vote).where(of_today).values(is_void=is_void))
    count_anew(connection, locked, at=at, hide_at_flags=hide_at_flags)


def review_image(
    connection: Connection, image_id: ImageId, state: ImageState, *, at: datetime
) -> Image | None:
    """State and time of the look; the diary says so each time."""
    image = schema.image
    reviewed = connection.execute(
        update(image).where(image.c.image_id == image_id).values(state=state, reviewed_at=at)
    )
    if reviewed.rowcount:
        kind = "image_shown" if state is ImageState.VISIBLE else "image_hidden"
        add_event(connection, Event(at=at, kind=kind, subject=image_id))
    return _edits.image(connection, image_id)
