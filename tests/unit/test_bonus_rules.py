"""Who gets a bonus for a Day, and for which answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pixelpatchwork.domain.bonuses import (
    BonusRule,
    BonusRules,
    DayResult,
    Grant,
    bonus_token,
    cost_of,
    may_be_due,
    plan_bonuses,
    supports,
)
from pixelpatchwork.domain.model import Assignment, AssignmentId, Choice, Day, ImageId, Settlement, StudyId
from pixelpatchwork.domain.money import Usd
from tests.support.records import DAY, NOW, assignment, user, vote

STUDY_ID = StudyId("study")
CLOSED: Day = replace(DAY, winner_image_id=ImageId("boat"), total_votes=5, is_current=False)
ALL = BonusRules(
    grants={
        BonusRule.WINNER: Grant(amount_usd=Usd("0.50"), reason="You won."),
        BonusRule.RUNNER_UP: Grant(amount_usd=Usd("0.20"), reason="You came second."),
        BonusRule.THIRD: Grant(amount_usd=Usd("0.10"), reason="You came third."),
        BonusRule.VOTER: Grant(amount_usd=Usd("0.01"), reason="You voted for it."),
    }
)


def approved(name: str, by: int) -> Assignment:
    return replace(assignment(name, by), settlement=Settlement.APPROVED)


RESULT = DayResult(
    places=(ImageId("boat"), ImageId("cat"), ImageId("sea")),
    makers={
        ImageId("boat"): approved("for-boat", 1),
        ImageId("cat"): approved("for-cat", 2),
        ImageId("sea"): approved("for-sea", 1),
    },
    supporters=(approved("ballot-2", 2), approved("ballot-3", 3)),
    banned=frozenset(),
)


def granted(rules: BonusRules = ALL, result: DayResult = RESULT) -> dict[str, str]:
    """Rules by the answers that they pay for."""
    planned = plan_bonuses(STUDY_ID, CLOSED, rules, result, at=NOW)
    return {one.assignment_id: one.rule for one in planned}


def only(rule: BonusRule) -> BonusRules:
    return BonusRules(grants={rule: ALL.grants[rule]})


def test_every_rule_pays_for_the_answer_that_earned_it() -> None:
    assert granted() == {
        "for-boat": "winner",
        "for-cat": "runner_up",
        "for-sea": "third",
        "ballot-2": "voter",
        "ballot-3": "voter",
    }


def test_a_bonus_says_what_it_is_for() -> None:
    (one,) = plan_bonuses(STUDY_ID, CLOSED, only(BonusRule.WINNER), RESULT, at=NOW)
    assert (one.amount_usd, one.reason, one.user_id) == (Usd("0.50"), "You won. (Day 1)", user(1).user_id)
    assert (one.day_number, one.planned_at, one.paid_at) == (1, NOW, None)


@pytest.mark.parametrize("rule", list(BonusRule))
def test_a_rule_that_pays_nothing_grants_nothing(rule: BonusRule) -> None:
    free = BonusRules(grants={**ALL.grants, rule: Grant(amount_usd=Usd(0), reason="Nothing")})
    assert rule not in granted(free).values()
    assert len(set(granted(free).values())) == 3


def test_an_incumbent_that_wins_pays_nobody_and_the_others_keep_their_places() -> None:
    result = replace(RESULT, places=(ImageId("yesterday's"), ImageId("boat"), ImageId("cat")), supporters=())
    assert granted(result=result) == {"for-boat": "runner_up", "for-cat": "third"}


def test_of_a_single_picture_there_is_no_second() -> None:
    result = replace(RESULT, places=(ImageId("boat"),), supporters=())
    assert granted(result=result) == {"for-boat": "winner"}


def test_who_is_banned_gets_nothing() -> None:
    result = replace(RESULT, banned=frozenset({user(2).user_id}))
    assert granted(result=result) == {"for-boat": "winner", "for-sea": "third", "ballot-3": "voter"}


@pytest.mark.parametrize("settlement", [None, Settlement.REJECTED, Settlement.LOST])
def test_an_answer_that_was_not_approved_gets_nothing(settlement: Settlement | None) -> None:
    result = replace(
        RESULT, makers={ImageId("boat"): replace(approved("for-boat", 1), settlement=settlement)}
    )
    assert granted(only(BonusRule.WINNER), result) == {}


def test_a_vote_supports_the_winner_if_it_is_up_and_counts() -> None:
    winner = ImageId("boat")
    assert supports(vote(1, "boat"), winner)
    assert not supports(vote(1, "cat"), winner)
    assert not supports(vote(1, "boat", Choice.DOWN), winner)
    assert not supports(vote(1, "boat", is_own=True), winner)
    assert not supports(replace(vote(1, "boat"), is_void=True), winner)


def test_a_token_is_the_bonuses_own() -> None:
    def token(study: str = "s", day: int = 1, rule: BonusRule = BonusRule.WINNER, answer: str = "a") -> str:
        return bonus_token(StudyId(study), day, rule, AssignmentId(answer))

    others = [token("t"), token(day=2), token(rule=BonusRule.VOTER), token(answer="b")]
    assert token() == token()
    assert len({token(), *others}) == 5
    assert len(token()) == 64


def test_bonuses_cost_their_fees_too() -> None:
    planned = plan_bonuses(STUDY_ID, CLOSED, ALL, RESULT, at=NOW)
    assert cost_of(planned) == Usd("0.60") + Usd("0.24") + Usd("0.12") + 2 * Usd("0.02")


@pytest.mark.parametrize(
    ("rules", "day", "expected"),
    [
        (ALL, CLOSED, True),
        (BonusRules(), CLOSED, False),
        (ALL, DAY, False),
        (ALL, replace(CLOSED, total_votes=0), False),
        (only(BonusRule.WINNER), replace(CLOSED, winner_image_id=CLOSED.seed_image_id), False),
        (only(BonusRule.VOTER), replace(CLOSED, winner_image_id=CLOSED.seed_image_id), True),
    ],
)
def test_bonuses_may_be_due_where_a_rule_may_grant_one(rules: BonusRules, day: Day, expected: bool) -> None:
    assert may_be_due(rules, day) is expected
