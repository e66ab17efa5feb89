"""What budgets do to publishing and to edits: refused before anything is begun, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from pixelpatchwork.domain.budget import Budget, Scope
from pixelpatchwork.domain.errors import BudgetExceeded, EditorStopped, EditOutcomeUnknown
from pixelpatchwork.domain.model import AssignmentState, EditState, RoundId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.budget import outlook
from pixelpatchwork.workflow.collect import collect
from pixelpatchwork.workflow.publish import plan_round
from tests.support.study import RULES, NoiseEditor, Stage, open_stage

GENERATION = RoundId("day-1-generation")
ROUND_USD = 4 * (Usd("0.30") + Usd("0.25"))
"""Four answers with their fees and the edits that they may ask for."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.editor.parallel = 1
    stage.editor.worst_case_usd = Usd("0.25")
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def within(stage: Stage, **limits: Usd) -> Stage:
    return stage.with_services(rules=replace(stage.services.rules, budget=Budget(**limits)))


def test_a_round_is_planned_with_what_its_edits_can_cost(stage: Stage) -> None:
    assert plan_round(stage.services).round.edit_usd == Usd("0.25")
    assert stage.publish().round.edit_usd == Usd("0.25")


def test_a_voting_round_has_no_edits(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ada", "a moon")
    stage.collect(close=True)
    assert plan_round(stage.services).round.edit_usd == 0


def test_a_round_without_room_is_refused_with_nothing_recorded_or_published(stage: Stage) -> None:
    balance = stage.services.crowd.balance()
    with pytest.raises(BudgetExceeded, match=r"raise `budget\.day_usd`"):
        within(stage, day_usd=ROUND_USD - Usd("0.01")).publish()
    assert stage.services.store.rounds() == ()
    assert stage.services.crowd.balance() == balance
    assert within(stage, day_usd=ROUND_USD).publish().created == 2


def test_a_round_taken_up_again_is_not_counted_twice(stage: Stage) -> None:
    tight = within(stage, study_usd=ROUND_USD)
    plan = plan_round(tight.services)
    tight.services.store.add_round(plan.round, plan.hits, budget=tight.services.rules.budget)
    assert outlook(plan_round(tight.services), tight.services).refusal is None
    assert tight.publish().created == 2


def test_the_outlook_of_a_plan_counts_it_once_planned_or_not(stage: Stage) -> None:
    tight = within(stage, day_usd=ROUND_USD + 1)
    plan = plan_round(tight.services)
    before = outlook(plan, tight.services).rooms
    tight.services.store.add_round(plan.round, plan.hits)
    assert outlook(plan, tight.services).rooms == before
    assert (before[Scope.DAY].reserved_usd, before[Scope.DAY].left_usd) == (ROUND_USD, Usd(1))
    assert before[Scope.ROUND].left_usd is None


def test_edits_of_a_published_round_have_room_though_the_budget_is_lowered(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ada", "a moon")
    assert within(stage, study_usd=Usd(0)).collect().edits.made == 1


def test_a_dearer_editor_stops_the_queue_its_edits_stay_planned_and_everybody_is_paid(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ada", "a moon")
    stage.editor.worst_case_usd = Usd("0.40")
    done = within(stage, round_usd=ROUND_USD).collect()
    assert (done.edits.made, done.edits.waiting, done.paid) == (0, 1, 1)
    assert done.edits.stopped is not None
    assert "This edit would need up to $0.15, and the budget of a round has $0.00 left" in done.edits.stopped
    assert stage.editor.requests == []
    (edit,) = stage.services.store.edits(GENERATION)
    assert edit.state is EditState.PLANNED
    (answer,) = stage.services.store.assignments(GENERATION)
    assert answer.state is AssignmentState.SETTLED

    assert within(stage, round_usd=ROUND_USD + Usd("0.15")).collect().edits.made == 1


def test_a_second_try_waits_for_room(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ada", "a moon")
    stage.editor.script["a moon"] = [EditOutcomeUnknown("read time-out")]
    tight = within(stage, study_usd=ROUND_USD)
    tight.collect()
    done = tight.collect()
    assert (done.edits.made, done.edits.waiting) == (0, 1)
    assert "`budget.study_usd`" in (done.edits.stopped or "")
    assert len(stage.editor.requests) == 1
    assert stage.collect().edits.made == 1


class Patient(NoiseEditor):
    """An edit costs less than it might, and the first waits until the other has been refused."""

    def __init__(self) -> None:
        super().__init__(worst_case_usd="0.40")
        self.refused = Event()

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        def announced() -> None:
            try:
                sending()
            except EditorStopped:
                self.refused.set()
                raise

        painted = super().edit(request, sending=announced)
        assert self.refused.wait(timeout=10)
        return replace(painted, cost_usd=Usd("0.05"))


def test_an_edit_without_room_is_made_once_those_under_way_cost_less_than_they_might(stage: Stage) -> None:
    stage.publish()
    for name in ("Ada", "Bob"):
        stage.paint(name, f"a moon by {name}")
    editor = Patient()
    one_at_a_time = within(stage, round_usd=ROUND_USD + Usd("0.15")).with_services(editor=editor)
    done = one_at_a_time.collect()
    assert (done.edits.made, done.edits.waiting, done.edits.stopped) == (2, 0, None)
    assert len(editor.requests) == 2


def test_an_edit_without_room_takes_nothing_from_what_was_allowed(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ada", "a moon")
    stage.editor.worst_case_usd = Usd("0.40")
    allowance = Allowance(Usd("0.40"))
    services = within(stage, round_usd=ROUND_USD).services
    assert collect(services, owner="me", may_spend=allowance).edits.made == 0
    assert allowance.left == Usd("0.40")
