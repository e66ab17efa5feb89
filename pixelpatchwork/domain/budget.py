"""Budgets: what a study has spent, what it may still have to spend, and whether there is room for more.

Both figures are derived from the records each time they are asked for; nothing is counted up on the side, so nothing
can go out of step. What may still have to be paid is reserved at its worst from the moment it is promised: an answer
with its fee and its edit when its HIT is planned, a bonus with its fee when it is planned. From there on the sum of
both figures only falls, except by what the gates let through (`require_room`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pixelpatchwork.domain.errors import BudgetExceeded
from pixelpatchwork.domain.model import (
    AssignmentState,
    Decision,
    EditState,
    Hit,
    Round,
    RoundId,
    Settlement,
    Verdict,
)
from pixelpatchwork.domain.money import NO_MONEY, Usd, assignment_fee, bonus_fee, dollars


class Scope(StrEnum):
    """What a budget is for."""

    ROUND = "round"
    DAY = "Day"
    STUDY = "study"

    @property
    def setting(self) -> str:
        """The key of the settings."""
        return f"budget.{self.lower()}_usd"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most that a round, a Day and the study may cost, in USD: rewards, fees, bonuses and edits together.

    None is no limit.
    """

    round_usd: Usd | None = None
    day_usd: Usd | None = None
    study_usd: Usd | None = None

    def limit(self, scope: Scope) -> Usd | None:
        """The limit for a round, a Day or the study."""
        return {Scope.ROUND: self.round_usd, Scope.DAY: self.day_usd, Scope.STUDY: self.study_usd}[scope]

    @property
    def widest(self) -> Scope | None:
        """The widest scope that has a limit, None where there is no limit at all."""
        return next((scope for scope in reversed(Scope) if self.limit(scope) is not None), None)


NO_BUDGET = Budget()


@dataclass(frozen=True, kw_only=True)
class Funds:
    """What was spent, and what may still have to be spent, in USD."""

    spent: Usd = NO_MONEY
    reserved: Usd = NO_MONEY

    @property
    def total(self) -> Usd:
        """Both."""
        return self.spent + self.reserved

    def __add__(self, other: Funds) -> Funds:
        return Funds(spent=self.spent + other.spent, reserved=self.reserved + other.reserved)


NO_FUNDS = Funds()


# ---- the records, counted -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class OpenHits:
    """`hits` HITs of one size that are not closed, and how many answers have come to them."""

    max_assignments: int
    hits: int
    answers: int = 0

    @property
    def free(self) -> int:
        """How many answers may still come."""
        return max(0, self.hits * self.max_assignments - self.answers)


@dataclass(frozen=True, kw_only=True)
class AnswerCount:
    """`count` answers, to HITs of one size, that stand alike."""

    max_assignments: int
    state: AssignmentState
    verdict: Verdict | None
    decision: Decision | None
    settlement: Settlement | None
    count: int

    @property
    def is_paid(self) -> bool:
        """Whether their pay is approved."""
        return self.settlement is Settlement.APPROVED

    @property
    def may_be_paid(self) -> bool:
        """Whether their pay may yet be approved."""
        return self.state is not AssignmentState.SETTLED and self.decision is not Decision.REJECT

    @property
    def may_ask_for_edits(self) -> bool:
        """Whether they have no edit and may yet get one: not judged, or held for the requester."""
        if self.decision is Decision.REJECT:
            return False
        return self.state is AssignmentState.STORED or self.verdict is Verdict.HELD


@dataclass(frozen=True, kw_only=True)
class OpenEdits:
    """`count` edits that still want work. `earlier_usd` is what attempts before this one may have cost already."""

    state: EditState
    cost_usd: Usd
    earlier_usd: Usd
    count: int

    def reserved_each(self, edit_usd: Usd) -> Usd:
        """What each of them keeps back of the `edit_usd` that its round reserved for each answer.

        The rest of that is kept until the edit ends, for it may be planned again. A request that is out keeps what it
        can cost, if that is more.
        """
        rest = max(NO_MONEY, edit_usd - self.earlier_usd)
        match self.state:
            case EditState.SUBMITTED:
                return max(rest, self.cost_usd)
            case EditState.RAW_STORED:
                return max(NO_MONEY, rest - self.cost_usd)
            case _:
                return rest


@dataclass(frozen=True, kw_only=True)
class BonusCount:
    """`count` bonuses of one amount, paid or planned."""

    amount_usd: Usd
    is_paid: bool
    count: int


@dataclass(frozen=True, kw_only=True)
class RoundBooks:
    """The records of one round as far as they cost money.

    `edit_usd` is what the edit of one answer costs at most. `billed_usd` is what those edits have cost, or may have,
    that are past their request: known where the service said so, the worst case where it did not.
    """

    round_id: RoundId
    day_number: int
    reward_usd: Usd
    edit_usd: Usd
    billed_usd: Usd = NO_MONEY
    open_hits: tuple[OpenHits, ...] = ()
    answers: tuple[AnswerCount, ...] = ()
    open_edits: tuple[OpenEdits, ...] = ()
    bonuses: tuple[BonusCount, ...] = ()


def funds_of(books: RoundBooks) -> Funds:
    """What a round has cost, and what it may still cost. Rejected and lost answers cost nothing."""
    return sum(_funds(books), start=Funds(spent=books.billed_usd))


def _funds(books: RoundBooks) -> Iterator[Funds]:
    for hits in books.open_hits:
        yield Funds(reserved=hits.free * (_unit(books, hits.max_assignments) + books.edit_usd))
    for one in books.answers:
        pay = one.count * _unit(books, one.max_assignments)
        yield Funds(spent=pay * one.is_paid, reserved=pay * one.may_be_paid)
        yield Funds(reserved=one.count * books.edit_usd * one.may_ask_for_edits)
    for edits in books.open_edits:
        yield Funds(reserved=edits.count * edits.reserved_each(books.edit_usd))
    for bonus in books.bonuses:
        amount = bonus.count * (bonus.amount_usd + bonus_fee(bonus.amount_usd))
        yield Funds(spent=amount) if bonus.is_paid else Funds(reserved=amount)


def _unit(books: RoundBooks, max_assignments: int) -> Usd:
    """What one approved answer costs."""
    return books.reward_usd + assignment_fee(books.reward_usd, max_assignments=max_assignments)


def books_of(round_: Round, hits: Iterable[Hit]) -> RoundBooks:
    """The books of a round that has just been planned."""
    return RoundBooks(
        round_id=round_.round_id,
        day_number=round_.day_number,
        reward_usd=round_.reward_usd,
        edit_usd=round_.edit_usd,
        open_hits=tuple(OpenHits(max_assignments=hit.max_assignments, hits=1) for hit in hits),
    )


def needed_for(round_: Round, hits: Iterable[Hit]) -> Usd:
    """What a round reserves when it is planned."""
    return funds_of(books_of(round_, hits)).reserved


# ---- whether there is room ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Room:
    """How a budget stands. Without a limit there is nothing left to speak of: `limit_usd`, `left_usd` are None."""

    limit_usd: Usd | None
    spent_usd: Usd
    reserved_usd: Usd
    left_usd: Usd | None


def room(limit: Usd | None, books: Iterable[RoundBooks]) -> Room:
    """How a budget of `limit` stands that has these rounds to pay for."""
    funds = sum(map(funds_of, books), start=NO_FUNDS)
    return Room(
        limit_usd=limit,
        spent_usd=funds.spent,
        reserved_usd=funds.reserved,
        left_usd=None if limit is None else limit - funds.total,
    )


def require_room(
    budget: Budget, books: Sequence[RoundBooks], added: Mapping[RoundId, Usd], *, what: str
) -> None:
    """Raises BudgetExceeded where a budget does not cover what is about to be added.

    Args:
        budget: the limits.
        books: every round of the scopes that have a limit, with what is to be added already in them.
        added: how much of that is new, by round.
        what: what it is for, to begin a sentence with: "The round".
    """
    by_day: dict[int, Usd] = {}
    for round_id, amount in added.items():
        this = next(one for one in books if one.round_id == round_id)
        _require(budget, Scope.ROUND, [this], amount, what)
        by_day[this.day_number] = by_day.get(this.day_number, NO_MONEY) + amount
    for number, amount in by_day.items():
        _require(budget, Scope.DAY, [one for one in books if one.day_number == number], amount, what)
    _require(budget, Scope.STUDY, books, sum(added.values(), NO_MONEY), what)


def _require(budget: Budget, scope: Scope, books: Iterable[RoundBooks], amount: Usd, what: str) -> None:
    limit = budget.limit(scope)
    if limit is None:
        return
    funds = sum(map(funds_of, books), start=NO_FUNDS)
    if funds.total <= limit:
        return
    reserved, left = funds.reserved - amount, limit - funds.total + amount
    raise BudgetExceeded(
        f"{what} would need up to {dollars(amount)}, and the budget of a {scope} has {dollars(max(left, NO_MONEY))} "
        f"left: of {dollars(limit)}, {dollars(funds.spent)} are spent and {dollars(reserved)} reserved. "
        f"To allow it, raise `{scope.setting}` in the settings."
    )
