"""Reconciliation on both databases: rows that a restored table has lost come back, and everything agrees again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.differences import Kind
from pixelpatchwork.domain.errors import NothingToDo
from pixelpatchwork.domain.model import EditState, RoundId, RoundState, Settlement
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.workflow.reconcile import Repaired, compare, repair
from tests.support.stores import DATABASES, fresh_store
from tests.support.study import Stage, open_stage

GENERATION = RoundId("day-1-generation")


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with fresh_store(request.param, tmp_path) as store:
        yield open_stage(tmp_path, store=store)


@pytest.fixture
def painted(stage: Stage) -> Stage:
    """A generation round of two answers that is over."""
    stage.editor.worst_case_usd = Usd("0.25")
    stage.publish()
    for worker in ("Ann", "Bob"):
        stage.paint(worker, f"a moon by {worker}")
    stage.collect(close=True)
    return stage


def lose(stage: Stage, *tables: str) -> None:
    """All rows of some tables, as where a dump of single tables is put back: it switches foreign keys off."""
    store = stage.services.store
    assert isinstance(store, SqlStore)
    engine = store.database.engine
    switch = "PRAGMA foreign_keys" if engine.dialect.name == "sqlite" else "SET SESSION foreign_key_checks"
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"{switch} = 0")
        for name in tables:
            cursor.execute(f"DELETE FROM `{name}`")  # both databases take these quotes
        connection.commit()
        cursor.execute(f"{switch} = 1")


def mend(stage: Stage) -> Repaired:
    return repair(compare(stage.services).differences, stage.services, owner="test")


@pytest.mark.parametrize("lost", [("Assignment",), ("Edit", "Assignment")])
def test_answers_that_were_lost_are_taken_in_and_neither_paid_nor_painted_again(
    painted: Stage, lost: tuple[str, ...]
) -> None:
    store, balance = painted.services.store, painted.services.crowd.balance()
    before = {one.image_id: one.sha256 for one in store.images(day_number=1)}
    lose(painted, *lost)

    done = mend(painted)
    with suppress(NothingToDo):
        painted.collect()  # a mender makes no edit that may cost money

    assert (done.failures, done.remaining) == ((), ())
    assert Kind.ANSWER_LACKED in {one.kind for one in done.mended}
    assert {one.image_id: one.sha256 for one in store.images(day_number=1)} == before
    assert [one.settlement for one in store.assignments(GENERATION)] == [Settlement.APPROVED] * 2
    edits = [(one.state, one.cost_usd) for one in store.edits(GENERATION)]
    assert edits == [(EditState.DONE, Usd("0.25"))] * 2
    assert [one.state for one in store.rounds()] == [RoundState.CLOSED]
    assert len(painted.editor.requests) == 2
    assert painted.services.crowd.balance() == balance
    assert compare(painted.services).differences == ()
