"""A collect of the HITs that a message named, and one that is told to end: neither forgets what it left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pixelpatchwork.domain.judging import JudgementRules, Policy
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    RoundId,
    Verdict,
    WorkerId,
)
from pixelpatchwork.domain.users import new_user
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.judge import AT_ONCE, judge_round
from tests.support.interposed import Interposed
from tests.support.study import RULES, Stage, open_stage

GENERATION = RoundId("day-1-generation")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Two HITs of two places each, of which three are taken."""
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.publish()
    for number in range(3):
        stage.paint(f"Worker {number}", f"a moon {number}")
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def collected(stage: Stage, **options: Any) -> Collected:
    return collect(stage.services, owner="test", may_spend=lambda _amount, _what: True, **options)


def test_only_the_named_hits_are_read_and_the_others_later(stage: Stage) -> None:
    read: list[str] = []

    class Noting(Interposed):
        def assignments(self, hit_id: str) -> Any:
            read.append(hit_id)
            return self._inner.assignments(hit_id)

    noting = stage.with_services(crowd=Noting(stage.services.crowd, ""))
    full, half = (hit.hit_id for hit in stage.services.store.hits(GENERATION))
    first = collected(noting, only={full, "SOMEBODYELSES"})
    assert (set(read), first.new_answers, first.paid, first.edits.made) == ({full}, 2, 2, 2)
    assert collected(noting, only=frozenset()).new_answers == 0
    assert set(read) == {full}
    assert collected(noting).new_answers == 1
    assert set(read) == {full, half}


def test_held_answers_are_not_looked_at_with_every_message(tmp_path: Path) -> None:
    held = replace(RULES, judgement=JudgementRules(policy=Policy.HOLD, hide_at_flags=0, attention_checks=()))
    stage = open_stage(tmp_path, rules=held)
    stage.publish()
    stage.paint("Ann", "")
    assert collected(stage).held == 1
    looks: list[str] = []

    class Noting(Interposed):
        def settlement(self, assignment_id: str) -> Any:
            looks.append(assignment_id)
            return self._inner.settlement(assignment_id)

    noting = stage.with_services(crowd=Noting(stage.services.crowd, ""))
    assert collected(noting, only=frozenset()).held == 1
    assert looks == []
    assert collected(noting).held == 1
    assert len(looks) == 1
    stage.services.store.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("asked", range(12))
def test_a_run_that_is_told_to_end_leaves_the_rest_to_the_next(stage: Stage, asked: int) -> None:
    number = count()
    first = collected(stage, stops=lambda: next(number) >= asked)
    second = collected(stage)
    assert first.new_answers + second.new_answers == 3
    assert first.paid + second.paid == 3
    assert first.edits.made + second.edits.made == 3
    assert len(stage.editor.requests) == 3


def test_one_that_is_told_to_end_before_it_began_calls_nobody(stage: Stage) -> None:
    def nobody() -> None:
        raise AssertionError("the marketplace was called")

    silent = stage.with_services(crowd=Interposed(stage.services.crowd, "assignments", before=nobody))
    assert collected(silent, stops=lambda: True).new_answers == 0


def test_a_round_with_more_answers_than_fit_into_memory_at_once_is_judged_whole(stage: Stage) -> None:
    store, now = stage.services.store, stage.clock.now()
    (round_,) = store.rounds()
    (user,) = store.ensure_users([new_user(WorkerId("W"), pseudonym_key="ab" * 32, at=now)])
    answers = [
        Assignment(
            assignment_id=AssignmentId(f"A{number:04}"),
            token=store.hits(round_.round_id)[0].token,
            user_id=user.user_id,
            raw_answer=f"nonsense {number}",
            accepted_at=now,
            submitted_at=now,
            stored_at=now,
            state=AssignmentState.STORED,
        )
        for number in range(2 * AT_ONCE + 1)
    ]
    store.add_assignments(answers)

    assert judge_round(round_, stage.services) == [Verdict.UNUSABLE] * len(answers)

    kept = store.assignments(round_.round_id)
    assert [one.raw_answer for one in kept] == [one.raw_answer for one in answers]
    assert {one.state for one in kept} == {AssignmentState.JUDGED}
