"""Bonuses: who gets one for a Day, by the requester's rules, and for which answer.

A bonus is tied to the answer by which the picture or the ballot was handed in. Its token comes from its identity, so
that it is the same bonus on every run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    Bonus,
    Choice,
    Day,
    ImageId,
    Settlement,
    StudyId,
    Token,
    UserId,
    Vote,
)
from pixelpatchwork.domain.money import NO_MONEY, Usd, bonus_fee
from pixelpatchwork.domain.ports import PaidBonus
from pixelpatchwork.domain.wording import DAY_NAME, of_day


class BonusRule(StrEnum):
    """What a bonus is for. The places are those of the count by which the Day's winner was named."""

    WINNER = "winner"
    RUNNER_UP = "runner_up"
    THIRD = "third"
    VOTER = "voter"


PLACES = (BonusRule.WINNER, BonusRule.RUNNER_UP, BonusRule.THIRD)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one rule pays, 0 for nothing, and the words that the worker reads."""

    amount_usd: Usd = NO_MONEY
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class BonusRules:
    """The rules that pay something. None by default."""

    grants: Mapping[BonusRule, Grant] = field(default_factory=dict)

    @property
    def active(self) -> Mapping[BonusRule, Grant]:
        """Those that pay something."""
        return {rule: grant for rule, grant in self.grants.items() if grant.amount_usd > 0}


NO_BONUSES = BonusRules()


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """How a closed Day ended, as far as it concerns bonuses.

    `places`: what stood on the ballots, the winner first. `makers`: the answer by which each of the Day's own pictures
    was asked for (so an incumbent, made on an earlier Day, and the photograph have none). `supporters`: the ballots
    that voted the winner up. `banned`: who gets nothing.
    """

    places: tuple[ImageId, ...]
    makers: Mapping[ImageId, Assignment]
    supporters: tuple[Assignment, ...]
    banned: frozenset[UserId]


def supports(vote: Vote, winner: ImageId | None) -> bool:
    """Whether a vote is one for the winner. A vote for one's own picture is none."""
    return vote.counts and vote.image_id == winner and vote.choice is Choice.UP


def plan_bonuses(
    study_id: StudyId,
    day: Day,
    rules: BonusRules,
    result: DayResult,
    *,
    at: datetime,
    day_name: str = DAY_NAME,
) -> tuple[Bonus, ...]:
    """Every bonus that the rules grant for a Day: only for answers that were approved, and to nobody who is banned.

    `day_name` is what workers read for the Day.
    """
    return tuple(
        Bonus(
            token=bonus_token(study_id, day.number, rule, answer.assignment_id),
            day_number=day.number,
            rule=rule,
            assignment_id=answer.assignment_id,
            user_id=answer.user_id,
            amount_usd=grant.amount_usd,
            reason=of_day(grant.reason, day.number, called=day_name),
            planned_at=at,
        )
        for rule, grant in rules.active.items()
        for answer in _entitled(rule, result)
        if answer.settlement is Settlement.APPROVED and answer.user_id not in result.banned
    )


def _entitled(rule: BonusRule, result: DayResult) -> Iterator[Assignment]:
    if rule is BonusRule.VOTER:
        yield from result.supporters
        return
    for place, image_id in zip(PLACES, result.places, strict=False):
        if place is rule and image_id in result.makers:
            yield result.makers[image_id]


def bonus_token(study_id: StudyId, day_number: int, rule: BonusRule, assignment_id: AssignmentId) -> Token:
    """The UniqueRequestToken of a bonus: the same on every run, 64 hex characters (the most the API takes)."""
    identity = "\x1f".join((study_id, str(day_number), "bonus", rule, assignment_id))
    return Token(sha256(identity.encode()).hexdigest())


def is_payment_of(paid: PaidBonus, bonus: Bonus) -> bool:
    """Whether a payment is that of a bonus: the same amount with the same words, however their spaces were kept."""
    return paid.amount_usd == bonus.amount_usd and paid.reason.split() == bonus.reason.split()


def is_payment_for_day(paid: PaidBonus, bonus: Bonus) -> bool:
    """Whether a payment for the bonus's answer is that bonus, though perhaps with another amount or other words.

    These may have been changed in the settings since; the words end with the Day. An answer has one place at most, but
    places move when a picture is hidden, so payments of other bonuses on record are the caller's to leave out.
    """
    names_the_day = re.search(rf"\([^()]+ {bonus.day_number}\)\s*$", paid.reason)  # in any language
    return names_the_day is not None


def cost_of(bonuses: Iterable[Bonus]) -> Usd:
    """What bonuses cost with their fees, in USD."""
    return sum((one.amount_usd + bonus_fee(one.amount_usd) for one in bonuses), NO_MONEY)


def may_be_due(rules: BonusRules, day: Day) -> bool:
    """Whether the rules may grant anything for a Day, as far as the Day itself tells."""
    if day.winner_image_id is None or not day.total_votes:
        return False
    is_incumbent = day.winner_image_id == day.seed_image_id
    return bool(set(rules.active) - ({BonusRule.WINNER} if is_incumbent else set()))
