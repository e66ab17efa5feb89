"""A rehearsal: a whole study with a simulated crowd, on a clock that is moved by hand. What `ppw rehearse` does.

Nothing in it is special: the HITs go through the marketplace's API, the workers through its site, the pictures through
the offline editor. What it leaves is an ordinary study whose next Day is today.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import reduce
from pathlib import Path
from random import Random
from typing import TypeVar

from pixelpatchwork.adapters.clocks import MovableClock
from pixelpatchwork.adapters.database import open_store, upgrade
from pixelpatchwork.config import SETTINGS_FILE, Settings, describe, load_settings
from pixelpatchwork.config_types import sqlite_file
from pixelpatchwork.crowd.browser import WsgiBrowser
from pixelpatchwork.crowd.simulation import Simulation
from pixelpatchwork.crowd.workers import draw_personas
from pixelpatchwork.domain.errors import CrowdError, PatchworkError
from pixelpatchwork.domain.standing import standing
from pixelpatchwork.founding import found, plan_folder, write_folder
from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.wiring import Staging, Wiring, wired
from pixelpatchwork.workflow.advance import Advanced, advance_day
from pixelpatchwork.workflow.bonus import BonusSummary, pay_bonuses, plan_day
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.publish import plan_round, publish
from pixelpatchwork.workflow.review import Ruling, review
from pixelpatchwork.workflow.services import Progress, no_progress

MARKER = ".rehearsal"
"""Marks a folder that a rehearsal made, and that the next one may therefore replace."""
TRIES = 8
"""How often a step is run that the marketplace's trouble has stopped."""
T = TypeVar("T")
_REHEARSED = frozenset(
    {
        "study",
        "timezone",
        "language",
        "max_seed_side",
        "generation",
        "voting",
        "judgement",
        "budget",
        "bonus",
    }
)
"""The settings that a rehearsal takes from a study, by section."""
_LEFT_OUT = "Left out in a rehearsal, where nobody looks."
_OPENS_AT = time(9, 0)
_DAYS = re.compile(r"days (\d{1,4}),")
"""How many Days the rehearsal was to have, as its marker says."""
_INSTEAD = "Move it away, or rehearse in another folder: ppw rehearse my-rehearsal"


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a rehearsal is to be: the same script gives the same story.

    `faults`: trouble that it has to survive. `like`: the study whose rounds, judgement, budgets and bonuses are tried.
    """

    days: int
    workers: int
    seed: Path
    random_seed: int
    faults: Faults | None = None
    like: Settings | None = None


@dataclass(frozen=True, kw_only=True)
class RehearsedDay:
    """What happened on one Day. `bonuses` is None where no rule grants any."""

    advanced: Advanced
    generation: Collected
    voting: Collected | None
    bonuses: BonusSummary | None


def prepare(directory: Path, script: Script) -> Path:
    """Makes the rehearsal's folder anew. Gives the path of its settings.

    Raises:
        SeedError: the seed is no picture that can be used; the folder is as it was.
        PatchworkError: the folder holds something that no rehearsal left there, or a study that went on.
    """
    left = _left(directory)
    # Before anything is removed: the seed may be a bad one, and it may stand in this very folder.
    planned = plan_folder(directory, seed=script.seed, overrides=_overrides(script), environ={})
    _clear(directory, left)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARKER).write_text(
        f"days {script.days}, workers {script.workers}, seed {script.random_seed}\n"
    )
    return write_folder(planned)


def _overrides(script: Script) -> dict[str, object]:
    """The rehearsed study's settings by dotted key, as far as they are not the usual ones.

    Of a study that it is to be like, everything but where its things are kept, who paints, and when: those are the
    rehearsal's own.
    """
    if script.like is None:
        return {
            "study": "A rehearsed story",
            "generation.assignments": script.workers,
            "voting.assignments": script.workers,
        }
    names = [key.name for key in describe() if key.name.partition(".")[0] in _REHEARSED]
    return {name: reduce(getattr, name.split("."), script.like) for name in names}


def _left(directory: Path) -> list[Path]:
    """What the last rehearsal left in its folder. Raises PatchworkError where something else is in there."""
    left = list(directory.iterdir()) if directory.exists() else []
    if not left:
        return left
    marker = directory / MARKER
    if not marker.is_file():
        raise PatchworkError(
            f"{directory} is not empty and was not made by a rehearsal. "
            "Name another folder: ppw rehearse my-rehearsal"
        )
    if (directory / ".env").exists():
        raise PatchworkError(f"{directory / '.env'} is no rehearsal's. {_INSTEAD}")
    played = _DAYS.match(marker.read_text(encoding="utf-8", errors="replace"))
    _insist_on_its_end(directory, days=int(played[1]) if played else 0)
    return left


def _insist_on_its_end(directory: Path, *, days: int) -> None:
    """Raises PatchworkError where the study went on after its rehearsal of so many Days.

    No Day passes without a round. A study that cannot be read is not thrown away either.
    """
    try:
        went_on = _last_round(directory) > days
    except PatchworkError as error:
        raise PatchworkError(
            f"Whether the study in {directory} went on after its rehearsal cannot be told: {error}\n{_INSTEAD}"
        ) from error
    if went_on:
        raise PatchworkError(
            f"The study in {directory} went on after its rehearsal, and would be lost. {_INSTEAD}"
        )


def _last_round(directory: Path) -> int:
    """The latest Day on which the study in this folder has a round; 0 where it has none, or there is no study."""
    if not (directory / SETTINGS_FILE).is_file():
        return 0
    url = load_settings(directory / SETTINGS_FILE, {}).database_url
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return 0
    upgrade(url)  # a rehearsal of an earlier version counts as well
    store = open_store(url)
    try:
        return max((one.day_number for one in store.rounds()), default=0)
    finally:
        store.close()


def _clear(directory: Path, left: Sequence[Path]) -> None:
    """Removes what the last rehearsal left, the marker last, so that a stop in between can be taken up."""
    marker = directory / MARKER
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != marker:
            path.unlink()
    marker.unlink(missing_ok=True)


def rehearse(
    directory: Path, script: Script, *, now: datetime, progress: Progress = no_progress
) -> Iterator[RehearsedDay]:
    """Plays the script in the folder that `prepare` has made, Day by Day. The Day after the last is today's."""
    # Nothing but the file: a rehearsal must not take a marketplace or an editor from the environment.
    settings = load_settings(directory / SETTINGS_FILE, {})
    # One call at a time: the order of HITs would depend on how threads are scheduled, and the story with it.
    settings = settings.model_copy(update={"parallel_calls": 1})
    with _stage(settings, script, now) as stage:
        for _ in range(script.days):
            yield stage.play_day(progress)


@contextmanager
def _stage(settings: Settings, script: Script, now: datetime) -> Iterator[_Stage]:
    random = Random(script.random_seed)  # noqa: S311  # a story that can be told again, and no secret
    clock = MovableClock(_opening(now - timedelta(days=script.days), settings))
    found(settings, now=clock.now(), random=random)
    # The secret is a constant so that the workers' ids, and with them their names, are those of the last rehearsal;
    # it is not kept, and `ppw serve` draws a real one.
    staging = Staging(
        clock=clock, random=random, secret_key=f"rehearsal {script.random_seed}", faults=script.faults
    )
    with wired(settings, staging) as wiring:
        simulation = Simulation(
            browsers=lambda: WsgiBrowser(wiring.site),
            personas=draw_personas(script.workers, random),
            random_seed=script.random_seed,
            on_step=clock.advance,
        )
        yield _Stage(
            wiring=wiring, clock=clock, simulation=simulation, patience=_patience(script.faults or Faults())
        )


def _patience(faults: Faults) -> timedelta:
    """How long to wait for the marketplace to know of the last submission."""
    return timedelta(milliseconds=max(faults.late_assignments, faults.approve_lag))


def _opening(moment: datetime, settings: Settings) -> datetime:
    """Nine in the morning of a moment's date, in the study's time zone."""
    return datetime.combine(moment.astimezone(settings.zone).date(), _OPENS_AT, tzinfo=settings.zone)


def again(step: Callable[[], T]) -> T:
    """Runs a step as a person at the keyboard would: a command that failed may always be run again."""
    for _ in range(TRIES - 1):
        with suppress(CrowdError):
            return step()
    return step()


@dataclass(frozen=True, kw_only=True)
class _Stage:
    wiring: Wiring
    clock: MovableClock
    simulation: Simulation
    patience: timedelta

    def play_day(self, progress: Progress) -> RehearsedDay:
        """Both rounds of the current Day, and the step to the next."""
        services = self.wiring.services
        generation = self._play_round(progress)
        painted = standing(services.store, services.current_day()).painted
        voting = self._play_round(progress) if painted else None
        self._sleep_until_next_day()
        advanced = advance_day(services)
        return RehearsedDay(
            advanced=advanced, generation=generation, voting=voting, bonuses=self._pay_bonuses()
        )

    def _play_round(self, progress: Progress) -> Collected:
        """Publishes, lets the crowd work, and collects; what nobody took is taken off the market.

        Answers that are held for the requester are left out, so that the Day can end.
        """
        services = self.wiring.services
        again(lambda: publish(plan_round(services), services, progress))
        self.simulation.work()
        self.clock.advance(self.patience)
        collected = again(lambda: self._collect(progress))
        if collected.held:
            review(services, None, ruling=Ruling.LEAVE_OUT, reason=_LEFT_OUT)
            again(lambda: self._collect(progress))
        return collected

    def _pay_bonuses(self) -> BonusSummary | None:
        services = self.wiring.services
        if not services.rules.bonuses.active:
            return None
        return again(lambda: pay_bonuses(plan_day(services), services))

    def _collect(self, progress: Progress) -> Collected:
        services = self.wiring.services
        return collect(
            services, owner="rehearsal", may_spend=lambda _amount, _what: False, close=True, progress=progress
        )

    def _sleep_until_next_day(self) -> None:
        zone = self.wiring.settings.zone
        tomorrow = self.clock.now().astimezone(zone).date() + timedelta(days=1)
        self.clock.advance_to(datetime.combine(tomorrow, time(0, 0), tzinfo=zone))
