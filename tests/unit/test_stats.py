"""Participation, contributions, the distribution of votes, and what was spent: counted by hand."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.domain.model import (
    AssignmentId,
    Edit,
    EditKey,
    EditState,
    ImageId,
    RoundId,
    RoundKind,
    UserId,
    Verdict,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.insight.records import Facts, read_facts
from pixelpatchwork.insight.stats import (
    MAX_BINS,
    Bin,
    Contribution,
    ImageVotes,
    RoundParticipation,
    contributions,
    gini,
    histogram,
    participation,
    spending,
    vote_distribution,
)
from tests.support.insight import (
    FIRST_DATE,
    NOON,
    MemoryRecords,
    answer,
    day,
    hit,
    one_day_story,
    painted_round,
    vote,
    votes_of,
)

quick = settings(max_examples=80, deadline=None)


@pytest.fixture
def facts() -> Facts:
    return read_facts(one_day_story())


def test_a_days_people_answers_images_and_votes_are_counted(facts: Facts) -> None:
    first, _ = participation(facts.days, facts.rounds, facts.assignments, facts.images.values(), facts.votes)
    assert (first.number, first.date, first.workers, first.returning) == (1, FIRST_DATE, 4, 0)
    # The first seed is nobody's work; Ann's vote on her own fox is no vote.
    assert (first.images, first.votes, first.skips) == (2, 9, 1)
    assert first.generation == RoundParticipation(
        workers=3, answers=3, usable=2, unusable=1, waiting=0, reasons=(("The mask is empty.", 1),)
    )
    assert first.voting == RoundParticipation(
        workers=4, answers=4, usable=4, unusable=0, waiting=0, reasons=()
    )


def test_a_day_without_rounds_has_nobody(facts: Facts) -> None:
    _, second = participation(facts.days, facts.rounds, facts.assignments, facts.images.values(), facts.votes)
    assert (second.workers, second.images, second.votes) == (0, 0, 0)
    assert (second.generation, second.voting, second.returning_share) == (None, None, None)


def test_returning_people_are_those_with_an_answer_on_any_earlier_day() -> None:
    rounds = [painted_round(f"g{number}", number, RoundKind.GENERATION) for number in (1, 2, 3)]
    answers = {
        RoundId("g1"): [answer("ann", "g1"), answer("bob", "g1")],
        RoundId("g2"): [answer("cid", "g2")],
        RoundId("g3"): [answer("ann", "g3"), answer("cid", "g3"), answer("dee", "g3"), answer("dee", "g3")],
    }
    days = [day(3, "c"), day(2, "b", "c"), day(1, "a", "b")]
    counted = participation(days, rounds, answers, [], [])
    assert [(one.number, one.workers, one.returning) for one in counted] == [(1, 2, 0), (2, 1, 0), (3, 3, 2)]
    assert counted[2].returning_share == pytest.approx(2 / 3)


def test_unjudged_answers_wait_and_reasons_come_by_frequency() -> None:
    reasons = ["too long", "empty", "empty", None]
    answers = [answer(str(i), "g1", verdict=Verdict.UNUSABLE, reason=why) for i, why in enumerate(reasons)]
    answers.append(answer("new", "g1", verdict=None))
    (counted,) = participation(
        [day(1, "seed")], [painted_round("g1", 1, RoundKind.GENERATION)], {RoundId("g1"): answers}, [], []
    )
    assert counted.generation is not None
    assert (counted.generation.unusable, counted.generation.waiting) == (4, 1)
    assert counted.generation.reasons == (("empty", 2), ("no reason recorded", 1), ("too long", 1))


def test_contributions_are_listed_by_username_and_without_own_votes(facts: Facts) -> None:
    people = contributions(
        facts.rounds, facts.assignments, facts.users.values(), facts.images.values(), facts.votes
    )
    assert people == (
        Contribution(username="ann-heron", days=1, answers=2, images=1, votes=2, upvotes_received=3),
        Contribution(username="bob-heron", days=1, answers=2, images=1, votes=2, upvotes_received=1),
        Contribution(username="cid-heron", days=1, answers=1, images=0, votes=3, upvotes_received=0),
        Contribution(username="dee-heron", days=1, answers=1, images=0, votes=2, upvotes_received=0),
    )


def test_somebody_who_only_registered_is_no_participant() -> None:
    story = one_day_story()
    story.all_answers = [one for one in story.all_answers if one.user_id != "dee"]
    facts = read_facts(story)
    people = contributions(facts.rounds, facts.assignments, facts.users.values(), [], [])
    assert [one.username for one in people] == ["ann-heron", "bob-heron", "cid-heron"]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [([1, 3], 0.25), ([0, 0, 0, 8], 0.75), ([1, 2, 3, 4, 5], 4 / 15), ([7], 0), ([], None), ([0, 0], None)],
)
def test_gini_of_hand_computed_amounts(amounts: list[int], expected: float | None) -> None:
    assert gini(amounts) == (pytest.approx(expected) if expected is not None else None)


@given(amounts=st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any), factor=st.integers(2, 9))
@quick
def test_gini_is_half_the_mean_difference_over_the_mean_at_any_scale(amounts: list[int], factor: int) -> None:
    n = len(amounts)
    differences = sum(abs(one - other) for one in amounts for other in amounts)
    assert gini(amounts) == pytest.approx(differences / (2 * n * sum(amounts)))
    assert gini([amount * factor for amount in amounts]) == pytest.approx(gini(amounts))


def test_each_images_votes_are_those_of_one_round(facts: Facts) -> None:
    counted = vote_distribution([*facts.votes, vote("ann", "fox", "d", round_id="v2")], facts.hits).images
    assert counted == (
        ImageVotes(round_id=RoundId("v1"), image_id=ImageId("door"), ups=1, downs=1, skips=1),
        ImageVotes(round_id=RoundId("v1"), image_id=ImageId("fox"), ups=3, downs=0, skips=0),
        ImageVotes(round_id=RoundId("v1"), image_id=ImageId("seed"), ups=1, downs=3, skips=0),
        ImageVotes(round_id=RoundId("v2"), image_id=ImageId("fox"), ups=0, downs=1, skips=0),
    )


def test_an_image_that_nobody_voted_on_counts_with_no_votes() -> None:
    distribution = vote_distribution(votes_of({"ann": "u", "bob": "u"}), [hit("v1", "0", "unseen")])
    assert distribution.ups == (
        Bin(low=0, high=0, count=1),
        Bin(low=1, high=1, count=0),
        Bin(low=2, high=2, count=1),
    )
    assert [bar.count for bar in distribution.downs] == [2, 0, 0]


def test_no_ballots_and_no_votes_have_no_distribution() -> None:
    distribution = vote_distribution([], [hit("g1")])
    assert (distribution.images, distribution.ups, distribution.downs) == ((), (), ())


@given(values=st.lists(st.integers(0, 500), min_size=1, max_size=60))
@quick
def test_a_histogram_holds_every_value_in_few_bars_that_touch(values: list[int]) -> None:
    bars = histogram(values, highest=max(values))
    assert len(bars) <= MAX_BINS
    assert bars[0].low == 0
    assert all(one.high + 1 == other.low for one, other in pairwise(bars))
    assert [bar.count for bar in bars] == [
        sum(1 for value in values if bar.low <= value <= bar.high) for bar in bars
    ]
    assert sum(bar.count for bar in bars) == len(values)


def edit(number: int, state: EditState, cost: str | None) -> Edit:
    return Edit(
        edit_key=EditKey(str(number)),
        assignment_id=AssignmentId("a"),
        attempt=0,
        seed_image_id=ImageId("seed"),
        creator_id=UserId("ann"),
        mask_rle="",
        prompt="",
        editor="openai",
        model="m",
        parameters="{}",
        state=state,
        planned_at=NOON + timedelta(minutes=number),
        cost_usd=Usd(cost) if cost is not None else None,
    )


def test_spending_adds_settled_rewards_their_fees_and_priced_edits() -> None:
    story: MemoryRecords = one_day_story()
    story.all_hits = [hit("g1", max_assignments=9), hit("v1", max_assignments=10)]
    story.all_answers = [
        answer("ann", "g1"),
        answer("bob", "g1"),
        answer("ann", "v1"),
        answer("bob", "v1", is_settled=False),
    ]
    story.all_edits = [
        edit(0, EditState.DONE, "0.0421"),
        edit(1, EditState.DONE, "0"),
        edit(2, EditState.UNKNOWN, None),
        edit(3, EditState.FAILED, None),
    ]
    facts = read_facts(story)
    spent = spending(facts.rounds, facts.hits, facts.assignments, facts.edits)
    # Two at 0.25 with 20% each; one at 0.10 with 40%, because its HIT has ten assignments.
    assert (spent.rewards_usd, spent.fees_usd, spent.edits_usd) == (Usd("0.60"), Usd("0.14"), Usd("0.0421"))
    assert spent.total_usd == Usd("0.7821")
    assert (spent.settled, spent.unsettled, spent.unpriced) == (3, 1, 1)
