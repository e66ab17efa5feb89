"""Paying the bonuses of a closed Day, each once.

Who gets one is decided by the settings' rules and recorded before anything is sent; what is recorded is never decided
again. Before a bonus is sent, the marketplace is asked whether it has been: a run that was stopped may have sent it and
not noted it, and a request token guards for 24 hours only. Within these the token decides between two runs at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pixelpatchwork.domain.bonuses import (
    DayResult,
    cost_of,
    is_payment_for_day,
    is_payment_of,
    plan_bonuses,
    supports,
)
from pixelpatchwork.domain.errors import CrowdError, NothingToDo, StoreError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    Bonus,
    Day,
    ImageId,
    Round,
    RoundKind,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.plan import current_round
from pixelpatchwork.domain.ports import PaidBonus
from pixelpatchwork.domain.voting import banned, candidates
from pixelpatchwork.workflow.advance import tallies_of
from pixelpatchwork.workflow.parallel import each
from pixelpatchwork.workflow.services import Progress, Services, no_progress

NO_RULES = "No bonus is granted: the settings' section `bonus` has no amount above 0. Set bonus.winner_usd, or another."
NOT_CLOSED = "No Day is closed yet, and bonuses are paid for closed Days. Run: ppw status"


@dataclass(frozen=True, kw_only=True)
class BonusPlan:
    """The bonuses of a Day: those that are recorded, paid or not, and those that are new."""

    day: Day
    recorded: tuple[Bonus, ...]
    new: tuple[Bonus, ...]

    @property
    def unpaid(self) -> tuple[Bonus, ...]:
        """Those that are still to be paid."""
        return (*(one for one in self.recorded if one.paid_at is None), *self.new)

    @property
    def cost(self) -> Usd:
        """What these cost with their fees."""
        return cost_of(self.unpaid)


@dataclass(frozen=True, kw_only=True)
class BonusSummary:
    """What one run did. `found` had been paid by another, `waiting` failed; `first_failure` says why."""

    paid: int
    found: int
    waiting: int
    first_failure: str | None
    paid_usd: Usd


# ---- deciding -------------------------------------------------------------------------------------------


def plan_day(services: Services, number: int | None = None) -> BonusPlan:
    """The bonuses of Day `number`, or of the latest closed Day. Changes nothing.

    A rule of which a bonus is recorded was decided then: neither its amount nor who gets it changes any more.
    Raises NothingToDo where the Day is not closed, or no rule grants anything and nothing is recorded.
    """
    day = _closed_day(services, number)
    recorded = services.store.bonuses(day_number=day.number)
    if not recorded and not services.rules.bonuses.active:
        raise NothingToDo(NO_RULES)
    decided = {one.rule for one in recorded}
    granted = plan_bonuses(
        services.study().study_id,
        day,
        services.rules.bonuses,
        _result(day, services),
        at=services.clock.now(),
        day_name=services.rules.day_name,
    )
    return BonusPlan(day=day, recorded=recorded, new=tuple(one for one in granted if one.rule not in decided))


def _closed_day(services: Services, number: int | None) -> Day:
    days = {day.number: day for day in services.store.days()}
    if number is not None and number not in days:
        raise NothingToDo(f"There is no Day {number}. Run: ppw status")
    if number is not None and days[number].winner_image_id is None:
        raise NothingToDo(f"Day {number} is not closed yet. Run: ppw status")
    closed = [day for day in days.values() if day.winner_image_id is not None]
    if not closed:
        raise NothingToDo(NOT_CLOSED)
    return closed[-1] if number is None else days[number]


def _result(day: Day, services: Services) -> DayResult:
    store = services.store
    rounds = [one for one in store.rounds() if one.day_number == day.number]
    outcasts = banned(store.users())
    standing = candidates(store.images(), banned=outcasts)
    others = [one.image_id for one in tallies_of(rounds, standing, services)]
    winner = [day.winner_image_id] if day.winner_image_id is not None else []
    return DayResult(
        places=(*winner, *(image_id for image_id in others if image_id not in winner)),
        makers=_makers(rounds, services),
        supporters=_supporters(day, rounds, services),
        banned=outcasts,
    )


def _makers(rounds: list[Round], services: Services) -> dict[ImageId, Assignment]:
    """By which answer each of the Day's pictures was asked for; one of a cancelled round may be shown again and win."""
    return {
        edit.image_id: answers[edit.assignment_id]
        for one in rounds
        if one.kind is RoundKind.GENERATION
        for answers in [_answers(one, services)]
        for edit in services.store.edits(one.round_id)
        if edit.image_id is not None
    }


def _supporters(day: Day, rounds: list[Round], services: Services) -> tuple[Assignment, ...]:
    """The ballots on which the winner was voted up."""
    this = current_round(rounds, RoundKind.VOTING)
    if this is None:
        return ()
    answers = _answers(this, services)
    votes = services.store.votes(this.round_id)
    return tuple(answers[vote.assignment_id] for vote in votes if supports(vote, day.winner_image_id))


def _answers(round_: Round, services: Services) -> Mapping[AssignmentId, Assignment]:
    found = services.store.assignments(round_.round_id, with_answers=False)
    return {one.assignment_id: one for one in found}


# ---- paying ---------------------------------------------------------------------------------------------


def pay_bonuses(plan: BonusPlan, services: Services, progress: Progress = no_progress) -> BonusSummary:
    """Records the new bonuses of a plan and pays what is unpaid of it. Safe to run again, or twice at once.

    What another run has decided meanwhile, on other grounds, is its affair: nobody has agreed to its cost here. One
    that fails does not hold up the others; the next run tries it again. Raises BudgetExceeded with nothing recorded
    where a budget has no room, and ConfigurationError where the Day was played on another marketplace.
    """
    _require_market(plan.day, services)
    store = services.store
    store.plan_bonuses(plan.new, at=services.clock.now(), budget=services.rules.budget)
    agreed = {(one.token, one.amount_usd) for one in plan.unpaid}
    recorded = store.bonuses(day_number=plan.day.number)
    due = [one for one in recorded if one.paid_at is None and (one.token, one.amount_usd) in agreed]
    outcomes: list[tuple[Bonus, _Outcome]] = []
    job = _Job(services=services, recorded=recorded)
    for bonus, outcome in each(job.pay, due, workers=services.rules.parallel_calls):
        if outcome.paid_at is not None:
            _note(bonus, outcome, outcome.paid_at, services)
        outcomes.append((bonus, outcome))
        progress("Paying bonuses", len(outcomes), len(due))
    return _summary(outcomes)


def _note(bonus: Bonus, outcome: _Outcome, paid_at: datetime, services: Services) -> None:
    found = outcome.found
    services.store.mark_bonus_paid(
        bonus.token,
        paid_at=paid_at,
        at=services.clock.now(),
        amount_usd=found.amount_usd if found else None,
        reason=found.reason if found else None,
    )


def _require_market(day: Day, services: Services) -> None:
    for one in services.store.rounds():
        if one.day_number == day.number:
            services.require_market(one)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """`paid_at` is None where it failed, and `failure` says why. `found`: what an earlier run or another has sent."""

    paid_at: datetime | None = None
    found: PaidBonus | None = None
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Job:
    """Pays bonuses of one Day, of which `recorded` are known."""

    services: Services
    recorded: tuple[Bonus, ...]

    def pay(self, bonus: Bonus) -> _Outcome:
        """Sends one bonus, unless the marketplace lists it already."""
        try:
            return self._found(bonus) or self._sent(bonus)
        except CrowdError as error:
            return _Outcome(failure=str(error))

    def _sent(self, bonus: Bonus) -> _Outcome:
        """Sends it. Where that is refused, another may have been a moment quicker: the list tells."""
        user = self.services.store.user_by_id(bonus.user_id)
        if user is None:
            raise StoreError("The database has lost a participant. Restore it from a backup.")
        try:
            self.services.crowd.send_bonus(
                bonus.assignment_id,
                user.worker_id,
                token=bonus.token,
                amount_usd=bonus.amount_usd,
                reason=bonus.reason,
            )
        except CrowdError:
            found = self._found(bonus)
            if found is None:
                raise
            return found
        return _Outcome(paid_at=self.services.clock.now())

    def _found(self, bonus: Bonus) -> _Outcome | None:
        """What the marketplace lists of it, where an earlier run or another has sent it."""
        others = [one for one in self.recorded if one.assignment_id == bonus.assignment_id and one != bonus]
        for paid in self.services.crowd.bonuses(bonus.assignment_id):
            is_anothers = any(is_payment_of(paid, other) for other in others)
            if is_payment_of(paid, bonus) or (is_payment_for_day(paid, bonus) and not is_anothers):
                return _Outcome(paid_at=paid.paid_at, found=paid)
        return None


def _summary(outcomes: list[tuple[Bonus, _Outcome]]) -> BonusSummary:
    failures = [one.failure for _, one in outcomes if one.failure is not None]
    sent = [bonus for bonus, one in outcomes if one.paid_at is not None and one.found is None]
    return BonusSummary(
        paid=len(sent),
        found=sum(one.found is not None for _, one in outcomes),
        waiting=len(failures),
        first_failure=next(iter(failures), None),
        paid_usd=cost_of(sent),
    )
