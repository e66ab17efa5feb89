"""A run that stops anywhere is taken up by the next one: nothing twice, nothing lost, and nothing paid for unasked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pixelpatchwork.domain.errors import (
    ConfigurationError,
    CrowdError,
    EditRefused,
    HitGone,
    ImageMissing,
    InsufficientFunds,
)
from pixelpatchwork.domain.model import AssignmentState, EditState, HitId, RoundId, RoundState
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import SubmittedAssignment
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage

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


# ---- what changes in between ----------------------------------------------------------------------------


def test_answers_are_judged_by_the_rules_under_which_they_were_given(stage: Stage) -> None:
    painted(stage, "x" * 150)
    strict = replace(stage.services.rules, answers=replace(RULES.answers, max_prompt=100))
    assert stage.with_services(rules=strict).collect().unusable == 0


def test_a_round_pays_what_its_pages_promise_also_when_it_is_resumed(stage: Stage) -> None:
    crowd = stage.services.crowd
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(crowd, "create_hit", before=failing_on(2, Killed()))).publish()
    generous = replace(RULES.generation, reward_usd=Usd("0.90"))
    stage.with_services(rules=replace(stage.services.rules, generation=generous)).publish()
    for hit in crowd.hits("pixelpatchwork"):
        shown = crowd._client.get_hit(HITId=hit.hit_id)["HIT"]  # type: ignore[attr-defined]
        assert shown["Reward"] == "0.25"
        assert "$0.25" in shown["Question"]
        assert "$0.90" not in shown["Question"]


def test_a_round_belongs_to_the_marketplace_it_was_published_on(stage: Stage) -> None:
    painted(stage, "a moon")
    with pytest.raises(ConfigurationError, match="published on tests"):
        stage.with_services(market="mturk-live").collect()


# ---- one thing that fails does not hold up the others ----------------------------------------------------


def test_a_hit_that_is_gone_is_finished_and_the_others_are_collected(stage: Stage) -> None:
    painted(stage, "a moon", "a star", "a sun")
    gone = stage.services.store.hits(GENERATION)[1].hit_id

    class Thinned(Interposed):
        def assignments(self, hit_id: HitId) -> Iterator[SubmittedAssignment]:
            if hit_id == gone:
                raise HitGone("gone")
            return stage.services.crowd.assignments(hit_id)

    done = stage.with_services(crowd=Thinned(stage.services.crowd, "")).collect()
    assert (done.new_answers, done.unread, done.rounds_closed) == (2, 0, 1)


def test_answers_that_are_counted_but_not_yet_listed_are_waited_for(stage: Stage) -> None:
    painted(stage, "a moon", "a star")

    class Lagging(Interposed):
        def assignments(self, hit_id: HitId) -> Iterator[SubmittedAssignment]:
            return iter(list(stage.services.crowd.assignments(hit_id))[:-1])

    stage.clock.advance(timedelta(hours=25))  # expired: nothing more comes
    early = stage.with_services(crowd=Lagging(stage.services.crowd, "")).collect()
    late = stage.collect()
    assert (early.rounds_closed, late.rounds_closed) == (0, 1)
    assert early.new_answers + late.new_answers == 2


def test_a_hit_that_cannot_be_read_is_named_and_read_the_next_time(stage: Stage) -> None:
    painted(stage, "a moon", "a star", "a sun")
    broken = Interposed(stage.services.crowd, "assignments", before=failing_on(1, CrowdError("away")))
    done = stage.with_services(crowd=broken).collect()
    assert (done.unread, done.first_failure) == (1, "away")
    assert done.new_answers + stage.collect().new_answers == 3


def test_an_answer_that_was_rejected_by_hand_does_not_keep_its_round_open(stage: Stage) -> None:
    painted(stage, "a moon", "a star", "a sun", "a sea")
    hit = stage.services.store.hits(GENERATION)[0]
    assert hit.hit_id is not None
    rejected = next(iter(stage.services.crowd.assignments(hit.hit_id))).assignment_id
    client = stage.services.crowd._client  # type: ignore[attr-defined]
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="by hand")
    done = stage.collect()
    assert (done.paid, done.decided_elsewhere, done.unpaid, done.rounds_closed) == (3, 1, 0, 1)
    (told,) = [event for event in stage.services.store.events() if event.kind == "not_approved"]
    assert told.subject == rejected
    became = {one.assignment_id: one.settlement for one in stage.services.store.assignments(GENERATION)}
    assert became[rejected] == "rejected"


def test_a_resumed_round_needs_funds_only_for_what_is_missing(stage: Stage) -> None:
    crowd = stage.services.crowd
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(crowd, "create_hit", after=failing_on(2, Killed()))).publish()

    class Poor(Interposed):
        def balance(self) -> Usd:
            return Usd(0)

    assert stage.with_services(crowd=Poor(crowd, "")).publish().found == 1


def test_a_round_whose_picture_is_lost_is_not_published(stage: Stage) -> None:
    class Emptied(Interposed):
        def exists(self, key: str) -> bool:
            return not key.startswith("full/")

    with pytest.raises(ImageMissing, match="full/"):
        stage.with_services(images=Emptied(stage.services.images, "")).publish()
    assert stage.services.store.rounds() == ()
