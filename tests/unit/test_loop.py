"""A program that lives for days: when its turns come, and that nothing which passes by itself ends it."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from pixelpatchwork.adapters.clocks import MovableClock
from pixelpatchwork.domain.errors import (
    ConfigurationError,
    CrowdError,
    ImageStoreError,
    NothingToDo,
    PatchworkError,
    StoreError,
)
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.workflow.loop import MOST_NAMED, Turn
from pixelpatchwork.workflow.notes import State
from tests.support.watching import Life, new_life

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Named = Collection[HitId] | None


@pytest.fixture
def life() -> Life:
    """An hour."""
    return new_life(MovableClock(START), lasts=timedelta(hours=1))


def well(_named: Named) -> Turn:
    return Turn()


# ---- the pace -------------------------------------------------------------------------------------------


def test_everything_is_looked_at_now_and_then_with_jitter(life: Life) -> None:
    minutes = [minute for minute, named in life.live(well) if named is None]
    steps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
    assert minutes[0] == 0
    assert all(4.2 < step < 5.8 for step in steps)
    assert len(set(steps)) > 5


def test_where_no_messages_can_be_counted_on_it_looks_more_often(life: Life) -> None:
    life.mail.is_hearing = False
    assert 50 < len(life.live(well)) < 72


def test_a_turn_may_itself_be_deaf(life: Life) -> None:
    assert 50 < len(life.live(lambda _named: Turn(is_deaf=True))) < 72


def test_a_queue_that_fails_during_a_pause_shortens_it(life: Life) -> None:
    def fails() -> None:
        life.mail.is_hearing = False

    life.timeline.at(timedelta(seconds=40), fails)
    minutes = [minute for minute, _ in life.live(well)]
    pauses = [one.next_turn_at - START for one in life.health if one.turns == 1 and one.next_turn_at]
    assert minutes[1] < 2
    assert [pause < timedelta(minutes=2) for pause in pauses] == [False, True]


def test_a_queue_that_answers_again_during_a_pause_does_not_lengthen_it(life: Life) -> None:
    def answers() -> None:
        life.mail.is_hearing = True

    life.mail.is_hearing = False
    life.timeline.at(timedelta(seconds=40), answers)
    minutes = [minute for minute, _ in life.live(well)]
    assert minutes[1] < 2
    assert minutes[2] > 4


def test_a_turns_own_time_comes_before_the_pace_and_never_puts_it_off(life: Life) -> None:
    early, late = START + timedelta(minutes=2), START + timedelta(hours=9)
    turns = iter([Turn(next_at=early), Turn(next_at=late)])
    minutes = [minute for minute, _ in life.live(lambda _named: next(turns, Turn()))]
    assert minutes[1] == 2
    assert 6 < minutes[2] < 8


def test_a_turn_that_is_due_at_once_comes_at_once(life: Life) -> None:
    turns = iter([Turn(next_at=START), Turn(next_at=START)])
    assert [minute for minute, _ in life.live(lambda _named: next(turns, Turn()))][:3] == [0, 0, 0]


# ---- messages -------------------------------------------------------------------------------------------


def test_a_burst_of_messages_is_one_turn_of_the_hits_they_name(life: Life) -> None:
    for seconds, hit_id in ((90, "H1"), (90.5, "H2"), (91, "H1")):
        life.timeline.at(timedelta(seconds=seconds), lambda hit_id=hit_id: life.mail.arrives(hit_id))  # type: ignore[misc]
    turns = life.live(well)
    assert turns[1][1] == {"H1", "H2"}
    assert turns[1][0] == pytest.approx(92 / 60)
    assert turns[2][1] is None
    assert life.mail.forgotten == ["about H1", "about H2", "about H1"]


def test_messages_that_name_nothing_are_taken_out_and_cost_no_turn(life: Life) -> None:
    life.timeline.at(timedelta(seconds=30), lambda: life.mail.arrives(receipt="junk"))
    turns = life.live(well)
    assert turns[1][0] > 4
    assert life.mail.forgotten == ["junk"]


def test_messages_that_name_too_many_hits_have_everything_read(life: Life) -> None:
    names = [f"H{number}" for number in range(MOST_NAMED + 1)]
    life.timeline.at(timedelta(seconds=30), lambda: life.mail.arrives(*names))
    minutes, named = life.live(well)[1]
    assert minutes == pytest.approx(32 / 60)
    assert named is None


def test_a_message_is_forgotten_only_after_the_turn_that_heeded_it(life: Life) -> None:
    life.timeline.at(timedelta(seconds=30), lambda: life.mail.arrives("H1"))
    seen: list[list[str]] = []

    def turn(_named: Named) -> Turn:
        seen.append(list(life.mail.forgotten))
        return Turn()

    life.live(turn)
    assert seen[:3] == [[], [], ["about H1"]]


def test_a_message_whose_turn_failed_stays_in_the_queue_and_everything_is_read_next(life: Life) -> None:
    life.timeline.at(timedelta(seconds=30), lambda: life.mail.arrives("H1"))
    turns = life.live(lambda named: Turn(failure="away") if named else Turn())
    assert [named for _, named in turns][:3] == [None, {"H1"}, None]
    assert life.mail.forgotten == []


def test_a_turn_that_was_cut_short_leaves_its_messages_in_the_queue(life: Life) -> None:
    life.timeline.at(timedelta(seconds=30), lambda: life.mail.arrives("H1"))

    def turn(named: Named) -> Turn:
        if named:
            life.timeline.ends_at = life.clock.now()
        return Turn()

    assert len(life.live(turn)) == 2
    assert life.mail.forgotten == []


# ---- what fails -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [StoreError, CrowdError, ImageStoreError, PatchworkError])
def test_what_is_away_for_minutes_is_tried_again_with_growing_pauses(
    life: Life, kind: type[Exception]
) -> None:
    def turn(_named: Named) -> Turn:
        if life.clock.now() < START + timedelta(minutes=20):
            raise kind("It is away.")
        return Turn()

    minutes = [minute for minute, _ in life.live(turn)]
    steps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
    assert steps[0] <= 5 / 60
    assert max(steps) <= 5.8
    assert 9 <= sum(minute < 20 for minute in minutes) <= 18
    recovered = next(note for note in life.notes if note.event == "recovered")
    assert recovered.fields["failures_in_a_row"] == sum(minute < 20 for minute in minutes)
    assert life.health[-1].failures_in_a_row == 0


def test_a_lasting_failure_is_said_less_and_less_often(life: Life) -> None:
    failures = len(life.live(lambda _named: Turn(failure="Away.")))
    assert failures > 14
    assert life.events == ["failed"] * 5  # the 1st, 2nd, 4th, 8th and 16th


def test_messages_do_not_cut_a_pause_short(life: Life) -> None:
    for second in range(0, 3600, 2):
        life.timeline.at(timedelta(seconds=second), lambda: life.mail.arrives("H1"))
    assert len(life.live(lambda _named: Turn(failure="Throttled."))) < 30


def test_nothing_to_do_is_waited_for(life: Life) -> None:
    def turn(_named: Named) -> Turn:
        raise NothingToDo("No round is open.")

    assert 9 < len(life.live(turn)) < 16
    assert life.events == ["nothing_to_do"]
    assert {one.state for one in life.health} == {State.WORKING, State.WAITING, State.STOPPING}


@pytest.mark.parametrize("error", [ConfigurationError("wrong"), ZeroDivisionError()])
def test_what_waiting_does_not_mend_ends_it(life: Life, error: Exception) -> None:
    def turn(_named: Named) -> Turn:
        raise error

    with pytest.raises(type(error)):
        life.loop.run(turn)


# ---- its health -----------------------------------------------------------------------------------------


def test_its_health_says_what_it_does_and_adds_up_what_it_did(life: Life) -> None:
    turns = iter([Turn(counts={"paid": 2}), Turn(failure="Away.", counts={"paid": 1})])
    life.live(lambda _named: next(turns, Turn(state=State.FINISHED)))
    assert [one.state for one in life.health] == [
        State.WORKING,
        State.OK,
        State.WORKING,
        State.BACKING_OFF,
        State.WORKING,
        State.FINISHED,
    ]
    waiting, failing, last = life.health[1], life.health[3], life.health[-1]
    assert waiting.next_turn_at is not None
    assert waiting.next_turn_at > waiting.at
    assert (failing.failures_in_a_row, failing.last_failure) == (1, "Away.")
    assert failing.last_success_at == START
    assert (last.turns, last.totals, last.last_failure) == (3, {"paid": 3}, None)


def test_a_computer_that_slept_is_late_by_a_minute_at_most(life: Life) -> None:
    """Waiting counts seconds awake; the clock is looked at again each minute."""
    waits: list[float] = []
    listen = life.timeline.listen

    def listened(seconds: float) -> None:
        waits.append(seconds)
        listen(seconds)

    life.timeline.listen = listened  # type: ignore[method-assign]
    life.live(well)
    assert max(waits) <= 60
