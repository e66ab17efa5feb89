"""A run that stops anywhere is taken up by the next one: nothing twice, nothing lost, and nothing paid for unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pixelpatchwork.domain.errors import (
    CrowdError,
    EditorBusy,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
    InsufficientFunds,
)
from pixelpatchwork.domain.model import AssignmentState, EditState, RoundId, RoundState
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.workflow.collect import collect
from tests.support.study import RULES, NoiseEditor, Stage, open_stage

GENERATION = RoundId("day-1-generation")


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Interposed:
    """A port with something put before or after one of its calls. Once killed, no call goes through any more."""

    def __init__(self, inner: Any, call: str, *, before: Any = None, after: Any = None) -> None:
        self._inner, self._call, self._before, self._after = inner, call, before, after
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._around(method) if name == self._call else method

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self._is_dead:
                raise Killed
            try:
                if self._before is not None:
                    self._before()
                answer = method(*args, **options)
                if self._after is not None:
                    self._after()
            except Killed:
                self._is_dead = True
                raise
            return answer

        return call


def failing_on(number: int, error: BaseException) -> Callable[[], None]:
    """Raises `error` on the nth call, and only then."""
    calls = count(1)

    def call() -> None:
        if next(calls) == number:
            raise error

    return call


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    stage.editor.parallel = 1
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def painted(stage: Stage, *prompts: str) -> None:
    stage.publish()
    for number, prompt in enumerate(prompts):
        stage.paint(f"Worker {number}", prompt)


def edit_states(stage: Stage) -> list[tuple[str, EditState, int]]:
    return sorted((edit.prompt, edit.state, edit.attempt) for edit in stage.services.store.edits(GENERATION))


# ---- publishing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_the_deed", [False, True])
def test_a_round_stopped_half_way_is_completed_without_a_second_hit(
    stage: Stage, after_the_deed: bool
) -> None:
    kill = failing_on(2, Killed())
    crowd = stage.services.crowd
    broken = Interposed(crowd, "create_hit", **({"after": kill} if after_the_deed else {"before": kill}))
    with pytest.raises(Killed):
        stage.with_services(crowd=broken).publish()
    assert stage.services.store.rounds()[0].state is RoundState.PLANNED

    published = stage.publish()

    assert (published.created, published.found) == ((0, 1) if after_the_deed else (1, 0))
    assert len(list(crowd.hits("pixelpatchwork"))) == 2
    assert stage.services.store.rounds()[0].state is RoundState.OPEN


def test_a_hit_whose_token_was_used_is_found_by_its_annotation(stage: Stage) -> None:
    """The marketplace lists nothing at first, and then says that the HIT exists."""
    crowd = stage.services.crowd
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(crowd, "create_hit", after=failing_on(1, Killed()))).publish()

    class Forgetful(Interposed):
        listed = iter([[]])

        def hits(self, annotation_prefix: str) -> Any:
            return iter(next(self.listed, None) or list(crowd.hits(annotation_prefix)))

    published = stage.with_services(crowd=Forgetful(crowd, "")).publish()
    assert (published.created, published.found) == (1, 1)
    assert len(list(crowd.hits("pixelpatchwork"))) == 2


def test_funds_that_run_out_half_way_leave_a_round_that_can_be_completed(stage: Stage) -> None:
    broken = Interposed(
        stage.services.crowd, "create_hit", before=failing_on(2, InsufficientFunds("none left"))
    )
    with pytest.raises(InsufficientFunds):
        stage.with_services(crowd=broken).publish()
    assert stage.publish().created == 1


# ---- approving ------------------------------------------------------------------------------------------


def test_an_approval_that_fails_is_not_recorded_and_is_repeated(stage: Stage) -> None:
    painted(stage, "a moon", "a star")
    broken = Interposed(stage.services.crowd, "approve", before=failing_on(1, CrowdError("status of: null")))
    done = stage.with_services(crowd=broken).collect()
    assert (done.paid, done.unpaid, done.first_failure) == (1, 1, "status of: null")
    states = [answer.state for answer in stage.services.store.assignments(GENERATION)]
    assert sorted(states) == [AssignmentState.JUDGED, AssignmentState.SETTLED]

    assert stage.collect().paid == 1


def test_a_run_killed_after_an_approval_finds_it_done(stage: Stage) -> None:
    painted(stage, "a moon")
    broken = Interposed(stage.services.crowd, "approve", after=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(crowd=broken).collect()
    balance = stage.services.crowd.balance()

    assert stage.collect().paid == 1
    assert stage.services.crowd.balance() == balance


def test_a_worker_is_paid_whatever_the_editor_says(stage: Stage) -> None:
    painted(stage, "a moon")
    stage.editor.script["a moon"] = [EditRefused("moderation")]
    done = stage.collect()
    assert (done.paid, done.edits.made, done.edits.failed) == (1, 0, 1)


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
    done = stage.collect()
    assert (done.edits.made, done.edits.unknown) == (1, 1)
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.UNKNOWN, 1)]


def test_a_second_unknown_outcome_is_the_last(stage: Stage) -> None:
    painted(stage, "a moon")
    stage.editor.script["a moon"] = [EditOutcomeUnknown("lost"), EditOutcomeUnknown("lost again")]
    done = stage.collect(close=True)
    assert (done.edits.made, done.edits.unknown, done.rounds_closed) == (0, 2, 1)
    assert len(stage.editor.requests) == 2


class KilledEditor(NoiseEditor):
    """Dies with the request on its way."""

    def edit(self, request: EditRequest) -> EditResult:
        super().edit(request)
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

    def edit(self, request: EditRequest) -> EditResult:
        return replace(super().edit(request), image=self._answer(request))


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
    answer = BadPicture(lambda request: wide.edit(replace(request, width=request.width * 2)).image)
    assert stage.with_services(editor=answer).collect().edits.failed == 1


def test_paid_edits_wait_for_permission_with_the_amount_named(stage: Stage) -> None:
    stage.editor.worst_case_usd = type(stage.editor.worst_case_usd)("0.25")
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

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def edit(self, request: EditRequest) -> EditResult:
        self._stage.clock.advance(timedelta(minutes=10))
        self._stage.collect()
        return super().edit(request)


def test_a_collector_that_was_taken_for_dead_makes_no_second_image(stage: Stage) -> None:
    painted(stage, "a moon")
    late = stage.with_services(editor=OvertakenEditor(stage))
    done = collect(late.services, owner="slow", may_spend=lambda _amount, _what: True)
    assert done.edits.made == 0
    assert len(stage.services.store.images(day_number=1)) == 1
    assert edit_states(stage) == [("a moon", EditState.DONE, 2), ("a moon", EditState.UNKNOWN, 1)]


def test_an_answer_that_came_late_saves_the_next_attempt(stage: Stage) -> None:
    painted(stage, "a moon")
    killed = KilledEditor()
    with pytest.raises(Killed):
        stage.with_services(editor=killed).collect()
    (first,) = stage.services.store.edits(GENERATION)
    answer = NoiseEditor().edit(killed.requests[0])
    stage.services.images.put(f"raw/{first.edit_key}", answer.image, content_type="image/png")

    stage.clock.advance(timedelta(minutes=10))
    assert stage.collect().edits.made == 1
    assert stage.editor.requests == []


def test_a_run_that_goes_on_keeps_its_leases(tmp_path: Path) -> None:
    """The lease is shorter than the edit; another collector looks in while it is made."""
    stage = open_stage(tmp_path, rules=replace(RULES, edit_lease=timedelta(seconds=0.3)))
    painted(stage, "a moon")
    claims = []

    class SlowEditor(NoiseEditor):
        def edit(self, request: EditRequest) -> EditResult:
            stage.clock.advance(timedelta(seconds=0.25))
            renewed.wait(timeout=10)
            stage.clock.advance(timedelta(seconds=0.25))
            store, now = stage.services.store, stage.clock.now()
            claims.append(store.claim_edit(owner="other", now=now, lease=timedelta(seconds=1)))
            return super().edit(request)

    renewed = Event()
    store = Interposed(stage.services.store, "renew_leases", after=renewed.set)
    done = stage.with_services(editor=SlowEditor(), store=store).collect()
    assert claims == [None]
    assert done.edits.made == 1
