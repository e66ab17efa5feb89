"""Defects on purpose, so that it can be seen that the harness finds them. Each is put into one child's program."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.domain.model import AssignmentId, EditKey, EditState, HitId, Settlement, Token
from pixelpatchwork.domain.ports import HitRequest, Judgement
from tests.support.kill_hooks import supplant


def _hits_without_identity() -> None:
    """HITs are created with a token of chance, and nobody looks whether they are there."""
    create = MTurkCrowd.create_hit

    def at_random(crowd: MTurkCrowd, request: HitRequest) -> HitId:
        return create(crowd, replace(request, token=Token(secrets.token_hex(32))))

    supplant(MTurkCrowd, "create_hit", at_random)
    supplant(MTurkCrowd, "hits", lambda _crowd, _prefix: iter(()))


def _paid_on_paper() -> None:
    """An approval is recorded before it is made."""
    record, approve = SqlStore.record_judgements, MTurkCrowd.approve
    used: list[tuple[SqlStore, datetime]] = []

    def remembered(store: SqlStore, judgements: Sequence[Judgement], *, at: datetime) -> None:
        used.append((store, at))
        record(store, judgements, at=at)

    def recorded_first(crowd: MTurkCrowd, assignment_id: AssignmentId) -> None:
        store, at = used[-1]
        store.mark_settled([assignment_id], settlement=Settlement.APPROVED, at=at)
        approve(crowd, assignment_id)

    supplant(SqlStore, "record_judgements", remembered)
    supplant(MTurkCrowd, "approve", recorded_first)


def _edits_unannounced() -> None:
    """An edit's request goes out without a record that it did."""
    mark = SqlStore.mark_edit

    def but_not_submitted(store: SqlStore, edit_key: EditKey, state: EditState, **more: object) -> None:
        if state is not EditState.SUBMITTED:
            mark(store, edit_key, state, **more)  # type: ignore[arg-type]  # they are passed on as they came

    supplant(SqlStore, "mark_edit", but_not_submitted)


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "hits without identity": _hits_without_identity,
    "paid on paper": _paid_on_paper,
    "edits unannounced": _edits_unannounced,
}
