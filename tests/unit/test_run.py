"""A study on its own: whole weeks of it, with people who come and go, restarts, and trouble at the wrong moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pixelpatchwork.crowd.browser import CrowdTrouble
from pixelpatchwork.domain.bonuses import BonusRule, BonusRules, Grant
from pixelpatchwork.domain.errors import CrowdError, InsufficientFunds, StoreError
from pixelpatchwork.domain.model import RoundState
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.schedule import Schedule
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.loop import Pace
from pixelpatchwork.workflow.run import Run
from pixelpatchwork.workflow.watch import Watch
from tests.support.interposed import Interposed, failing_on
from tests.support.study import RULES, START, Stage, open_stage
from tests.support.watching import Life, new_life

OFFICE = Schedule(
    weekdays=frozenset(range(5)),
    generation_at=time(10),
    voting_at=time(14),
    advance_at=time(18),
    timezone=ZoneInfo("UTC"),
    until_days=1,
)
"""The stage is set on a Monday at 09:01."""
ROUND = replace(RULES.generation, assignments=2, assignments_per_hit=1)
HOUR = timedelta(hours=1)
WINNERS = BonusRules(grants={BonusRule.WINNER: Grant(amount_usd=Usd(1), reason="You won.")})
SLOW = Pace(hearing=HOUR, deaf=HOUR)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    rules = replace(RULES, generation=ROUND, voting=replace(ROUND, title="Vote"), parallel_calls=1)
    stage = open_stage(tmp_path, rules=rules)
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def on(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def lives(stage: Stage, until: datetime, schedule: Schedule = OFFICE, **options: Any) -> Life:
    """A process that runs the study until it is told to end; people come every day at eleven and at three."""
    life = new_life(stage.clock, lasts=until - stage.clock.now(), pace=SLOW)
    for ahead in range((until - stage.clock.now()).days + 1):
        day = stage.clock.now().replace(hour=0, minute=0) + timedelta(days=ahead)
        for hour, deed in ((11, paint), (15, vote)):
            if (span := day + hour * HOUR - stage.clock.now()) > timedelta(0):
                life.timeline.at(span, lambda deed=deed: deed(stage))  # type: ignore[misc]
    services = options.pop("services", stage.services)
    watch = Watch(
        services=services,
        owner="test",
        may_spend=lambda _amount, _what: True,
        stops=life.timeline.is_stopped,
        tell=life.notes.append,
    )
    life.loop.run(
        Run(services=services, watch=watch, schedule=schedule, tell=life.notes.append, **options).turn
    )
    return life


def paint(stage: Stage) -> None:
    """Two people look whether there is anything to paint."""
    for name in ("Ada", "Bob"):
        with suppress(CrowdTrouble):
            stage.paint(name, f"a moon by {name}")


def vote(stage: Stage) -> None:
    for name in ("Eve", "Finn"):
        with suppress(CrowdTrouble):
            stage.vote(name, lambda _image: "up")


def published(stage: Stage) -> list[str]:
    """When each round was published, and which."""
    return [f"{one.planned_at:%a %H:%M} {one.kind} {one.day_number}" for one in stage.services.store.rounds()]


def test_a_day_goes_by_the_schedule_and_then_the_process_ends(stage: Stage) -> None:
    life = lives(stage, on(4, 0))
    assert published(stage) == ["Mon 10:00 generation 1", "Mon 14:00 voting 1"]
    first, second = stage.services.store.days()
    assert (first.total_votes, first.total_participants, second.is_current) == (4, 4, True)
    assert stage.clock.now() == on(2, 18)
    assert life.health[-1].state == "finished"
    assert [event for event in life.events if event not in ("waiting", "collected")] == [
        "published",
        "published",
        "advanced",
        "finished",
    ]


def test_nothing_happens_at_the_weekend(stage: Stage) -> None:
    stage.clock.advance_to(on(5, 9))
    lives(stage, on(10, 0), replace(OFFICE, until_days=3))
    assert [line[:9] for line in published(stage) if "generation" in line] == [
        "Thu 10:00",
        "Fri 10:00",
        "Mon 10:00",
    ]
    assert stage.services.current_day().number == 4
    assert {one.state for one in stage.services.store.rounds()} == {RoundState.CLOSED}


def test_a_restart_finds_its_place_at_any_hour(stage: Stage) -> None:
    for hour in range(10, 24, 3):
        lives(stage, on(2, hour, 30))
    assert published(stage) == ["Mon 10:00 generation 1", "Mon 14:00 voting 1"]
    assert [day.number for day in stage.services.store.days()] == [1, 2]


def test_what_was_missed_by_night_is_made_up_for_in_the_morning(stage: Stage) -> None:
    lives(stage, on(2, 12))  # the computer is switched off at noon, and on again on Wednesday
    stage.clock.advance_to(on(4, 13))
    lives(stage, on(5, 0))
    assert published(stage) == ["Mon 10:00 generation 1", "Wed 14:00 voting 1"]
    assert stage.services.current_day().number == 2


def test_nobody_came_so_the_seed_stays_and_the_next_day_is_played(stage: Stage) -> None:
    stage.clock.advance_to(on(2, 11, 30))
    life = lives(stage, on(4, 0), replace(OFFICE, until_days=2))
    first, second, _ = stage.services.store.days()
    assert first.winner_image_id == first.seed_image_id == second.seed_image_id
    assert published(stage) == ["Mon 11:30 generation 1", "Tue 10:00 generation 2", "Tue 14:00 voting 2"]
    assert life.loop.totals["days"] == 2
    over = [note.text.partition("winner is ")[2] for note in life.notes if note.event == "advanced"]
    assert [text.endswith(", for want of another.") for text in over] == [True, False]


def test_a_step_taken_by_hand_is_taken_for_what_it_is(stage: Stage) -> None:
    stage.publish()  # at 09:01
    life = lives(stage, on(3, 0))
    assert published(stage) == ["Mon 09:01 generation 1", "Mon 14:00 voting 1"]
    assert life.loop.totals["rounds_published"] == 1


def test_work_in_flight_at_the_end_of_a_round_is_waited_for(stage: Stage) -> None:
    """Somebody accepts before two and hands in at a quarter past: the vote begins then."""
    crowd = stage.services.crowd

    class Slow(Interposed):
        def hit(self, hit_id: Any) -> Any:
            shown = crowd.hit(hit_id)
            return replace(shown, is_finished=shown.is_finished and stage.clock.now() >= on(2, 14, 15))

        def assignments(self, hit_id: Any) -> Any:
            found = list(crowd.assignments(hit_id))
            return iter(found if stage.clock.now() >= on(2, 14, 15) else [])

    lives(stage, on(3, 0), services=stage.with_services(crowd=Slow(crowd, "")).services)
    begun = next(one.planned_at for one in stage.services.store.rounds() if one.kind == "voting")
    assert on(2, 14, 15) <= begun <= on(2, 14, 17)


@pytest.mark.parametrize(
    ("port", "call", "error"),
    [
        ("crowd", "create_hit", InsufficientFunds("none left")),
        ("crowd", "create_hit", CrowdError("throttled")),
        ("crowd", "ensure_hit_type", CrowdError("away")),
        ("store", "add_round", StoreError("away")),
        ("store", "advance", StoreError("away")),
        ("store", "images", StoreError("away")),
    ],
)
def test_what_fails_at_the_wrong_moment_is_done_a_little_later_and_once(
    stage: Stage, port: str, call: str, error: Exception
) -> None:
    broken = Interposed(getattr(stage.services, port), call, before=failing_on(2, error))
    life = lives(stage, on(4, 0), services=stage.with_services(**{port: broken}).services)
    assert [line[:3] + line[9:] for line in published(stage)] == ["Mon generation 1", "Mon voting 1"]
    assert len(list(stage.services.crowd.hits("pixelpatchwork"))) == 4
    assert stage.services.current_day().number == 2
    assert "failed" in life.events or call == "advance"


def test_a_round_beyond_the_allowance_waits_and_says_how_to_go_on(stage: Stage) -> None:
    allowance = Allowance(Usd("0.65"))  # painting costs $0.60, voting too
    life = lives(stage, on(3, 0), allowance=allowance)
    assert published(stage) == ["Mon 10:00 generation 1"]
    (told,) = {note.text for note in life.notes if note.event == "failed"}
    assert "$0.05 is left" in told
    assert "ppw publish-round --yes-spend 0.60" in told
    assert allowance.left == Usd("0.05")


# ---- bonuses --------------------------------------------------------------------------------------------


def test_a_closed_days_bonuses_are_paid_before_the_process_ends_and_once(stage: Stage) -> None:
    rules = replace(stage.services.rules, bonuses=WINNERS)
    services = stage.with_services(rules=rules).services
    life = lives(stage, on(3, 0), services=services)
    again = lives(stage, on(4, 0), services=services)
    (bonus,) = stage.services.store.bonuses()
    assert bonus.paid_at == on(2, 18)
    assert (life.events.count("bonuses_paid"), again.events) == (1, ["finished"])


def test_bonuses_that_cannot_be_paid_hold_nothing_up_and_are_paid_later(stage: Stage) -> None:
    rules = replace(stage.services.rules, bonuses=WINNERS)

    def broke() -> None:
        if stage.clock.now() < on(3, 12):
            raise InsufficientFunds("There is not enough money.")

    crowd = Interposed(stage.services.crowd, "send_bonus", before=broke)
    services = stage.with_services(rules=rules, crowd=crowd).services
    life = lives(stage, on(4, 0), replace(OFFICE, until_days=2), services=services)
    assert life.events.count("bonuses_wait") == 1
    assert published(stage)[2:] == ["Tue 10:00 generation 2", "Tue 14:00 voting 2"]
    assert [one.day_number for one in stage.services.store.bonuses() if one.paid_at] == [1, 2]


def test_the_stage_is_set_on_a_monday_morning() -> None:
    assert START.weekday() == 0
    assert START.hour == 9
