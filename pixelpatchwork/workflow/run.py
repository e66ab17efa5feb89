"""A study that runs by itself: it publishes, collects and advances when the schedule says so.

What is to be done follows from the records and the time alone (`domain/schedule.py`), so a program that starts anew
finds its place, and a person may take any step by hand meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.model import HitId, HitState, RoundId, RoundState
from pixelpatchwork.domain.plan import RoundPlan, current_round
from pixelpatchwork.domain.schedule import Act, Finished, Place, Schedule, Wait, due
from pixelpatchwork.domain.standing import standing
from pixelpatchwork.domain.steps import Step
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.loop import Turn
from pixelpatchwork.workflow.notes import Note, Once, State, Tell
from pixelpatchwork.workflow.publish import plan_round, publish
from pixelpatchwork.workflow.run_bonuses import Bonuses
from pixelpatchwork.workflow.services import Services
from pixelpatchwork.workflow.watch import Watch

CLOSING_PACE = timedelta(minutes=1)
"""How often a round is looked at that is over, and to which somebody may still hand in what he is at."""
_COLLECTS = frozenset({Step.COLLECT_GENERATION, Step.COLLECT_VOTING})


@dataclass(kw_only=True)
class Run:
    """Turns of a study. `allowance`: what rounds and bonuses may cost in all, None where they cost no real money.

    `before_publishing` raises PatchworkError where something would keep workers from their work.
    """

    services: Services
    watch: Watch
    schedule: Schedule
    tell: Tell
    allowance: Allowance | None = None
    before_publishing: Callable[[], None] = lambda: None
    _paid_for: set[RoundId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._once = Once(self.tell)
        self._bonuses = Bonuses(services=self.services, tell=self.tell, allowance=self.allowance)

    def turn(self, named: Collection[HitId] | None) -> Turn:
        """Takes the step that is due, or collects meanwhile. `Turn.next_at` says when something is due again."""
        place = place_of(self.services)
        nothing_owed = self._bonuses.pay()
        match due(self.schedule, place, self.services.clock.now()):
            case Finished():
                return self._finish() if nothing_owed else Turn(state=State.WAITING)
            case Wait(until=until):
                return self._wait(place, until, named)
            case Act(step=step) if step in _COLLECTS:
                return self._close(named)
            case Act(step=Step.ADVANCE):
                return self._advance()
        return self._publish()

    def _finish(self) -> Turn:
        self._once(Note(event="finished", text="The study has had all of its Days."))
        return Turn(state=State.FINISHED)

    # ---- the steps --------------------------------------------------------------------------------------

    def _wait(self, place: Place, until: datetime, named: Collection[HitId] | None) -> Turn:
        local = until.astimezone(self.schedule.timezone)
        text = f"Day {place.day_number}: until {local:%A, %Y-%m-%d %H:%M}, then: {_next_words(place.step)}."
        self._once(Note(event="waiting", text=text, fields={"day": place.day_number, "until": until}))
        if not any(one.state is RoundState.OPEN for one in self.services.store.rounds()):
            return Turn(state=State.WAITING, next_at=until)
        turn = self.watch.turn(named)
        return replace(turn, next_at=self._now_if_closed(turn) or until)

    def _close(self, named: Collection[HitId] | None) -> Turn:
        """Takes the round's HITs off the market; what workers are at may still come in for a while."""
        turn = self.watch.turn(named, close=named is None)
        later = self.services.clock.now() + CLOSING_PACE
        return replace(turn, next_at=self._now_if_closed(turn) or later)

    def _now_if_closed(self, turn: Turn) -> datetime | None:
        return self.services.clock.now() if turn.counts.get("rounds_closed") else None

    def _publish(self) -> Turn:
        plan = plan_round(self.services)
        self.before_publishing()
        self._count_cost(plan)
        published = publish(plan, self.services)
        round_ = plan.round
        hits = counted(published.created + published.found, "HIT")
        text = f"Day {round_.day_number}: the {round_.kind} round is published, {hits}, at most ${plan.cost.total:.2f}."
        fields = {
            "day": round_.day_number,
            "round": str(round_.kind),
            "hits": len(plan.hits),
            "cost_usd": f"{plan.cost.total:.2f}",
        }
        self.tell(Note(event="published", text=text, fields=fields))
        return Turn(next_at=self.services.clock.now(), counts={"rounds_published": 1})

    def _count_cost(self, plan: RoundPlan) -> None:
        """Counts what a round costs at most, once, before it is published. Raises PatchworkError if it is too much."""
        if self.allowance is None or plan.round.round_id in self._paid_for:
            return
        waiting = [hit for hit in plan.hits if hit.state is HitState.PLANNED]
        cost = plan.cost_of(waiting).total
        if not self.allowance.take(cost):
            raise PatchworkError(
                f"The {plan.round.kind} round of Day {plan.round.day_number} costs up to ${cost:.2f}, and of what you"
                f" allowed ${self.allowance.left:.2f} is left. Publish it with: ppw publish-round"
                f" --yes-spend {cost:.2f}"
            )
        self._paid_for.add(plan.round.round_id)

    def _advance(self) -> Turn:
        advanced = advance_day(self.services)
        fields = {
            "day": advanced.day.number,
            "winner": advanced.winner_image_id,
            "next_day": advanced.next_day.number,
        }
        why = "" if advanced.winning else ", for want of another"
        text = f"Day {advanced.day.number} is over; the winner is {advanced.winner_image_id}{why}."
        self.tell(Note(event="advanced", text=text, fields=fields))
        return Turn(next_at=self.services.clock.now(), counts={"days": 1})


def place_of(services: Services) -> Place:
    """Where the study stands, by its records. Raises NothingToDo before `ppw init`."""
    day = services.current_day()
    stands = standing(services.store, day)
    rounds, step = stands.rounds, stands.step
    due_now = current_round(rounds, step.kind) if step.kind else None
    published = [one for one in rounds if not one.is_cancelled and one.state is not RoundState.PLANNED]
    cancelled = [one.cancelled_at for one in rounds if one.cancelled_at and one.kind is step.kind]
    return Place(
        day_number=day.number,
        day_date=day.date,
        step=step,
        began_at=max((one.planned_at for one in published), default=None),
        cancelled_at=max(cancelled, default=None) if due_now is None else None,
        is_begun=due_now is not None and due_now.state is RoundState.PLANNED,
    )


def _next_words(step: Step) -> str:
    return "close the round" if step in _COLLECTS else step.value
