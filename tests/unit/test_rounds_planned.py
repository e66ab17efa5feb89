"""What a round asks for, with which identity, and which images stand on its ballots."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.ballots import draw_ballots
from pixelpatchwork.domain.model import Day, ImageId, Round, RoundKind, RoundState, StudyId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.plan import (
    RoundPlan,
    RoundRules,
    annotation_prefix,
    hit_token,
    next_attempt,
    plan_generation,
    plan_voting,
    round_id,
    split_assignments,
)
from pixelpatchwork.domain.steps import Step, next_step

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
STUDY = StudyId("coffee-0a1b2c3d")
DAY = Day(date=date(2026, 11, 21), number=2, seed_image_id=ImageId("seed"))
RULES = RoundRules(
    title="Repaint",
    description="Paint",
    keywords="art",
    instructions="Do",
    consent="Agree",
    reward_usd=Usd("0.25"),
    assignments=20,
    assignments_per_hit=9,
    lifetime=timedelta(hours=24),
    assignment_duration=timedelta(minutes=30),
    auto_approval_delay=timedelta(days=3),
)


ANSWERS = GenerationRules(min_coverage=0.01, max_coverage=0.5, max_prompt=100)


def generation() -> RoundPlan:
    return plan_generation(STUDY, DAY, RULES, answers=ANSWERS, market="own", now=NOW)


def test_a_round_keeps_what_was_promised_when_it_was_planned() -> None:
    round_ = generation().round
    assert (round_.reward_usd, round_.market) == (Usd("0.25"), "own")
    assert GenerationRules.from_text(round_.rules) == ANSWERS


@given(st.integers(1, 5000), st.integers(1, 9))
def test_assignments_are_split_evenly_and_none_is_lost(total: int, per_hit: int) -> None:
    sizes = split_assignments(total, per_hit=per_hit)
    assert sum(sizes) == total
    assert max(sizes) <= per_hit
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-total // per_hit)


def test_twenty_assignments_become_three_hits_below_the_second_fee() -> None:
    plan = generation()
    assert [hit.max_assignments for hit in plan.hits] == [7, 7, 6]
    assert plan.assignments == 20
    assert plan.cost.rewards == Usd("5.00")
    assert plan.cost.fees == Usd("1.00")


def test_planning_again_gives_the_same_hits() -> None:
    assert generation() == generation()


def test_tokens_differ_by_study_day_kind_and_index_and_fit_the_api() -> None:
    tokens = {
        hit_token(study, number, kind, index)
        for study in (STUDY, StudyId("other"))
        for number in (1, 11)
        for kind in RoundKind
        for index in (1, 11)
    }
    assert len(tokens) == 16
    assert all(len(token) == 64 for token in tokens)


def test_annotations_name_the_study_the_round_and_the_hit() -> None:
    plan = generation()
    assert plan.hits[1].annotation == "pixelpatchwork:coffee-0a1b2c3d:day-2-generation:1"
    assert len(plan.hits[1].annotation) <= 255


def test_a_round_after_a_cancelled_one_has_an_identity_of_its_own() -> None:
    first = generation()
    again = plan_generation(STUDY, DAY, RULES, answers=ANSWERS, market="own", now=NOW, attempt=2)
    assert again.round.round_id == "day-2-generation-2"
    assert again.hits[1].annotation == "pixelpatchwork:coffee-0a1b2c3d:day-2-generation-2:1"
    assert not {hit.token for hit in again.hits} & {hit.token for hit in first.hits}
    for plan, other in ((first, again), (again, first)):
        prefix = annotation_prefix(STUDY, plan.round.round_id)
        assert all(hit.annotation.startswith(prefix) for hit in plan.hits)
        assert not any(hit.annotation.startswith(prefix) for hit in other.hits)


def test_each_voting_hit_has_a_ballot_and_planning_again_draws_the_same() -> None:
    candidates = [ImageId(f"image-{number}") for number in range(10)]
    first, second = (
        plan_voting(STUDY, DAY, RULES, candidates=candidates, ballot_size=4, market="own", now=NOW)
        for _ in range(2)
    )
    assert first == second
    assert all(len(set(hit.ballot)) == 4 for hit in first.hits)
    assert {hit.round_id for hit in first.hits} == {round_id(2, RoundKind.VOTING)}


def test_a_plan_says_how_many_images_its_ballots_have_no_room_for() -> None:
    candidates = [ImageId(f"image-{number}") for number in range(14)]
    plan = plan_voting(STUDY, DAY, RULES, candidates=candidates, ballot_size=4, market="own", now=NOW)
    assert plan.unseen == 14 - 3 * 4


@pytest.mark.parametrize(("images", "per_hit", "repeats"), [(4, 1, True), (5, 1, False), (4, 9, False)])
def test_a_plan_tells_where_a_second_ballot_of_one_worker_counts_for_nothing(
    images: int, per_hit: int, *, repeats: bool
) -> None:
    candidates = [ImageId(f"image-{number}") for number in range(images)]
    rules = replace(RULES, assignments=9, assignments_per_hit=per_hit)
    plan = plan_voting(STUDY, DAY, rules, candidates=candidates, ballot_size=4, market="own", now=NOW)
    assert plan.repeats_ballots == repeats


def test_a_plan_of_painting_has_no_ballots_to_repeat() -> None:
    plan = plan_generation(STUDY, DAY, RULES, answers=ANSWERS, market="own", now=NOW)
    assert len(plan.hits) > 1
    assert not plan.repeats_ballots


@given(st.integers(1, 60), st.integers(1, 40), st.integers(2, 20), st.randoms(use_true_random=False))
def test_no_image_is_shown_more_than_once_more_than_another(
    candidates: int, ballots: int, size: int, random: Random
) -> None:
    images = [ImageId(str(number)) for number in range(candidates)]
    drawn = draw_ballots(images, count=ballots, size=size, random=random)
    shown = Counter(dict.fromkeys(images, 0))
    for ballot in drawn:
        assert len(set(ballot)) == len(ballot) == min(size, candidates)
        shown.update(ballot)
    assert max(shown.values()) - min(shown.values()) <= 1


def _round(kind: RoundKind, state: RoundState) -> Round:
    return Round(
        round_id=round_id(2, kind),
        day_number=2,
        kind=kind,
        state=state,
        reward_usd=Usd("0.25"),
        planned_at=NOW,
    )


def test_a_day_goes_from_generation_to_voting_to_the_next_day() -> None:
    generation = _round(RoundKind.GENERATION, RoundState.PLANNED)
    voting = _round(RoundKind.VOTING, RoundState.PLANNED)
    opened = replace(generation, state=RoundState.OPEN)
    closed = replace(generation, state=RoundState.CLOSED)
    steps = [
        next_step(rounds, has_new_images=True)
        for rounds in (
            [],
            [generation],
            [opened],
            [closed],
            [closed, voting],
            [closed, replace(voting, state=RoundState.OPEN)],
            [closed, replace(voting, state=RoundState.CLOSED)],
        )
    ]
    assert steps == [
        Step.PUBLISH_GENERATION,
        Step.PUBLISH_GENERATION,
        Step.COLLECT_GENERATION,
        Step.PUBLISH_VOTING,
        Step.PUBLISH_VOTING,
        Step.COLLECT_VOTING,
        Step.ADVANCE,
    ]


def test_a_day_without_a_usable_image_has_nothing_to_vote_on() -> None:
    closed = _round(RoundKind.GENERATION, RoundState.CLOSED)
    assert next_step([closed], has_new_images=False) is Step.ADVANCE


def test_a_voting_round_that_is_begun_comes_to_its_end_though_all_of_its_images_are_hidden() -> None:
    closed = _round(RoundKind.GENERATION, RoundState.CLOSED)
    steps = [
        next_step([closed, _round(RoundKind.VOTING, state)], has_new_images=False) for state in RoundState
    ]
    assert steps == [Step.PUBLISH_VOTING, Step.COLLECT_VOTING, Step.ADVANCE]


def test_a_cancelled_round_is_published_again_at_once() -> None:
    closed = _round(RoundKind.GENERATION, RoundState.CLOSED)
    cancelled = replace(_round(RoundKind.VOTING, RoundState.OPEN), cancelled_at=NOW)
    again = replace(cancelled, cancelled_at=None, attempt=2)
    assert next_step([closed, cancelled], has_new_images=True) is Step.PUBLISH_VOTING
    assert next_attempt([closed, cancelled], RoundKind.VOTING) == 2
    for rounds in ([closed, cancelled, again], [closed, again, cancelled]):
        assert next_step(rounds, has_new_images=True) is Step.COLLECT_VOTING
