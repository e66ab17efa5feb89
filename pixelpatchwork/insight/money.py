"""What the study has spent and may still have to spend, and which bonuses wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pixelpatchwork.domain.bonuses import BonusRules, cost_of, may_be_due
from pixelpatchwork.domain.budget import Budget, Room, RoundBooks, Scope, room
from pixelpatchwork.domain.model import Bonus, Day, RoundId
from pixelpatchwork.domain.money import Usd


@dataclass(frozen=True, kw_only=True)
class Purse:
    """Budgets and books: how the money of a round, a Day and the study stands."""

    budget: Budget
    books: Sequence[RoundBooks]

    def of_round(self, round_id: RoundId) -> Room:
        """One round."""
        return self._room(Scope.ROUND, [one for one in self.books if one.round_id == round_id])

    def of_day(self, number: int) -> Room:
        """One Day."""
        return self._room(Scope.DAY, [one for one in self.books if one.day_number == number])

    def of_study(self) -> Room:
        """All of it."""
        return self._room(Scope.STUDY, self.books)

    def _room(self, scope: Scope, books: Sequence[RoundBooks]) -> Room:
        return room(self.budget.limit(scope), books)


@dataclass(frozen=True, kw_only=True)
class BonusStatus:
    """The bonuses of one Day, with their fees: how many are recorded and paid.

    `is_due`: some are not paid, or the rules of the settings may grant some that are not recorded.
    """

    day_number: int
    planned: int
    paid: int
    planned_usd: Usd
    paid_usd: Usd
    is_due: bool


def bonus_statuses(days: Sequence[Day], bonuses: Sequence[Bonus], rules: BonusRules) -> Iterator[BonusStatus]:
    """Of every Day that has bonuses, and of the latest closed Day where the rules may grant some."""
    closed = [day for day in days if day.winner_image_id is not None]
    for day in closed:
        recorded = [one for one in bonuses if one.day_number == day.number]
        paid = [one for one in recorded if one.paid_at is not None]
        is_new = not recorded and day is closed[-1] and may_be_due(rules, day)
        if recorded or is_new:
            yield BonusStatus(
                day_number=day.number,
                planned=len(recorded),
                paid=len(paid),
                planned_usd=cost_of(recorded),
                paid_usd=cost_of(paid),
                is_due=is_new or len(paid) < len(recorded),
            )
