"""Days in milliseconds: waiting moves a clock by hand, and what happens meanwhile is written down beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pixelpatchwork.adapters.clocks import MovableClock
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.domain.signals import Signal
from pixelpatchwork.workflow.loop import Loop, Pace, Task, Turn
from pixelpatchwork.workflow.notes import Health, Note

PACE = Pace(hearing=timedelta(minutes=5), deaf=timedelta(minutes=1))


@dataclass(kw_only=True)
class Timeline:
    """The port `Waits` on a clock moved by hand. `at` says what happens when; after `ends_at` it is stopped."""

    clock: MovableClock
    ends_at: datetime
    happenings: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    rings: bool = False

    def at(self, span: timedelta, deed: Callable[[], object]) -> None:
        """Does something so long from now."""
        self.happenings.append((self.clock.now() + span, deed))
        self.happenings.sort(key=lambda one: one[0])

    def is_stopped(self) -> bool:
        return self.clock.now() >= self.ends_at

    def rest(self, seconds: float) -> None:
        self._pass(seconds, wakes=False)

    def listen(self, seconds: float) -> None:
        self._pass(seconds, wakes=True)
        self.rings = False

    def _pass(self, seconds: float, *, wakes: bool) -> None:
        until = min(self.clock.now() + timedelta(seconds=seconds), self.ends_at)
        while self.happenings and self.happenings[0][0] <= until:
            moment, deed = self.happenings.pop(0)
            self.clock.advance_to(moment)
            deed()
            if wakes and self.rings:
                return
        if not (wakes and self.rings):
            self.clock.advance_to(until)


@dataclass(kw_only=True)
class Mail:
    """The port `Signals`: what tests put into it arrives at once. `forgotten` are the receipts of what is done with."""

    timeline: Timeline
    is_hearing: bool = True
    waiting: list[Signal] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def arrives(self, *hit_ids: str, receipt: str = "") -> None:
        names = frozenset(HitId(one) for one in hit_ids)
        self.waiting.append(Signal(receipt=receipt or f"about {'+'.join(sorted(names))}", hit_ids=names))
        self.timeline.rings = True

    def take(self) -> tuple[Signal, ...]:
        taken, self.waiting = tuple(self.waiting), []
        return taken

    def forget(self, signals: Sequence[Signal]) -> None:
        self.forgotten += [signal.receipt for signal in signals]


@dataclass(kw_only=True)
class Life:
    """One process's life: its loop, what it said, and how it did."""

    clock: MovableClock
    timeline: Timeline
    mail: Mail
    loop: Loop
    notes: list[Note]
    health: list[Health]

    @property
    def events(self) -> list[str]:
        return [note.event for note in self.notes]

    def live(self, task: Task) -> list[tuple[float, object]]:
        """Runs to the end. For each turn, the minutes since the start and what it was given."""
        start, turns = self.clock.now(), []

        def noted(named: object) -> Turn:
            minutes = (self.clock.now() - start).total_seconds() / 60
            turns.append((minutes, named))
            return task(named)  # type: ignore[arg-type]

        self.loop.run(noted)
        return turns


def new_life(clock: MovableClock, *, lasts: timedelta, pace: Pace = PACE) -> Life:
    """A process that is told to end after `lasts`."""
    timeline = Timeline(clock=clock, ends_at=clock.now() + lasts)
    mail = Mail(timeline=timeline)
    notes: list[Note] = []
    health: list[Health] = []
    loop = Loop(
        clock=clock,
        random=Random(1),
        waits=timeline,
        signals=mail,
        tell=notes.append,
        record=health.append,
        pace=pace,
    )
    return Life(clock=clock, timeline=timeline, mail=mail, loop=loop, notes=notes, health=health)
