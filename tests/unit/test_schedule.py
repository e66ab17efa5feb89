"""When a study that runs by itself takes its steps, over weekends, summer times, and nights without a computer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.domain.schedule import Act, Finished, Place, Schedule, Wait, due
from pixelpatchwork.domain.steps import Step

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Schedule(
    weekdays=frozenset(range(5)),
    generation_at=time(9),
    voting_at=time(15),
    advance_at=time(20),
    timezone=BERLIN,
)
MONDAY = Place(day_number=1, day_date=date(2026, 3, 2), step=Step.PUBLISH_GENERATION)


def berlin(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def at_step(step: Step, began_at: datetime, **changes: object) -> Place:
    return replace(MONDAY, step=step, began_at=began_at, **changes)  # type: ignore[arg-type]


# ---- a Day ----------------------------------------------------------------------------------------------


def test_a_round_waits_for_its_time_and_is_then_published() -> None:
    assert due(OFFICE, MONDAY, berlin(2, 8, 59)) == Wait(until=berlin(2, 9))
    assert due(OFFICE, MONDAY, berlin(2, 9)) == Act(step=Step.PUBLISH_GENERATION)


@pytest.mark.parametrize(
    ("step", "hour"),
    [
        (Step.COLLECT_GENERATION, 15),
        (Step.PUBLISH_VOTING, 15),
        (Step.COLLECT_VOTING, 20),
        (Step.ADVANCE, 20),
    ],
)
def test_a_round_lasts_until_the_next_steps_time(step: Step, hour: int) -> None:
    place = at_step(step, berlin(2, 9, 1))
    assert due(OFFICE, place, berlin(2, hour - 1, 59)) == Wait(until=berlin(2, hour))
    assert due(OFFICE, place, berlin(2, hour)) == Act(step=step)


def test_nothing_happens_on_other_weekdays() -> None:
    saturday = replace(MONDAY, day_date=date(2026, 3, 7))
    assert due(OFFICE, saturday, berlin(7, 12)) == Wait(until=berlin(9, 9))
    friday_night = at_step(Step.COLLECT_VOTING, berlin(6, 20, 30))
    assert due(OFFICE, friday_night, berlin(7, 20)) == Wait(until=berlin(9, 20))


def test_a_day_may_go_over_midnight() -> None:
    night = replace(OFFICE, generation_at=time(18), voting_at=time(8), advance_at=time(17))
    published = at_step(Step.COLLECT_GENERATION, berlin(2, 18))
    assert due(night, published, berlin(2, 23)) == Wait(until=berlin(3, 8))
    voting = at_step(Step.COLLECT_VOTING, berlin(3, 8))
    assert due(night, voting, berlin(3, 9)) == Wait(until=berlin(3, 17))
    second = replace(MONDAY, day_number=2, day_date=date(2026, 3, 3))
    assert due(night, second, berlin(3, 17)) == Wait(until=berlin(3, 18))


def test_equal_times_are_a_day_apart() -> None:
    slow = replace(OFFICE, voting_at=time(9), advance_at=time(9))
    published = at_step(Step.COLLECT_GENERATION, berlin(2, 9, 0))
    assert due(slow, published, berlin(2, 9, 1)) == Wait(until=berlin(3, 9))


def test_after_the_last_day_it_is_finished() -> None:
    two = replace(OFFICE, until_days=2)
    assert due(two, replace(MONDAY, day_number=2), berlin(2, 10)) == Act(step=Step.PUBLISH_GENERATION)
    assert due(two, replace(MONDAY, day_number=3), berlin(2, 10)) == Finished()


# ---- what was missed ------------------------------------------------------------------------------------


def test_a_missed_publication_is_made_up_for_while_its_round_would_last() -> None:
    assert due(OFFICE, MONDAY, berlin(2, 14, 59)) == Act(step=Step.PUBLISH_GENERATION)
    assert due(OFFICE, MONDAY, berlin(2, 15)) == Wait(until=berlin(3, 9))
    assert due(OFFICE, MONDAY, berlin(11, 11)) == Act(step=Step.PUBLISH_GENERATION)


def test_a_missed_vote_is_held_at_its_next_time() -> None:
    place = at_step(Step.PUBLISH_VOTING, berlin(2, 9))
    assert due(OFFICE, place, berlin(2, 19, 59)) == Act(step=Step.PUBLISH_VOTING)
    assert due(OFFICE, place, berlin(2, 20)) == Wait(until=berlin(3, 15))
    assert due(OFFICE, place, berlin(7, 16)) == Wait(until=berlin(9, 15))


@pytest.mark.parametrize("step", [Step.COLLECT_GENERATION, Step.COLLECT_VOTING, Step.ADVANCE])
def test_a_missed_end_is_made_up_for_however_late(step: Step) -> None:
    assert due(OFFICE, at_step(step, berlin(2, 9)), berlin(7, 3)) == Act(step=step)


def test_a_publication_that_was_begun_is_completed_at_any_time() -> None:
    place = replace(MONDAY, is_begun=True)
    assert due(OFFICE, place, berlin(2, 23)) == Act(step=Step.PUBLISH_GENERATION)


def test_a_round_that_was_called_off_comes_again_at_its_next_time() -> None:
    place = replace(MONDAY, cancelled_at=berlin(2, 9, 30))
    assert due(OFFICE, place, berlin(2, 10)) == Wait(until=berlin(3, 9))
    voting = at_step(Step.PUBLISH_VOTING, berlin(2, 9), cancelled_at=berlin(2, 16))
    assert due(OFFICE, voting, berlin(2, 17)) == Wait(until=berlin(3, 15))


# ---- summer time ----------------------------------------------------------------------------------------

EVERY_DAY = replace(OFFICE, weekdays=frozenset(range(7)))


def test_a_time_that_the_clocks_skip_is_taken_after_the_gap() -> None:
    assert EVERY_DAY.following(time(2, 30), berlin(28, 12)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_of_a_time_that_comes_twice_the_first_is_meant_and_the_second_is_not() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert EVERY_DAY.following(time(2, 30), berlin(24, 12, month=10)) == first
    assert EVERY_DAY.following(time(2, 30), first) == berlin(26, 2, 30, month=10)


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Nuuk",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",
]
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001  # made aware below
    lambda moment: moment.replace(tzinfo=UTC)
)
SCHEDULES = st.builds(
    Schedule,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    generation_at=TIMES,
    voting_at=TIMES,
    advance_at=TIMES,
    timezone=st.sampled_from(ZONES).map(ZoneInfo),
    until_days=st.just(3),
)


@settings(max_examples=150)
@given(SCHEDULES, TIMES, MOMENTS)
def test_the_next_moment_is_later_within_eight_days_and_the_first(
    schedule: Schedule, at: time, after: datetime
) -> None:
    found = schedule.following(at, after)
    assert after < found <= after + timedelta(days=9)
    # None in between: looked for from any later moment, it is the same one.
    assert schedule.following(at, after + (found - after) / 2) == found
    assert schedule.following(at, found) > found
    assert schedule.latest(at, found) == found
    assert schedule.latest(at, after) <= after < schedule.following(at, schedule.latest(at, after))


@settings(max_examples=150)
@given(SCHEDULES, TIMES, MOMENTS)
def test_the_clocks_show_the_time_unless_they_skip_it(schedule: Schedule, at: time, after: datetime) -> None:
    found = schedule.following(at, after).astimezone(schedule.timezone)
    wall = datetime.combine(found.date(), at, tzinfo=schedule.timezone)
    is_skipped = wall.astimezone(UTC).astimezone(schedule.timezone).time() != at
    if found.time() == at:
        assert found.weekday() in schedule.weekdays or schedule.timezone.key == "Pacific/Apia"
        assert found.fold == 0
    else:
        assert is_skipped


NEXT = {
    Step.PUBLISH_GENERATION: Step.COLLECT_GENERATION,
    Step.COLLECT_GENERATION: Step.PUBLISH_VOTING,
    Step.PUBLISH_VOTING: Step.COLLECT_VOTING,
    Step.COLLECT_VOTING: Step.ADVANCE,
}


@settings(max_examples=100)
@given(SCHEDULES, MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(days=4)), max_size=8))
def test_a_study_comes_to_its_end_whatever_was_missed(
    schedule: Schedule, start: datetime, absences: list[timedelta]
) -> None:
    """The program is asked, waits as it is told, is away now and then, and never waits more than nine days."""
    now, away = start, iter(absences)
    place = Place(
        day_number=1, day_date=start.astimezone(schedule.timezone).date(), step=Step.PUBLISH_GENERATION
    )
    for _ in range(100):
        match due(schedule, place, now):
            case Finished():
                assert place.day_number == 4
                return
            case Wait(until=until):
                assert now < until <= now + timedelta(days=9)
                now = until + next(away, timedelta(0))
            case Act(step=step):
                assert step is place.step
                place = _after(place, schedule, now)
    raise AssertionError("it goes on for ever")


def _after(place: Place, schedule: Schedule, now: datetime) -> Place:
    """What the records say once a step was taken."""
    if place.step is Step.ADVANCE:
        today = now.astimezone(schedule.timezone).date()
        return Place(
            day_number=place.day_number + 1,
            day_date=max(today, place.day_date + timedelta(days=1)),
            step=Step.PUBLISH_GENERATION,
        )
    publishes = place.step in {Step.PUBLISH_GENERATION, Step.PUBLISH_VOTING}
    return replace(place, step=NEXT[place.step], began_at=now if publishes else place.began_at)
