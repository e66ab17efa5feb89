"""Bonuses of a study that runs by itself: those of the Day that was closed last, and what earlier ones still owe.

A bonus that cannot be paid (no funds, no room in the budget) holds nothing up: it is said once, and tried again with
every turn. Rules that came into the settings later do not grant anything for Days before the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pixelpatchwork.domain.bonuses import cost_of
from pixelpatchwork.domain.errors import ConfigurationError, NothingToDo, PatchworkError
from pixelpatchwork.domain.model import Token
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.bonus import BonusPlan, pay_bonuses, plan_day
from pixelpatchwork.workflow.notes import Level, Note, Once, Tell
from pixelpatchwork.workflow.services import Services


@dataclass(kw_only=True)
class Bonuses:
    """Pays them, Day by Day. `allowance`: what they may cost where they cost real money, None where they do not."""

    services: Services
    tell: Tell
    allowance: Allowance | None = None
    _settled: set[int] = field(default_factory=set)
    _counted: set[Token] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._once = Once(self.tell)

    def pay(self) -> bool:
        """Pays what is due. Whether nothing is owed any more; where something is, the reason is said."""
        owed = [plan for plan in self._plans() if not self._is_paid(plan)]
        if not owed:
            self._once.forget("bonuses_wait")
        return not owed

    def _plans(self) -> Iterator[BonusPlan]:
        """What closed Days may owe, as far as it is not known that they do not."""
        closed = [day for day in self.services.store.days() if day.winner_image_id is not None]
        for day in closed:
            if day.number in self._settled:
                continue
            if day is closed[-1]:
                yield from self._latest(day.number)
            else:
                recorded = self.services.store.bonuses(day_number=day.number)
                yield BonusPlan(day=day, recorded=recorded, new=())

    def _latest(self, number: int) -> Iterator[BonusPlan]:
        try:
            yield plan_day(self.services, number)
        except NothingToDo:  # no rule grants anything
            self._settled.add(number)

    def _is_paid(self, plan: BonusPlan) -> bool:
        """Pays a Day's bonuses. What goes wrong is said, and the next turn tries again."""
        number = plan.day.number
        if not plan.unpaid:
            self._settled.add(number)
            return True
        try:
            self._count_cost(plan)
            done = pay_bonuses(plan, self.services)
        except ConfigurationError:
            raise
        except PatchworkError as error:
            self._say_waiting(number, str(error))
            return False
        if done.paid or done.found:
            text = f"Day {number}: {counted(done.paid + done.found, 'bonus', 'bonuses')} paid."
            fields = {"day": number, "paid": done.paid, "found_paid": done.found}
            self.tell(Note(event="bonuses_paid", text=text, fields=fields))
        if done.first_failure is not None:
            self._say_waiting(number, done.first_failure)
            return False
        self._settled.add(number)
        return True

    def _count_cost(self, plan: BonusPlan) -> None:
        """Counts what is new to this process, before it is paid. Raises PatchworkError where it is not allowed."""
        new = [one for one in plan.unpaid if one.token not in self._counted]
        cost = cost_of(new)
        if self.allowance is None or not new:
            return
        if not self.allowance.take(cost):
            raise PatchworkError(
                f"The bonuses cost ${cost:.2f}, and of what you allowed ${self.allowance.left:.2f} is left. "
                f"Pay them with: ppw bonus --day {plan.day.number} --yes-spend {cost:.2f}"
            )
        self._counted |= {one.token for one in new}

    def _say_waiting(self, number: int, reason: str) -> None:
        text = f"Day {number}: bonuses wait. {reason}"
        self._once(Note(event="bonuses_wait", text=text, level=Level.WARNING, fields={"day": number}))
