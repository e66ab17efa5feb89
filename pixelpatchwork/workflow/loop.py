"""What lives for days: one turn after the other, with pauses that fit how the last one went.

The loop knows nothing of what a turn does. It decides when the next one comes: when messages name HITs, at the turn's
own time, or after a growing pause where something failed. Nothing that may pass by itself ends it: the database, the
network or the marketplace may be away for minutes, and every turn goes on from what is on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pixelpatchwork.domain.errors import ConfigurationError, NothingToDo, PatchworkError
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.domain.ports import Clock
from pixelpatchwork.domain.signals import Signal, Signals
from pixelpatchwork.workflow.alarm import Waits
from pixelpatchwork.workflow.notes import Health, Level, Note, Once, State, Tell

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
GATHER_SECONDS = 2.0
"""How long after a message others are waited for, so that a burst of them is one turn."""
GLANCE_SECONDS = 60.0
"""How often the clock is looked at meanwhile: a computer that slept is then late by no more than that."""
MOST_NAMED = 500
"""Where messages name more HITs than that, all are read."""
JITTER = 0.15
"""The share by which a pace is longer or shorter, so that several collectors do not keep step."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How one turn went.

    `next_at`: when the next is due, where that is sooner than the usual pace. `is_deaf`: messages cannot be counted on
    for what goes on. `counts` are added up for the process's whole life. `failure`: what went wrong and will be tried
    again, None where nothing did.
    """

    state: State = State.OK
    next_at: datetime | None = None
    is_deaf: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None


Task = Callable[[Collection[HitId] | None], Turn]
"""One turn. It is given the HITs that messages named, or None where it is to look at everything."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often everything is looked at: where messages tell what comes (`hearing`), and where none do (`deaf`)."""

    hearing: timedelta
    deaf: timedelta


@dataclass(kw_only=True)
class Loop:
    """Turns, until the program is told to end or a turn says that it is finished."""

    clock: Clock
    random: Random
    waits: Waits
    signals: Signals
    tell: Tell
    record: Callable[[Health], None]
    pace: Pace
    started_at: datetime = field(init=False)
    last_success_at: datetime | None = None
    last_failure: str | None = None
    turns: int = 0
    failures: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    heard: list[Signal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()
        self.once = Once(self.tell)

    def run(self, task: Task) -> None:
        """Runs. Raises ConfigurationError, which no waiting mends, and whatever is a defect of the program."""
        named: Collection[HitId] | None = None
        while not self.waits.is_stopped():
            self.beat()
            turn = self._turn(task, named)
            if turn.state is State.FINISHED:
                return self._record(State.FINISHED)
            named = None if self.failures else self._wait(turn)
            if self.failures:
                self._back_off()
        return self._record(State.STOPPING)

    def beat(self) -> None:
        """Says that a turn has begun, or is still going on."""
        self._record(State.WORKING)

    # ---- a turn -----------------------------------------------------------------------------------------

    def _turn(self, task: Task, named: Collection[HitId] | None) -> Turn:
        self.turns += 1
        if named is None:
            self.heard += self.signals.take()  # whatever they name, it is looked at now
        turn = self._taken(task, named)
        self.totals.update(turn.counts)
        if turn.failure is None:
            self._succeeded()
        else:
            self._failed(turn.failure)
        return turn

    def _taken(self, task: Task, named: Collection[HitId] | None) -> Turn:
        """A turn, whatever becomes of it, unless nothing but a person mends it."""
        try:
            return task(named)
        except ConfigurationError:
            raise
        except NothingToDo as nothing:
            self.once(Note(event="nothing_to_do", text=str(nothing)))
            return Turn(state=State.WAITING)
        except PatchworkError as error:
            return Turn(failure=str(error))

    def _succeeded(self) -> None:
        if self.failures:
            self.tell(
                Note(event="recovered", text="It works again.", fields={"failures_in_a_row": self.failures})
            )
        self.failures = 0
        self.last_success_at = self.clock.now()
        if not self.waits.is_stopped():  # a turn that was cut short may not have come to what they name
            self.signals.forget(self.heard)
        self.heard.clear()

    def _failed(self, failure: str) -> None:
        """Says so, but the same thing less and less often. The messages come again, and all is looked at before."""
        self.failures += 1
        self.heard.clear()
        is_news = failure != self.last_failure or self.failures.bit_count() == 1
        self.last_failure = failure
        if is_news:
            fields = {"failures_in_a_row": self.failures}
            text = f"{failure} (It is tried again by itself.)"
            self.tell(Note(event="failed", text=text, level=Level.WARNING, fields=fields))

    # ---- the pause after it -----------------------------------------------------------------------------

    def _wait(self, turn: Turn) -> Collection[HitId] | None:
        """Until the next turn. Gives the HITs that messages named, or None where its time has come."""
        ended, stretch = self.clock.now(), self.random.uniform(1 - JITTER, 1 + JITTER)
        until = self._next_at(turn, ended, stretch)
        self._record(turn.state, next_turn_at=until)
        while seconds := self._seconds_to(until):
            self.waits.listen(seconds)
            if named := self._hear():
                return named if len(named) <= MOST_NAMED else None
            if (sooner := self._next_at(turn, ended, stretch)) < until:  # messages stopped coming meanwhile
                until = sooner
                self._record(turn.state, next_turn_at=until)
        return None

    def _next_at(self, turn: Turn, ended: datetime, stretch: float) -> datetime:
        """When the turn after the one that ended then is due, as far as messages can be counted on now."""
        is_deaf = turn.is_deaf or not self.signals.is_hearing
        usual = ended + (self.pace.deaf if is_deaf else self.pace.hearing) * stretch
        return usual if turn.next_at is None else min(usual, turn.next_at)

    def _hear(self) -> Collection[HitId]:
        """The HITs that messages name. Messages that name none are done with."""
        arrived = self.signals.take()
        if not arrived:
            return ()
        self.waits.rest(GATHER_SECONDS)
        arrived += self.signals.take()
        idle = [signal for signal in arrived if not signal.hit_ids]
        self.signals.forget(idle)
        self.heard += (signal for signal in arrived if signal.hit_ids)
        return frozenset(hit_id for signal in arrived for hit_id in signal.hit_ids)

    def _back_off(self) -> None:
        """A pause that doubles with each failure, up to some minutes, whatever messages come."""
        pause = min(FIRST_PAUSE * 2 ** min(self.failures - 1, 16), LONGEST_PAUSE)
        until = self.clock.now() + pause * self.random.uniform(0.5, 1)
        self._record(State.BACKING_OFF, next_turn_at=until)
        while seconds := self._seconds_to(until):
            self.waits.rest(seconds)

    def _seconds_to(self, moment: datetime) -> float:
        """How long to wait at once; 0 where the time has come, or the program is to end."""
        left = (moment - self.clock.now()).total_seconds()
        return 0.0 if self.waits.is_stopped() else min(max(left, 0.0), GLANCE_SECONDS)

    def _record(self, state: State, *, next_turn_at: datetime | None = None) -> None:
        self.record(
            Health(
                at=self.clock.now(),
                state=state,
                started_at=self.started_at,
                last_success_at=self.last_success_at,
                next_turn_at=next_turn_at,
                turns=self.turns,
                failures_in_a_row=self.failures,
                last_failure=self.last_failure if self.failures else None,
                totals=dict(self.totals),
            )
        )
