"""Watching a round for hours: what is read when, what is said of it, and that trouble loses and repeats nothing."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pixelpatchwork.domain.errors import CrowdError, EditorStopped, StoreError
from pixelpatchwork.domain.model import AssignmentState, HitId, RoundId, RoundState
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.services import Services
from pixelpatchwork.workflow.watch import Watch
from tests.support.interposed import Interposed
from tests.support.study import RULES, Stage, open_stage
from tests.support.watching import Life, new_life

GENERATION = RoundId("day-1-generation")
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A round of two HITs with two places each."""
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.publish()
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def life_of(stage: Stage, *, minutes: int = 60) -> Life:
    return new_life(stage.clock, lasts=minutes * MINUTE)


def watch_of(life: Life, services: Services, **options: Any) -> Watch:
    return Watch(
        services=services,
        owner="test",
        stops=life.timeline.is_stopped,
        tell=life.notes.append,
        **{"may_spend": lambda _amount, _what: True, **options},
    )


def paint_at(life: Life, stage: Stage, minute: float, name: str, *, told: bool = False) -> None:
    """Somebody hands in an answer so many minutes from now; perhaps the queue is told."""

    def paint() -> None:
        before = taken(stage)
        stage.paint(name, f"a moon by {name}")
        (hit_id,) = {one for one, count in taken(stage).items() if count != before[one]}
        if told:
            life.mail.arrives(hit_id)

    life.timeline.at(minute * MINUTE, paint)


def taken(stage: Stage) -> dict[str, int]:
    return {one.hit_id: one.submitted for one in stage.services.crowd.hits("pixelpatchwork")}


def assert_all_once(stage: Stage, answers: int) -> None:
    """Every answer is judged, paid and painted, and no edit was asked for twice."""
    store = stage.services.store
    assert [one.state for one in store.assignments(GENERATION)] == [AssignmentState.SETTLED] * answers
    assert len(stage.editor.requests) == answers
    assert len([image for image in store.images() if image.creator_id]) == answers


# ---- what is read when ----------------------------------------------------------------------------------


def test_an_answer_is_taken_in_seconds_after_its_message_and_a_silent_one_with_the_next_sweep(
    stage: Stage,
) -> None:
    life = life_of(stage)
    read: list[str] = []

    class Noting(Interposed):
        def assignments(self, hit_id: HitId) -> Any:
            read.append(hit_id)
            return self._inner.assignments(hit_id)

    services = stage.with_services(crowd=Noting(stage.services.crowd, "")).services
    paint_at(life, stage, 1, "Ada", told=True)
    paint_at(life, stage, 7, "Bob")
    turns = life.live(watch_of(life, services, queue=QUEUE).turn)

    first, second = (one.stored_at for one in stage.services.store.assignments(GENERATION))
    assert first - life.loop.started_at < MINUTE + timedelta(seconds=5)
    assert second - life.loop.started_at < 13 * MINUTE
    assert len(turns) < 18
    full, half = (str(hit.hit_id) for hit in stage.services.store.hits(GENERATION))
    assert {*read[:2]} == {*read[3:5]} == {full, half}  # two sweeps, and between them
    assert {read[2]} == turns[1][1]  # the HIT that the message named
    assert life.events.count("collected") == 2
    assert_all_once(stage, 2)


def test_each_round_has_its_messages_asked_for_once(stage: Stage) -> None:
    life = life_of(stage, minutes=30)
    asked: list[str] = []

    class Told(Interposed):
        def notify(self, hit_id: HitId, *, queue: str) -> None:
            asked.append(queue)
            self._inner.notify(hit_id, queue=queue)

    services = stage.with_services(crowd=Told(stage.services.crowd, "")).services
    life.live(watch_of(life, services, queue=QUEUE).turn)
    assert asked == [QUEUE]
    assert life.events == ["notifications"]


def test_without_a_queue_nobody_is_asked_for_messages(stage: Stage) -> None:
    life = life_of(stage, minutes=10)
    crowd = Interposed(stage.services.crowd, "notify", before=lambda: pytest.fail("asked"))
    life.live(watch_of(life, stage.with_services(crowd=crowd).services).turn)
    assert life.events == []


def test_where_messages_are_refused_that_is_said_once_and_everything_is_read_more_often(stage: Stage) -> None:
    life = life_of(stage)

    def refuse() -> None:
        raise CrowdError("The marketplace refused UpdateNotificationSettings.")

    crowd = Interposed(stage.services.crowd, "notify", before=refuse)
    turns = life.live(watch_of(life, stage.with_services(crowd=crowd).services, queue=QUEUE).turn)
    assert len(turns) > 50
    assert life.events == ["no_notifications"]


def test_without_an_open_round_it_waits_for_one(stage: Stage) -> None:
    for number in range(4):
        stage.paint(f"Worker {number}", f"a moon {number}")
    assert stage.collect().rounds_closed == 1
    life = life_of(stage)
    life.timeline.at(20 * MINUTE, stage.publish)
    life.timeline.at(25 * MINUTE, lambda: stage.vote("Eve", lambda _image: "up"))
    life.live(watch_of(life, stage.services).turn)
    assert life.events == ["nothing_to_do", "collected"]


# ---- trouble --------------------------------------------------------------------------------------------

CALLS = [
    ("store", "rounds", StoreError),
    ("store", "assignments", StoreError),
    ("store", "add_assignments", StoreError),
    ("store", "mark_edit", StoreError),
    ("crowd", "assignments", CrowdError),
    ("crowd", "hit", CrowdError),
    ("crowd", "approve", CrowdError),
]


@pytest.mark.parametrize(("port", "call", "kind"), CALLS, ids=[f"{port}.{call}" for port, call, _ in CALLS])
def test_what_is_away_for_minutes_costs_no_answer_and_repeats_none(
    stage: Stage, port: str, call: str, kind: type[Exception]
) -> None:
    life = life_of(stage)
    away = (life.loop.started_at + 2 * MINUTE, life.loop.started_at + 20 * MINUTE)

    def broken() -> None:
        if away[0] <= stage.clock.now() < away[1]:
            raise kind("It is away.")

    interposed = Interposed(getattr(stage.services, port), call, before=broken)
    services = stage.with_services(**{port: interposed}).services
    for number, minute in enumerate((1, 3, 12, 30)):
        paint_at(life, stage, minute, f"Worker {number}", told=True)
    life.live(watch_of(life, services, queue=QUEUE).turn)
    assert "recovered" in life.events
    assert_all_once(stage, 4)
    assert stage.services.store.rounds()[0].state is RoundState.CLOSED


def test_what_waits_for_a_person_is_said_once_and_again_when_it_changes(stage: Stage) -> None:
    stage.paint("Ada", "a moon")
    life = life_of(stage)
    reason = ["Your credit is used up."]
    services = stage.with_services(editor=Broke(stage.editor, reason)).services
    life.timeline.at(30 * MINUTE, lambda: reason.__setitem__(0, "Your key has expired."))
    life.live(watch_of(life, services).turn)
    told = [note.text for note in life.notes if note.event == "edits_wait"]
    assert told == ["Your credit is used up.", "Your key has expired."]
    assert life.loop.failures == 0


class Broke(Interposed):
    """An editor that stops, with a reason."""

    def __init__(self, inner: Any, reason: list[str]) -> None:
        super().__init__(inner, "")
        self._reason = reason

    def edit(self, _request: object, *, sending: Callable[[], None]) -> None:
        del sending
        raise EditorStopped(self._reason[0])


def test_an_allowance_is_for_the_whole_life(stage: Stage) -> None:
    stage.editor.worst_case_usd = Usd("0.25")
    life = life_of(stage)
    for number, minute in enumerate((1, 11, 21)):
        paint_at(life, stage, minute, f"Worker {number}")
    life.live(watch_of(life, stage.services, may_spend=Allowance(Usd("0.50"))).turn)
    assert len(stage.editor.requests) == 2
    assert life.events.count("edits_wait") == 1
    assert life.loop.totals["paid"] == 3


# ---- memory ---------------------------------------------------------------------------------------------


def test_a_long_life_holds_its_memory(stage: Stage) -> None:
    """Sixty turns with messages, some of them failing, after thirty to warm up."""
    life = life_of(stage, minutes=100_000)
    watch = watch_of(life, stage.services, queue=QUEUE)
    hit_id = str(stage.services.store.hits(GENERATION)[0].hit_id)
    sizes: list[int] = []
    turns = iter(range(10_000))

    def turn(named: Any) -> Any:
        number = next(turns)
        if number in (30, 90):
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
            life.timeline.ends_at = stage.clock.now() if number == 90 else life.timeline.ends_at
        life.notes.clear()
        life.health.clear()
        life.mail.forgotten.clear()
        life.mail.arrives(hit_id)
        if number % 10 == 3:
            raise StoreError(f"Away for the {number}th time.")
        return watch.turn(named)

    tracemalloc.start()
    try:
        life.loop.run(turn)
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 60_000  # a kilobyte a turn would be a leak
