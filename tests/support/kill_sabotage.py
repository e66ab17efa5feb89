"""Defects on purpose, so that it can be seen that the harness finds them. Each is put into one child's program."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from pixelpatchwork.adapters.database import SqlStore, schema
from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.adapters.s3_images import S3Images
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    EditState,
    HitId,
    RoundId,
    Settlement,
    Token,
    WorkerId,
)
from pixelpatchwork.domain.ports import HitRequest
from tests.support.kill_hooks import supplant
from tests.support.study import START


def _hits_without_identity() -> None:
    """HITs are created with a token of chance, and nobody looks whether they are there."""
    create = MTurkCrowd.create_hit

    def at_random(crowd: MTurkCrowd, request: HitRequest) -> HitId:
        return create(crowd, replace(request, token=Token(secrets.token_hex(32))))

    supplant(MTurkCrowd, "create_hit", at_random)
    supplant(MTurkCrowd, "hits", lambda _crowd, _prefix: iter(()))


def _paid_on_paper() -> None:
    """An approval is recorded before it is made."""
    find, approve = SqlStore.assignments, MTurkCrowd.approve
    used: list[SqlStore] = []

    def remembered(store: SqlStore, round_id: RoundId, **more: Any) -> tuple[Assignment, ...]:
        used.append(store)
        return find(store, round_id, **more)

    def recorded_first(crowd: MTurkCrowd, assignment_id: AssignmentId) -> None:
        used[-1].mark_settled([assignment_id], settlement=Settlement.APPROVED, at=START)
        approve(crowd, assignment_id)

    supplant(SqlStore, "assignments", remembered)
    supplant(MTurkCrowd, "approve", recorded_first)


def _edits_unannounced() -> None:
    """An edit's request goes out without a record that it did."""
    supplant(SqlStore, "submit_edit", lambda *_things, **_more: None)


def _bonuses_without_identity() -> None:
    """Bonuses are sent with a token of chance, and nobody looks whether they have been paid."""
    send = MTurkCrowd.send_bonus

    def at_random(crowd: MTurkCrowd, assignment_id: AssignmentId, worker_id: WorkerId, **more: Any) -> None:
        send(crowd, assignment_id, worker_id, **{**more, "token": Token(secrets.token_hex(32))})

    supplant(MTurkCrowd, "send_bonus", at_random)
    supplant(MTurkCrowd, "bonuses", lambda _crowd, _assignment_id: iter(()))


def _pictures_later() -> None:
    """An edit is recorded as done before its picture is stored."""
    put, finish = S3Images.put, SqlStore.finish_edit
    waiting: list[Callable[[], object]] = []

    def promised(images: S3Images, key: str, data: bytes, *, content_type: str) -> bool:
        if key.startswith("raw/"):
            return put(images, key, data, content_type=content_type)
        waiting.append(lambda: put(images, key, data, content_type=content_type))
        return True

    def finished_first(store: SqlStore, *things: Any, **more: Any) -> None:
        finish(store, *things, **more)
        while waiting:
            waiting.pop(0)()

    supplant(S3Images, "put", promised)
    supplant(SqlStore, "finish_edit", finished_first)


def _closed_first() -> None:
    """A HIT is recorded as done before its answers are kept."""
    add = SqlStore.add_assignments

    def closed_first(store: SqlStore, assignments: Sequence[Assignment]) -> tuple[AssignmentId, ...]:
        store.mark_hits_closed([one.token for one in assignments], at=START)
        return add(store, assignments)

    supplant(SqlStore, "add_assignments", closed_first)


def _edits_announced_together() -> None:
    """Every edit that waits is recorded as sent before the first one is, so that a death loses all their outcomes."""
    submit = SqlStore.submit_edit
    edit = schema.edit

    def all_at_once(store: SqlStore, *things: Any, **more: Any) -> None:
        submit(store, *things, **more)
        others = update(edit).where(edit.c.state == EditState.PLANNED).values(state=EditState.SUBMITTED)
        store.database.write(lambda connection: connection.execute(others))

    supplant(SqlStore, "submit_edit", all_at_once)


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "hits without identity": _hits_without_identity,
    "paid on paper": _paid_on_paper,
    "edits unannounced": _edits_unannounced,
    "edits announced together": _edits_announced_together,
    "bonuses without identity": _bonuses_without_identity,
    "pictures later": _pictures_later,
    "closed first": _closed_first,
}
