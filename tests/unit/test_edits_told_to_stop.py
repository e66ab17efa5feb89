"""A process that lives for days begins no edit once it is to end, and never spends more than it was allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.domain.model import EditState, RoundId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.edit import ENDING, NOT_ALLOWED, USED_UP, EditSummary, run_edits
from pixelpatchwork.workflow.services import MaySpend, Stops, never, no_progress
from tests.support.study import RULES, NoiseEditor, Stage, open_stage

GENERATION = RoundId("day-1-generation")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Three edits that cost a quarter each, and none is made."""
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.editor.parallel = 1
    stage.editor.worst_case_usd = Usd("0.25")
    stage.allows = False
    stage.publish()
    for number in range(3):
        stage.paint(f"Worker {number}", f"a moon {number}")
    stage.collect()
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def edits(stage: Stage, may_spend: MaySpend | Allowance, stops: Stops = never) -> EditSummary:
    return run_edits(stage.services, owner="test", may_spend=may_spend, progress=no_progress, stops=stops)


def states(stage: Stage) -> list[EditState]:
    return [edit.state for edit in stage.services.store.edits(GENERATION)]


def test_an_allowance_is_counted_down_over_several_runs(stage: Stage) -> None:
    allowance = Allowance(Usd("0.60"))
    assert edits(stage, allowance) == EditSummary(made=2, waiting=1, stopped=USED_UP)
    assert allowance.left == Usd("0.10")
    assert edits(stage, allowance) == EditSummary(waiting=1, stopped=USED_UP)
    assert len(stage.editor.requests) == 2
    assert states(stage).count(EditState.PLANNED) == 1


def test_what_is_allowed_at_once_is_asked_for_at_once(stage: Stage) -> None:
    stage.spending.clear()
    assert edits(stage, stage._may_spend).stopped == NOT_ALLOWED
    assert stage.spending == [(Usd("0.75"), "3 edits with noise-1")]
    assert edits(stage, lambda _amount, _what: True).made == 3


def test_once_told_to_stop_no_other_edit_is_begun(stage: Stage) -> None:
    stops = iter([False, False, True])  # the first edit is claimed and sent; then the program is to end
    done = edits(stage, Allowance(Usd(9)), stops=lambda: next(stops, True))
    assert (done.made, done.waiting) == (1, 2)
    assert edits(stage, Allowance(Usd(9))).made == 2


class Rated(NoiseEditor):
    """An editor that waits for a place in its rate; meanwhile the program is told to stop."""

    def __init__(self) -> None:
        super().__init__(worst_case_usd="0.25")
        self.parallel = 1
        self.is_told = False

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        self.is_told = True
        return super().edit(request, sending=sending)


def test_an_edit_that_waited_for_its_turn_is_given_back_unsent(stage: Stage) -> None:
    editor = Rated()
    allowance = Allowance(Usd(9))
    done = edits(stage.with_services(editor=editor), allowance, stops=lambda: editor.is_told)
    assert (done.made, done.waiting, done.stopped) == (0, 3, ENDING)
    assert (editor.requests, allowance.left) == ([], Usd(9))
    assert edits(stage, allowance).made == 3
