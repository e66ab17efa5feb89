"""Watching: collecting again and again, for as long as the program lives.

Where the marketplace tells a queue of answers, a turn reads the HITs that its messages name: a round of a thousand
one-answer HITs is not read whole for each of its answers. A sweep now and then reads everything, and so finds what no
message told of: lost messages, HITs that expired, answers that were listed late.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from pixelpatchwork.domain.errors import CrowdError
from pixelpatchwork.domain.model import HitId, HitState, Round, RoundId, RoundState
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.loop import Turn
from pixelpatchwork.workflow.notes import Level, Note, Once, Tell
from pixelpatchwork.workflow.services import MaySpend, Progress, Services, Stops, no_progress


@dataclass(kw_only=True)
class Watch:
    """Turns of collecting. `queue` is the URL of the queue that is to be told of answers, None where there is none."""

    services: Services
    owner: str
    may_spend: MaySpend | Allowance
    stops: Stops
    tell: Tell
    queue: str | None = None
    progress: Progress = no_progress
    _asked: set[RoundId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._once = Once(self.tell)

    def turn(self, named: Collection[HitId] | None, *, close: bool = False) -> Turn:
        """Collects once: the HITs that were named, or all. Raises NothingToDo where no round is open."""
        is_deaf = not self._have_it_told()
        done = collect(
            self.services,
            owner=self.owner,
            may_spend=self.may_spend,
            close=close,
            only=named,
            progress=self.progress,
            stops=self.stops,
        )
        self._say(done)
        return Turn(is_deaf=is_deaf, counts=_counts(done), failure=done.first_failure)

    # ---- notifications ----------------------------------------------------------------------------------

    def _have_it_told(self) -> bool:
        """Asks for messages about rounds that are new here. Whether they may be counted on for every open round."""
        if self.queue is None:
            return False
        rounds = [one for one in self.services.store.rounds() if one.state is RoundState.OPEN]
        self._asked &= {one.round_id for one in rounds}
        for one in rounds:
            if one.round_id not in self._asked and self._ask(one, self.queue):
                self._asked.add(one.round_id)
        return len(self._asked) == len(rounds)

    def _ask(self, round_: Round, queue: str) -> bool:
        """Whether the marketplace tells the queue of a round's answers. Why not is said once."""
        hits = self.services.store.hits(round_.round_id)
        hit_id = next((hit.hit_id for hit in hits if hit.hit_id and hit.state is HitState.OPEN), None)
        if hit_id is None:
            return True  # nothing more comes
        try:
            self.services.crowd.notify(hit_id, queue=queue)
        except CrowdError as error:
            text = f"No messages about answers, so everything is read more often: {error}"
            self._once(Note(event="no_notifications", text=text, level=Level.WARNING))
            return False
        fields = {"day": round_.day_number, "round": str(round_.kind)}
        text = f"The queue is told of answers to the {round_.kind} round of Day {round_.day_number}."
        self.tell(Note(event="notifications", text=text, fields=fields))
        self._once.forget("no_notifications")
        return True

    # ---- what is said of it -----------------------------------------------------------------------------

    def _say(self, done: Collected) -> None:
        counts = _counts(done)
        if any(counts.values()):
            self.tell(Note(event="collected", text=_collected_text(done), fields=counts))
        self._say_what_waits("edits_wait", done.edits.stopped, done.edits.waiting)
        held = f"{counted(done.held, 'answer waits', 'answers wait')} for your decision. Run: ppw review"
        self._say_what_waits("answers_held", held if done.held else None, done.held)

    def _say_what_waits(self, event: str, reason: str | None, waiting: int) -> None:
        """What a person has to look at; said once, and again when it is something else."""
        if reason is None:
            self._once.forget(event)
        else:
            self._once(Note(event=event, text=reason, level=Level.WARNING, fields={"waiting": waiting}))


def _counts(done: Collected) -> dict[str, int]:
    return {
        "new_answers": done.new_answers,
        "left_out": done.unusable,
        "paid": done.paid,
        "not_payable": done.decided_elsewhere,
        "images_made": done.edits.made,
        "edits_failed": done.edits.failed,
        "edits_unknown": done.edits.unknown,
        "rounds_closed": done.rounds_closed,
    }


def _collected_text(done: Collected) -> str:
    parts = [
        f"{counted(done.new_answers, 'new answer')}, {done.unusable} left out, {done.paid} paid",
        f"{counted(done.edits.made, 'image')} made",
    ]
    if done.decided_elsewhere:
        parts.append(f"{done.decided_elsewhere} not payable for good")
    if done.edits.failed:
        parts.append(f"{counted(done.edits.failed, 'edit')} failed")
    if done.edits.unknown:
        parts.append(f"{counted(done.edits.unknown, 'edit')} with an unknown outcome")
    if done.rounds_closed:
        parts.append("the round is closed")
    return f"{'; '.join(parts)}."
