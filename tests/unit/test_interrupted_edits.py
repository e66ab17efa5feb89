"""An edit that is interrupted anywhere is made once, and paid for twice only where nobody can know better."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
)
from pixelpatchwork.domain.model import EditState, RoundId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.workflow.collect import collect
from pixelpatchwork.workflow.edit import USED_UP
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, NoiseEditor, Stage, open_stage

GENERATION = RoundId("day-1-generation")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.editor.parallel = 1
    stage.editor.worst_case_usd = Usd("0.25")
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def painted(stage: Stage, *prompts: str) -> None:
    stage.publish()
    for number, prompt in enumerate(prompts):
        stage.paint(f"Worker {number}", prompt)


def edit_states(stage: Stage) -> list[tuple[str, EditState, int]]:
    return sorted((edit.prompt, edit.state, edit.attempt) for edit in stage.services.store.edits(GENERATION))


# ---- editing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [EditRefused("moderation"), EditRejected("bad size")])
def test_a_final_refusal_is_recorded_and_does_not_stop_the_queue(stage: Stage, error: Exception) -> None:
    painted(stage, "bad", "good")
    stage.editor.script["bad"] = [error]
    assert (stage.collect().edits.made, stage.collect().edits.failed) == (1, 0)
    assert edit_states(stage) == [("bad", EditState.FAILED, 1), ("good", EditState.DONE, 1)]


@pytest.mark.parametrize("error", [EditorStopped("credit is used up"), EditorBusy("throttled")])
def test_an_editor_that_cannot_work_leaves_its_edits_waiting(stage: Stage, error: Exception) -> None:
    painted(stage, "a moon", "a star")
    stage.editor.script = {"a moon": [error], "a star": [error]}
    done = stage.collect()
    assert (done.edits.made, done.edits.waiting, done.edits.stopped) == (0, 2, str(error))
    assert len(stage.editor.requests) == 1

    stage.editor.script = {}
    assert stage.collect().edits.made == 2  # at once: the leases were given back


def test_an_unknown_outcome_is_tried_once_more(stage: Stage) -> None:
    painted(stage, "a moon")
    stage.editor.script["a moon"] = [EditOutcomeUnknown("read time-out")]
    first, second = stage.collect(), stage.collect()
    assert (first.edits.made, first.edits.unknown, first.edits.stopped) == (0, 1, USED_UP)
    assert second.edits.made == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.UNKNOWN, 1)]


def test_a_second_unknown_outcome_is_the_last(stage: Stage) -> None:
    painted(stage, "a moon")
    stage.editor.script["a moon"] = [EditOutcomeUnknown("lost"), EditOutcomeUnknown("lost again")]
    stage.collect(close=True)
    assert stage.collect().rounds_closed == 1
    assert len(stage.editor.requests) == 2
    costs = [edit.cost_usd for edit in stage.services.store.edits(GENERATION)]
    assert costs == [Usd("0.25"), Usd("0.25")]  # both may have been billed


def test_what_costs_nothing_is_simply_made_again(stage: Stage) -> None:
    painted(stage, "a moon")
    with pytest.raises(Killed):
        stage.with_services(editor=KilledEditor()).collect()
    stage.editor.worst_case_usd = Usd(0)
    stage.clock.advance(timedelta(minutes=10))
    assert stage.collect().edits.made == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 1)]


class KilledEditor(NoiseEditor):
    """Dies with the request on its way."""

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        super().edit(request, sending=sending)
        raise Killed


def test_a_run_killed_while_the_editor_works_tries_once_more(stage: Stage) -> None:
    painted(stage, "a moon")
    with pytest.raises(Killed):
        stage.with_services(editor=KilledEditor()).collect()
    assert edit_states(stage) == [("a moon", EditState.SUBMITTED, 1)]

    stage.clock.advance(timedelta(minutes=10))  # the dead run's lease runs out
    assert stage.collect().edits.made == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.UNKNOWN, 1)]


def test_a_picture_that_was_kept_is_not_asked_for_again(stage: Stage) -> None:
    painted(stage, "a moon")
    broken = Interposed(stage.services.images, "put", after=failing_on(1, Killed()))  # the raw picture's put
    with pytest.raises(Killed):
        stage.with_services(images=broken).collect()

    stage.clock.advance(timedelta(minutes=10))
    assert stage.collect().edits.made == 1
    assert len(stage.editor.requests) == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 1)]


@pytest.mark.parametrize("call", [2, 3])
def test_a_run_killed_while_storing_an_image_stores_the_same_one(stage: Stage, call: int) -> None:
    painted(stage, "a moon")
    broken = Interposed(stage.services.images, "put", after=failing_on(call, Killed()))
    with pytest.raises(Killed):
        stage.with_services(images=broken).collect()

    stage.clock.advance(timedelta(minutes=10))
    assert stage.collect().edits.made == 1
    assert len(stage.services.store.images(day_number=1)) == 1
    assert len(stage.editor.requests) == 1


class BadPicture(NoiseEditor):
    """Answers with what is no picture, or none of the right shape."""

    def __init__(self, answer: Callable[[EditRequest], bytes]) -> None:
        super().__init__()
        self._answer = answer

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        return replace(super().edit(request, sending=sending), image=self._answer(request))


def test_an_answer_that_is_no_picture_fails_the_edit_and_is_kept(stage: Stage) -> None:
    painted(stage, "a moon")
    done = stage.with_services(editor=BadPicture(lambda _request: b"<html>busy</html>")).collect()
    (edit,) = stage.services.store.edits(GENERATION)
    assert (done.edits.failed, edit.state) == (1, EditState.FAILED)
    assert stage.services.images.get(f"raw/{edit.edit_key}") == b"<html>busy</html>"
    assert stage.services.store.images(day_number=1) == ()


def test_a_picture_of_another_shape_is_refused(stage: Stage) -> None:
    wide = NoiseEditor()
    painted(stage, "a moon")
    answer = BadPicture(
        lambda request: wide.edit(replace(request, width=request.width * 2), sending=lambda: None).image
    )
    assert stage.with_services(editor=answer).collect().edits.failed == 1


def test_a_picture_that_was_paid_for_and_cannot_be_used_keeps_its_cost(stage: Stage) -> None:
    wide = NoiseEditor()
    painted(stage, "a moon")
    answer = BadPicture(
        lambda request: wide.edit(replace(request, width=request.width * 2), sending=lambda: None).image
    )
    answer.worst_case_usd = Usd("0.25")
    stage.with_services(editor=answer).collect()
    (edit,) = stage.services.store.edits(GENERATION)
    assert (edit.state, edit.cost_usd) == (EditState.FAILED, Usd("0.25"))


def test_paid_edits_wait_for_permission_with_the_amount_named(stage: Stage) -> None:
    painted(stage, "a moon", "a star")
    stage.allows = False
    done = stage.collect()
    assert (done.edits.made, done.edits.waiting) == (0, 2)
    assert [str(amount) for amount, _ in stage.spending] == ["0.50"]
    assert stage.editor.requests == []

    stage.allows = True
    assert stage.collect().edits.made == 2


class OvertakenEditor(NoiseEditor):
    """While it works, its collector is taken for dead, and another one collects."""

    def __init__(self, stage: Stage, *, after_sending: bool) -> None:
        super().__init__(worst_case_usd="0.25")
        self._stage, self._after_sending = stage, after_sending

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        if self._after_sending:
            sending()
        self._stage.clock.advance(timedelta(minutes=10))
        self._stage.collect()
        return super().edit(request, sending=(lambda: None) if self._after_sending else sending)


def test_a_collector_that_was_taken_for_dead_makes_no_second_image(stage: Stage) -> None:
    painted(stage, "a moon")
    late = stage.with_services(editor=OvertakenEditor(stage, after_sending=True))
    done = collect(late.services, owner="slow", may_spend=lambda _amount, _what: True)
    assert done.edits.made == 0
    assert len(stage.services.store.images(day_number=1)) == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.UNKNOWN, 1)]


def test_a_collector_that_lost_its_edit_sends_nothing(stage: Stage) -> None:
    painted(stage, "a moon")
    slow = OvertakenEditor(stage, after_sending=False)
    collect(stage.with_services(editor=slow).services, owner="slow", may_spend=lambda _amount, _what: True)
    assert slow.requests == []
    assert edit_states(stage) == [("a moon", EditState.DONE, 1)]


def test_an_answer_that_came_late_saves_the_next_attempt(stage: Stage) -> None:
    painted(stage, "a moon")
    killed = KilledEditor()
    with pytest.raises(Killed):
        stage.with_services(editor=killed).collect()
    (first,) = stage.services.store.edits(GENERATION)
    answer = NoiseEditor().edit(killed.requests[0], sending=lambda: None)
    stage.services.images.put(f"raw/{first.edit_key}", answer.image, content_type="image/png")

    stage.clock.advance(timedelta(minutes=10))
    assert stage.collect().edits.made == 1
    assert stage.editor.requests == []


def test_an_image_names_the_picture_it_was_made_from_also_where_that_answered_an_earlier_attempt(
    stage: Stage,
) -> None:
    painted(stage, "a moon")
    killed = KilledEditor()
    with pytest.raises(Killed):
        stage.with_services(editor=killed).collect()
    (first,) = stage.services.store.edits(GENERATION)
    stage.clock.advance(timedelta(minutes=10))
    stage.editor.script["a moon"] = [EditorBusy("throttled")]
    assert stage.collect().edits.unknown == 1  # the first is given up, and the next has to wait
    answer = NoiseEditor().edit(killed.requests[0], sending=lambda: None)
    stage.services.images.put(f"raw/{first.edit_key}", answer.image, content_type="image/png")

    assert stage.collect().edits.made == 1
    (image,) = stage.services.store.images(day_number=1)
    assert image.raw_path == f"raw/{first.edit_key}"
    assert len(stage.editor.requests) == 1


def test_a_run_that_goes_on_keeps_its_leases(tmp_path: Path) -> None:
    """The lease is shorter than the edit; another collector looks in while it is made."""
    stage = open_stage(tmp_path, rules=replace(RULES, edit_lease=timedelta(seconds=0.3)))
    painted(stage, "a moon")
    claims = []

    class SlowEditor(NoiseEditor):
        def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
            stage.clock.advance(timedelta(seconds=0.25))
            renewed.wait(timeout=10)
            stage.clock.advance(timedelta(seconds=0.25))
            store, now = stage.services.store, stage.clock.now()
            claims.append(store.claim_edit(owner="other", now=now, lease=timedelta(seconds=1)))
            return super().edit(request, sending=sending)

    renewed = Event()
    store = Interposed(stage.services.store, "renew_leases", after=renewed.set)
    done = stage.with_services(editor=SlowEditor(), store=store).collect()
    assert claims == [None]
    assert done.edits.made == 1


def test_an_interrupted_run_begins_no_further_edit(stage: Stage) -> None:
    painted(stage, "a moon", "a star", "a sun", "a sea")
    noticed = Event()

    def ctrl_c(_number: int, _frame: object) -> None:
        noticed.set()
        raise KeyboardInterrupt

    class Interrupting(NoiseEditor):
        def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
            if not interrupted.is_set():
                interrupted.set()
                os.kill(os.getpid(), signal.SIGINT)
                assert noticed.wait(timeout=30)
                Event().wait(0.5)  # until the main thread has told the others
            return super().edit(request, sending=sending)

    interrupted, editor = Event(), Interrupting()
    editor.parallel = 1
    before = signal.signal(signal.SIGINT, ctrl_c)
    try:
        with pytest.raises(KeyboardInterrupt):
            stage.with_services(editor=editor).collect()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(editor.requests) < 4
    assert stage.collect().edits.made == 4 - len(editor.requests)


class OtherEditor(NoiseEditor):
    """Another one, as after a change of the settings."""

    name = "other"


def test_an_edit_goes_to_the_editor_of_the_day_and_carries_its_name(stage: Stage) -> None:
    painted(stage, "a moon")
    stage.allows = False
    stage.collect()
    stage.allows = True
    done = stage.with_services(editor=OtherEditor()).collect()
    (image,) = stage.services.store.images(day_number=1)
    assert (done.edits.made, image.editor) == (1, "other")
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.FAILED, 1)]


def test_a_picture_that_was_begun_by_one_editor_is_not_finished_as_anothers(stage: Stage) -> None:
    painted(stage, "a moon")
    broken = Interposed(stage.services.images, "put", after=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(images=broken).collect()
    stage.clock.advance(timedelta(minutes=10))
    done = stage.with_services(editor=OtherEditor()).collect()
    assert done.edits.waiting == 1
    assert "begun with noise" in (done.edits.stopped or "")
    assert stage.collect().edits.made == 1
