"""Defects on purpose, so that it can be seen that the harness finds them. Each is put into one child's program."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.domain.model import AssignmentId, EditState, HitId, Settlement, Token
from pixelpatchwork.domain.ports import HitRequest
from pixelpatchwork.workflow import collect
from pixelpatchwork.workflow.services import Services


def _hits_without_identity() -> None:
    """HITs are created with a token of chance, and nobody looks whether they are there."""
    create = MTurkCrowd.create_hit

    def at_random(crowd: MTurkCrowd, request: HitRequest) -> HitId:
        return create(crowd, replace(request, token=Token(secrets.token_hex(32))))

    MTurkCrowd.create_hit = at_random  # type: ignore[method-assign]  # in a child that exists for this
    MTurkCrowd.hits = lambda _crowd, _prefix: iter(())  # type: ignore[method-assign]  # as above


def _paid_on_paper() -> None:
    """An approval is recorded before it is made."""
    approve = collect._approve

    def recorded_first(assignment_id: AssignmentId, services: Services) -> Any:
        services.store.mark_settled(
            [assignment_id], settlement=Settlement.APPROVED, at=services.clock.now()
        )
        return approve(assignment_id, services)

    collect._approve = recorded_first


def _edits_unannounced() -> None:
    """An edit's request goes out without a record that it did."""
    mark = SqlStore.mark_edit

    def but_not_submitted(store: SqlStore, edit_key: Any, state: EditState, **more: Any) -> None:
        if state is not EditState.SUBMITTED:
            mark(store, edit_key, state, **more)

    SqlStore.mark_edit = but_not_submitted  # type: ignore[method-assign]  # as above


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "hits without identity": _hits_without_identity,
    "paid on paper": _paid_on_paper,
    "edits unannounced": _edits_unannounced,
}
