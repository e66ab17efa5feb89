"""Defects on purpose, so that it can be seen that the harness finds them. Each is put into one child's program."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    HitId,
    RoundId,
    Settlement,
    Token,
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


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "hits without identity": _hits_without_identity,
    "paid on paper": _paid_on_paper,
    "edits unannounced": _edits_unannounced,
}
