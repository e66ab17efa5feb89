"""Cancelling a round: off the market with it, the work in flight is paid, and the round may be published again.

That the round is cancelled is committed before anything is done about it, and with it ends what would have come of it.
So a run that stops anywhere is taken up by the next `cancel-round`, or by `collect`, which goes on with a cancelled
round until all of its work is settled.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from pixelpatchwork.domain.errors import AlreadyRecorded, NothingToDo
from pixelpatchwork.domain.model import AssignmentState, Hit, HitState, Round, RoundKind, RoundState
from pixelpatchwork.domain.money import NO_COST, Cost, assignment_fee
from pixelpatchwork.domain.ports import Remaining
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.services import Progress, Services, no_progress
from pixelpatchwork.workflow.withdraw import withdraw

NOTHING_TO_CANCEL = "There is no round to cancel. Run: ppw status"


@dataclass(frozen=True, kw_only=True)
class CancelPlan:
    """The round that would be cancelled, and what may still be paid for it at most.

    `answers` of `wanted` are in; `is_begun` says that an earlier run has cancelled it and what is left is the rest.
    """

    round: Round
    answers: int
    wanted: int
    at_most: Cost

    @property
    def is_begun(self) -> bool:
        """Whether the round is cancelled already."""
        return self.round.is_cancelled


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What one run of `cancel_round` did. `failures` say why HITs are still on the market.

    `collected` is None where another run had settled everything meanwhile; `left` is what the round's end waits for.
    """

    round: Round
    expired: int
    failures: tuple[str, ...]
    collected: Collected | None
    left: Remaining


def plan_cancel(services: Services) -> CancelPlan:
    """The round that goes on, or else one that was cancelled and is not settled yet. Changes nothing.

    Raises NothingToDo where there is neither.
    """
    round_ = _to_cancel(services)
    services.require_market(round_)
    hits = services.store.hits(round_.round_id)
    answers = services.store.assignments(round_.round_id, with_answers=False)
    come = Counter(answer.token for answer in answers)
    settled = Counter(answer.token for answer in answers if answer.state is AssignmentState.SETTLED)
    return CancelPlan(
        round=round_,
        answers=len(answers),
        wanted=sum(hit.max_assignments for hit in hits),
        at_most=sum(
            (_at_most(round_, hit, come[hit.token], settled[hit.token]) for hit in hits), start=NO_COST
        ),
    )


def _at_most(round_: Round, hit: Hit, come: int, settled: int) -> Cost:
    """What may still be paid for a HIT: its answers that are not settled, and those that may yet come."""
    unsettled = (come if hit.state is HitState.CLOSED else hit.max_assignments) - settled
    fee = assignment_fee(round_.reward_usd, max_assignments=hit.max_assignments)
    return Cost(rewards=round_.reward_usd * unsettled, fees=fee * unsettled)


def _to_cancel(services: Services) -> Round:
    """The current Day's round that is planned or open; else the latest that was left behind, or waits for its end."""
    unfinished = [one for one in services.store.rounds() if one.state is not RoundState.CLOSED]
    day = services.current_day()
    going_on = [
        one
        for one in unfinished
        if not one.is_cancelled and (one.day_number == day.number or _is_left_behind(one, services))
    ]
    begun = [one for one in unfinished if one.is_cancelled]
    if not (going_on or begun):
        raise NothingToDo(NOTHING_TO_CANCEL)
    return (going_on or begun)[-1]


def _is_left_behind(round_: Round, services: Services) -> bool:
    """Whether a Day ended while its voting round was on the market. One that was reopened for late work is not."""
    now = services.clock.now()
    return round_.kind is RoundKind.VOTING and any(
        hit.state is not HitState.CLOSED and (hit.expires_at is None or hit.expires_at > now)
        for hit in services.store.hits(round_.round_id)
    )


def cancel_round(
    plan: CancelPlan, services: Services, *, owner: str, progress: Progress = no_progress
) -> Cancelled:
    """Cancels the round of the plan, takes it off the market, and takes in and pays what has come. Safe to run again.

    Makes no edit that costs money. Raises NothingToDo where the round was closed meanwhile.
    """
    try:
        services.store.mark_round_cancelled(plan.round.round_id, at=services.clock.now())
    except AlreadyRecorded:
        raise NothingToDo(NOTHING_TO_CANCEL) from None
    withdrawn = withdraw(plan.round, services, progress)
    collected = None
    with suppress(NothingToDo):  # another run has taken in the rest, and closed the round
        collected = collect(services, owner=owner, may_spend=lambda _amount, _what: False, progress=progress)
    return Cancelled(
        round=services.store.round(plan.round.round_id) or plan.round,
        expired=withdrawn.expired,
        failures=withdrawn.failures,
        collected=collected,
        left=services.store.remaining(plan.round.round_id),
    )
