"""Cancelling beside publishing, collecting and another cancelling: whoever comes first, the books end sane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest

from pixelpatchwork.domain.errors import NothingToDo
from pixelpatchwork.domain.model import (
    OPEN_EDITS,
    ImageState,
    RoundId,
    RoundState,
    Settlement,
)
from pixelpatchwork.workflow.cancel import cancel_round, plan_cancel
from tests.support.stores import DATABASES, fresh_store
from tests.support.study import Stage, open_stage

GENERATION = RoundId("day-1-generation")
TURNS = range(3)


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with fresh_store(request.param, tmp_path) as store:
        yield open_stage(tmp_path, store=store)


def at_once(*deeds: Callable[[], object]) -> None:
    """Everything in the same instant; whoever comes too late may find nothing left to do."""
    barrier = Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> None:
        barrier.wait()
        with suppress(NothingToDo):
            deed()

    with ThreadPoolExecutor(max_workers=len(deeds)) as pool:
        for running in [pool.submit(do, deed) for deed in deeds]:
            running.result()


def cancel(stage: Stage) -> None:
    cancel_round(plan_cancel(stage.services), stage.services, owner="canceller")


def require_sane(stage: Stage) -> None:
    """The cancelled round is at its end, off the market and paid, and left nothing that counts."""
    with suppress(NothingToDo):
        stage.collect()
    store, crowd, now = stage.services.store, stage.services.crowd, stage.clock.now()
    cancelled = store.round(GENERATION)
    assert cancelled is not None
    assert (cancelled.is_cancelled, cancelled.state) == (True, RoundState.CLOSED)
    there = list(crowd.hits("pixelpatchwork:test-0001:day-1-generation:"))
    assert {hit.hit_id for hit in there} == {hit.hit_id for hit in store.hits(GENERATION) if hit.hit_id}
    assert all(hit.is_finished or hit.expires_at <= now for hit in there)
    submitted = {one.assignment_id: one for hit in there for one in crowd.assignments(hit.hit_id)}
    answers = {one.assignment_id: one for one in store.assignments(GENERATION)}
    assert answers.keys() == submitted.keys()
    assert all(one.is_approved for one in submitted.values())
    assert all(one.settlement is Settlement.APPROVED for one in answers.values())
    assert not [edit for edit in store.edits(GENERATION) if edit.state in OPEN_EDITS]
    assert all(image.state is ImageState.HIDDEN for image in store.images(day_number=1))


@pytest.mark.parametrize("turn", TURNS)
def test_two_cancel_and_one_collects_at_once(stage: Stage, turn: int) -> None:
    stage.publish()
    for number in range(turn + 1):
        stage.paint(f"Worker {number}", f"moon {number}")
    at_once(stage.collect, lambda: cancel(stage), lambda: cancel(stage), stage.collect)
    require_sane(stage)
    assert stage.publish().created == 2


@pytest.mark.parametrize("turn", TURNS)
def test_one_publishes_while_another_cancels(stage: Stage, turn: int) -> None:
    """The publisher has recorded the round by then, or nearly."""

    def cancel_soon() -> None:
        for _ in range(2_000):
            with suppress(NothingToDo):
                cancel(stage)
                return

    at_once(stage.publish, cancel_soon, *([stage.collect] * turn))
    require_sane(stage)
    assert stage.publish().round.attempt == 2
