"""Edits, the leases on them, and the images they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, true, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._cancel import cancelled_among
from pixelpatchwork.adapters.database._days import add_event
from pixelpatchwork.adapters.database._unwanted import ended, why_not
from pixelpatchwork.adapters.database._votes import banned_among
from pixelpatchwork.adapters.database.rows import (
    chunks,
    columns_of,
    edit_columns,
    edit_of,
    insert_new,
    row_of,
    row_of_edit,
    usage_row,
)
from pixelpatchwork.domain.errors import LeaseLost, StoreError
from pixelpatchwork.domain.model import (
    OPEN_EDITS,
    Edit,
    EditKey,
    EditState,
    Event,
    Image,
    ImageId,
    ImageState,
    RoundId,
    Usage,
)
from pixelpatchwork.domain.money import Usd

_NO_LEASE = {"lease_owner": None, "lease_until": None}


def plan(connection: Connection, edits: Sequence[Edit]) -> None:
    """Records edits that are to be made.

    An answer whose row was lost and taken in again has its edit already. The same key under another answer is refused.
    """
    edit = schema.edit
    there: set[tuple[str, str]] = set()
    for some in chunks([one.edit_key for one in edits]):
        query = select(edit.c.edit_key, edit.c.assignment_id).where(edit.c.edit_key.in_(some))
        there |= {(row.edit_key, row.assignment_id) for row in connection.execute(query)}
    new = [row_of_edit(one) for one in edits if (one.edit_key, one.assignment_id) not in there]
    if new:
        connection.execute(insert(edit), new)


def claim_edit(connection: Connection, *, owner: str, now: datetime, lease: timedelta) -> Edit | None:
    """The oldest edit that is open and not leased, leased to `owner`.

    On MySQL it is read through the index that has the queue's order: a plan that sorts would lock the whole
    queue, and the others, who skip locked rows, would find it empty.
    """
    edit = schema.edit
    query = (
        select(*edit_columns(edit))
        .where(edit.c.is_open == true(), or_(edit.c.lease_until.is_(None), edit.c.lease_until <= now))
        .order_by(edit.c.planned_at, edit.c.edit_key)
        .limit(1)
        .with_hint(edit, "FORCE INDEX (`ix_Edit_queue`)", "mysql")
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    claimed = edit_of(row)
    _update(connection, claimed.edit_key, lease_owner=owner, lease_until=now + lease)
    return claimed


def renew_leases(connection: Connection, *, owner: str, now: datetime, lease: timedelta) -> None:
    """Every lease of `owner`, also one that has run out while nobody else claimed the edit."""
    edit = schema.edit
    connection.execute(update(edit).where(edit.c.lease_owner == owner).values(lease_until=now + lease))


def give_up_edit(
    connection: Connection,
    edit_key: EditKey,
    again: Edit | None,
    *,
    state: EditState,
    owner: str,
    at: datetime,
    message: str,
) -> None:
    """The end of one attempt and the plan of the next, or neither."""
    planned = [] if again is None else [again]
    cancelled = cancelled_among(connection, [edit.assignment_id for edit in planned])
    banned = banned_among(connection, [edit.creator_id for edit in planned])
    mark_edit(connection, edit_key, state, owner=owner, at=at, message=message)
    for edit in ended(planned, cancelled=cancelled, banned=banned):
        connection.execute(insert(schema.edit), row_of_edit(edit))
        add_event(
            connection,
            Event(at=at, kind=f"edit_{edit.state}", subject=edit.edit_key, detail=edit.message or ""),
        )


def mark_edit(
    connection: Connection,
    edit_key: EditKey,
    state: EditState,
    *,
    owner: str,
    at: datetime,
    message: str | None = None,
    cost_usd: Usd | None = None,
    usage: Usage | None = None,
    rates: str | None = None,
) -> None:
    """Moves an edit on that `owner` holds; back to PLANNED only where it is still wanted."""
    if state is EditState.PLANNED and (why := _why_not(connection, edit_key)) is not None:
        state, message = EditState.FAILED, why
    _require_lease(connection, edit_key, owner)
    values: dict[str, Any] = {"state": state, "is_open": state in OPEN_EDITS}
    values |= {} if message is None else {"message": message}
    values |= {} if cost_usd is None else {"cost_usd": cost_usd}
    values |= {} if usage is None else usage_row(usage)
    values |= {} if rates is None else {"rates": rates}
    values |= {} if state in OPEN_EDITS else _NO_LEASE
    _update(connection, edit_key, **values)
    add_event(connection, Event(at=at, kind=f"edit_{state}", subject=edit_key, detail=message or ""))


def release_edit(connection: Connection, edit_key: EditKey, *, owner: str, at: datetime) -> None:
    """Gives the lease back, if it is still this one's to give."""
    if _held(connection, edit_key)[1] == owner:
        _update(connection, edit_key, **_NO_LEASE)
        add_event(connection, Event(at=at, kind="edit_released", subject=edit_key))


def finish_edit(
    connection: Connection, edit_key: EditKey, image: Image, *, owner: str, drift: float, at: datetime
) -> None:
    """The image, and that the edit is DONE.

    The image's id follows from the edit's key. So an image that is there is this one, of an edit whose row was lost and
    recorded anew (a table that was restored from an older copy), unless it belongs to another edit.
    """
    state = ImageState.HIDDEN if _is_cancelled(connection, edit_key) else image.state
    if _held(connection, edit_key)[0] is EditState.DONE:
        return
    _require_lease(connection, edit_key, owner)
    made = replace(image, day=_date(connection, edit_key), state=state)
    connection.execute(insert_new(schema.image, connection.dialect), row_of(made))
    _update(
        connection,
        edit_key,
        state=EditState.DONE,
        is_open=False,
        image_id=image.image_id,
        drift=drift,
        **_NO_LEASE,
    )
    add_event(connection, Event(at=at, kind="image_made", subject=image.image_id, detail=edit_key))


def _is_cancelled(connection: Connection, edit_key: EditKey) -> bool:
    """Whether the edit's round is cancelled. Where not, it is not until this transaction's end."""
    edit = schema.edit
    asked_by = connection.scalars(select(edit.c.assignment_id).where(edit.c.edit_key == edit_key)).all()
    return bool(cancelled_among(connection, asked_by))


def _why_not(connection: Connection, edit_key: EditKey) -> str | None:
    """Why the edit is not to be made any more. Where it is, it stays so until this transaction's end."""
    edit = schema.edit
    row = connection.execute(
        select(edit.c.assignment_id, edit.c.creator_id).where(edit.c.edit_key == edit_key)
    ).first()
    if row is None:
        return None
    cancelled = cancelled_among(connection, [row.assignment_id])
    banned = banned_among(connection, [row.creator_id])
    return why_not(row.assignment_id, row.creator_id, cancelled=cancelled, banned=banned)


def _date(connection: Connection, edit_key: EditKey) -> date:
    """The date of the Day for which an edit is made."""
    edit, assignment, hit, round_, day = (
        schema.edit,
        schema.assignment,
        schema.hit,
        schema.round_,
        schema.day,
    )
    query = (
        select(day.c.date)
        .join(round_, round_.c.day_number == day.c.number)
        .join(hit, hit.c.round_id == round_.c.round_id)
        .join(assignment, assignment.c.token == hit.c.token)
        .join(edit, edit.c.assignment_id == assignment.c.assignment_id)
        .where(edit.c.edit_key == edit_key)
    )
    found: date = connection.execute(query).scalar_one()
    return found


def _require_lease(connection: Connection, edit_key: EditKey, owner: str) -> None:
    if _held(connection, edit_key)[1] != owner:
        raise LeaseLost(f"The edit {edit_key[:12]}... has been taken over by another collector.")


def _held(connection: Connection, edit_key: EditKey) -> tuple[EditState, str | None]:
    """State and holder of an edit, its row locked. Raises StoreError where there is none."""
    edit = schema.edit
    row = connection.execute(
        select(edit.c.state, edit.c.lease_owner).where(edit.c.edit_key == edit_key).with_for_update()
    ).first()
    if row is None:
        raise StoreError(f"No edit {edit_key[:12]}... has been planned.")
    return row.state, row.lease_owner


def _update(connection: Connection, edit_key: EditKey, **values: Any) -> None:
    connection.execute(update(schema.edit).where(schema.edit.c.edit_key == edit_key).values(**values))


def edits(connection: Connection, round_id: RoundId) -> tuple[Edit, ...]:
    """The edits that a round's answers asked for, by planned_at and edit key."""
    edit, assignment, hit = schema.edit, schema.assignment, schema.hit
    query = (
        select(*edit_columns(edit))
        .join(assignment, assignment.c.assignment_id == edit.c.assignment_id)
        .join(hit, hit.c.token == assignment.c.token)
        .where(hit.c.round_id == round_id)
        .order_by(edit.c.planned_at, edit.c.edit_key)
    )
    return tuple(edit_of(row) for row in connection.execute(query))


def image(connection: Connection, image_id: ImageId) -> Image | None:
    """One image."""
    return next(iter(_images(connection, schema.image.c.image_id == image_id)), None)


def images(connection: Connection, *, day_number: int | None = None) -> tuple[Image, ...]:
    """All images with the first seed, or those painted on one Day."""
    if day_number is None:
        return tuple(_images(connection))
    date = select(schema.day.c.date).where(schema.day.c.number == day_number).scalar_subquery()
    painted = schema.image.c.seed_image_id.is_not(None)
    return tuple(_images(connection, schema.image.c.day == date, painted))


def _images(connection: Connection, *conditions: ColumnElement[bool]) -> list[Image]:
    table = schema.image
    query = (
        select(*columns_of(table, Image)).where(*conditions).order_by(table.c.created_at, table.c.image_id)
    )
    return [Image(**row._mapping) for row in connection.execute(query)]
