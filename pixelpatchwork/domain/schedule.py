"""When a study that runs by itself takes its steps: a rule over the records and the time, with no state of its own.

Each step is taken at its own time of day, on one of the scheduled weekdays, after the step before it. A round lasts
until the next step's time. So a program that starts anew finds its place from what is on record.

Times are read in the study's time zone. One that the clocks skip in spring is taken as many minutes after the gap as
it would have been after the gap's beginning; of one that comes twice in autumn, the first is meant (PEP 495, fold 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TypeAlias
from zoneinfo import ZoneInfo

from pixelpatchwork.domain.steps import Step

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to take which step. `weekdays` counts from Monday, 0; the times are those of `timezone`'s clocks.

    `until_days` is the number of Days after which the study rests, None: never.
    """

    weekdays: frozenset[int]
    generation_at: time
    voting_at: time
    advance_at: time
    timezone: ZoneInfo
    until_days: int | None = None

    def following(self, at: time, after: datetime) -> datetime:
        """The first moment later than `after` at which the clocks show `at` on a scheduled weekday, in UTC."""
        # Begun a day early: the latest moment of yesterday's date may still lie ahead, where that day was skipped.
        return self._first(at, self._local(after) - _ONE_DAY, after=after)

    def first_on_or_after(self, at: time, day: date) -> datetime:
        """The first moment at which the clocks show `at` on a scheduled weekday that is `day` or later, in UTC."""
        return self._first(at, day, after=None)

    def latest(self, at: time, now: datetime) -> datetime:
        """The last moment, `now` or earlier, at which the clocks showed `at` on a scheduled weekday, in UTC."""
        start = self._local(now) + _ONE_DAY
        return next(
            moment
            for moment in (self._moment(at, start - _ONE_DAY * back) for back in count())
            if moment is not None and moment <= now
        )

    def _first(self, at: time, start: date, *, after: datetime | None) -> datetime:
        return next(
            moment
            for moment in (self._moment(at, start + _ONE_DAY * ahead) for ahead in count())
            if moment is not None and (after is None or moment > after)
        )

    def _moment(self, at: time, day: date) -> datetime | None:
        if day.weekday() not in self.weekdays:
            return None
        return datetime.combine(day, at, tzinfo=self.timezone).astimezone(UTC)

    def _local(self, moment: datetime) -> date:
        return moment.astimezone(self.timezone).date()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a study stands. `day_date` is the current Day's date.

    `began_at` is when the round that decides the next time was planned: of a round that is open, its own; where none
    is, that of the round before on this Day, or None where there is none. `cancelled_at` is when the round that is
    due now was last called off, `is_begun` whether its publishing was begun and is to be completed.
    """

    day_number: int
    day_date: date
    step: Step
    began_at: datetime | None = None
    cancelled_at: datetime | None = None
    is_begun: bool = False


@dataclass(frozen=True, kw_only=True)
class Act:
    """Take the step now. A round that is being collected is closed: its time is over."""

    step: Step


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing is due before `until`; an open round is collected meanwhile."""

    until: datetime


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The study has had all of its Days."""


Due: TypeAlias = Act | Wait | Finished


def due(schedule: Schedule, place: Place, now: datetime) -> Due:
    """What is to be done now.

    A time that was missed is made up for at once: a round is published as long as its time is not over (the next
    step's time has not come yet), else at its next time; a round is closed and a Day ended however late it is.
    """
    if schedule.until_days is not None and place.day_number > schedule.until_days:
        return Finished()
    if place.is_begun:
        return Act(step=place.step)
    at = _due_at(schedule, place)
    if now < at:
        return Wait(until=at)
    ends_with = _ENDS_WITH.get(place.step)
    return Act(step=place.step) if ends_with is None else _in_time(schedule, place.step, now)


def _due_at(schedule: Schedule, place: Place) -> datetime:
    """When the step falls due, before which nothing happens."""
    time_of_day = _time_of(schedule, place.step)
    if place.cancelled_at is not None:
        return schedule.following(time_of_day, place.cancelled_at)
    if place.began_at is not None:
        return schedule.following(time_of_day, place.began_at)
    return schedule.first_on_or_after(time_of_day, place.day_date)


def _in_time(schedule: Schedule, step: Step, now: datetime) -> Due:
    """Publish, if the round's latest time is not over; else wait for its next."""
    begins, ends = _time_of(schedule, step), _time_of(schedule, _ENDS_WITH[step])
    if now < schedule.following(ends, schedule.latest(begins, now)):
        return Act(step=step)
    return Wait(until=schedule.following(begins, now))


_ENDS_WITH = {Step.PUBLISH_GENERATION: Step.PUBLISH_VOTING, Step.PUBLISH_VOTING: Step.ADVANCE}
"""Which step's time ends the round that a step publishes."""


def _time_of(schedule: Schedule, step: Step) -> time:
    """The time of day of a step; a round that is being collected waits for the time of what follows it."""
    if step is Step.PUBLISH_GENERATION:
        return schedule.generation_at
    if step in {Step.COLLECT_GENERATION, Step.PUBLISH_VOTING}:
        return schedule.voting_at
    return schedule.advance_at
