"""Killing one command of a study at one point, running it again, and comparing with the run that nobody disturbed.

Each command is tried by itself, from the world as it stood before: where the world after it is the undisturbed one,
every later command finds what it would have found anyway.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pixelpatchwork.cli.program import NOTHING_TO_DO
from tests.support.kill_books import NOTHING_LOST, Books, books_of, differences, lost_in, unknown_edits
from tests.support.kill_hooks import Death, Moment
from tests.support.kill_story import STORY, Step
from tests.support.kill_world import LEASE_RUNS_OUT_SECONDS, Snapshot, World, open_world


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One command of the undisturbed run: the world before it, the external calls it made, the records after it."""

    step: Step
    before: Snapshot
    calls: tuple[str, ...]
    after: Books

    @property
    def deaths(self) -> tuple[Death, ...]:
        """Every point at which the command can be killed: two at each call, and one at its end."""
        counts: Counter[str] = Counter()
        points: list[Death] = []
        for call in self.calls:
            counts[call] += 1
            for moment in (Moment.BEFORE, Moment.DEED_DONE):
                points.append(Death(call=call, nth=counts[call], moment=moment))
        return (*points, replace(points[-1], moment=Moment.END))

    @property
    def makes_edits(self) -> bool:
        """Whether it asks the images API for pictures."""
        return "images edits" in self.calls

    def told(self, death: Death) -> str:
        """A point in words."""
        return f"{self.step.title}, killed {death.moment}, {death.call} no. {death.nth}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of one death. `edits_again` counts edits that were asked for once more, their outcome unknown."""

    differences: tuple[str, ...]
    edits_again: int


def play(world: World, story: Sequence[Step] = STORY) -> Iterator[Chapter]:
    """Tells the story without any disturbance, a chapter at a time."""
    for step in story:
        step.before(world)
        world.images_api.calls.clear()
        before = world.snapshot()
        lived = world.ppw(*step.command)
        lived.ran.well()
        yield Chapter(step=step, before=before, calls=lived.calls, after=books_of(world))


@dataclass(frozen=True, kw_only=True)
class Played:
    """A study that was played to its end, in a world that can be put back."""

    world: World
    chapters: tuple[Chapter, ...]

    @property
    def points(self) -> list[tuple[Chapter, Death]]:
        """Every point at which it can be killed."""
        return [(chapter, death) for chapter in self.chapters for death in chapter.deaths]


@contextmanager
def played(folder: Path, *, database_url: str | None = None) -> Iterator[Played]:
    """Plays the story in a world of its own."""
    with open_world(folder, database_url=database_url) as world:
        yield Played(world=world, chapters=tuple(play(world)))


def kill(world: World, chapter: Chapter, death: Death) -> Trial:
    """Puts the world back, kills the command at a point, and runs it again."""
    world.restore(chapter.before)
    killed = world.ppw(*chapter.step.command, death=death)
    assert killed.ran.code == -signal.SIGKILL, f"{chapter.told(death)}: it lived on\n{killed.ran.text}"
    assert killed.calls.count(death.call) >= death.nth, f"{chapter.told(death)}: it died of something else"
    lost = lost_in(world) if chapter.makes_edits else NOTHING_LOST
    world.clock.advance(seconds=LEASE_RUNS_OUT_SECONDS)
    again = world.ppw(*chapter.step.command)
    found = books_of(world)
    lines = differences(chapter.after, found, lost)
    if again.ran.code not in {0, NOTHING_TO_DO}:
        lines.append(f"the second run failed: {again.ran.text}")
    if len(lost.outcome | lost.price) > 1:
        lines.append("one death took the outcome of several edits with it, and one is made at a time")
    if lost.outcome:
        lines += _silence(world, sum(unknown_edits(found).values()))
    return Trial(
        differences=tuple(f"{chapter.told(death)}: {line}" for line in lines),
        edits_again=sum((found.requested - chapter.after.requested).values()),
    )


def _silence(world: World, unknown: int) -> list[str]:
    """What `status` does not say of edits whose outcome is unknown."""
    said = world.ppw("status", "--json").ran.well().json["edits_unknown"]
    return [] if said == unknown else [f"status tells of {said} edits with an unknown outcome, not {unknown}"]
