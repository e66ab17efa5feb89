"""The identity of an edit: equal edits have equal keys, on every run and every machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from pixelpatchwork.domain.image_keys import image_id_from
from pixelpatchwork.domain.model import AssignmentId, Edit, EditKey, EditState, Image, ImageId, UserId

MAX_ATTEMPTS = 2
"""An edit whose outcome is unknown may have been billed; it is tried once more, never twice."""


def plan_edit(
    *,
    assignment_id: AssignmentId,
    creator_id: UserId,
    seed: Image,
    mask_rle: str,
    prompt: str,
    editor: str,
    model: str,
    parameters: str,
    attempt: int,
    at: datetime,
) -> Edit:
    """An edit that has still to be made."""
    return _with_key(
        Edit(
            edit_key=EditKey(""),
            assignment_id=assignment_id,
            attempt=attempt,
            seed_image_id=seed.image_id,
            creator_id=creator_id,
            mask_rle=mask_rle,
            prompt=prompt,
            editor=editor,
            model=model,
            parameters=parameters,
            state=EditState.PLANNED,
            planned_at=at,
        )
    )


def next_attempt(edit: Edit, *, at: datetime) -> Edit | None:
    """One more try of an edit whose outcome is unknown; None where it has had its last."""
    if edit.attempt >= MAX_ATTEMPTS:
        return None
    again = replace(
        edit, attempt=edit.attempt + 1, state=EditState.PLANNED, planned_at=at, message=None, cost_usd=None
    )
    return _with_key(again)


def moved(edit: Edit, *, editor: str, model: str, parameters: str, at: datetime) -> Edit:
    """The same wish for another editor than the one it was planned for: one more attempt."""
    return _with_key(
        replace(
            edit,
            attempt=edit.attempt + 1,
            editor=editor,
            model=model,
            parameters=parameters,
            state=EditState.PLANNED,
            planned_at=at,
            message=None,
            cost_usd=None,
        )
    )


def previous_attempt(edit: Edit) -> Edit | None:
    """The attempt before this one, as far as its identity goes; None for the first."""
    return _with_key(replace(edit, attempt=edit.attempt - 1)) if edit.attempt > 1 else None


def image_id_of(edit: Edit) -> ImageId:
    """The id of the image that an edit makes."""
    return image_id_from(edit.edit_key)


def _with_key(edit: Edit) -> Edit:
    parts = (
        edit.assignment_id,
        edit.seed_image_id,
        edit.mask_rle,
        edit.prompt,
        edit.editor,
        edit.model,
        edit.parameters,
        str(edit.attempt),
    )
    digest = sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return replace(edit, edit_key=EditKey(digest.hexdigest()))
