"""What budgets do to publishing and to edits: refused before anything is begun, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.domain.budget import Budget, Scope
from pixelpatchwork.domain.errors import BudgetExceeded, EditOutcomeUnknown
from pixelpatchwork.domain.model import AssignmentState, EditState, RoundId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.workflow.budget import outlook
from pixelpatchwork.workflow.publish import plan_round
from tests.support.study import RULES, Stage, open_stage

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
