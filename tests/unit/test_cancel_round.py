"""A round that is called off: off the market, paid for, counted nowhere, and free to be published again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.errors import CrowdError, NothingToDo
from pixelpatchwork.domain.model import (
    EditState,
    HitState,
    ImageState,
    RoundId,
    RoundState,
    Settlement,
    Verdict,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import ClosedDay
from pixelpatchwork.domain.store import ROUND_CANCELLED
from pixelpatchwork.insight.status import study_status
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.cancel import Cancelled, cancel_round, plan_cancel
from pixelpatchwork.workflow.publish import plan_round, publish
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage

GENERATION, AGAIN = RoundId("day-1-generation"), RoundId("day-1-generation-2")
VOTING, VOTING_AGAIN = RoundId("day-1-voting"), RoundId("day-1-voting-2")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def cancel(stage: Stage) -> Cancelled:
    return cancel_round(plan_cancel(stage.services), stage.services, owner="test")


def on_the_market(stage: Stage) -> list[str]:
    """The annotations of HITs that a worker can still accept."""
    now = stage.clock.now()
    there = stage.services.crowd.hits("pixelpatchwork")
    return sorted(hit.annotation for hit in there if hit.expires_at > now)


def test_the_hits_are_taken_off_the_market_and_what_came_is_paid_and_left_out(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")

    done = cancel(stage)

    (answer,) = stage.services.store.assignments(GENERATION)
    assert on_the_market(stage) == []
    assert done.expired == 2
    assert (answer.verdict, answer.reason) == (Verdict.UNUSABLE, ROUND_CANCELLED)
    assert answer.settlement is Settlement.APPROVED
    assert "a moon" in answer.raw_answer
    assert stage.editor.requests == []
    assert done.round.is_cancelled
    assert done.round.state is RoundState.CLOSED


def test_the_same_round_is_published_again_at_once(stage: Stage) -> None:
    stage.publish()
    cancel(stage)

    again = stage.publish()

    assert (again.round.round_id, again.created, again.found) == (AGAIN, 2, 0)
    assert on_the_market(stage) == [hit.annotation for hit in stage.services.store.hits(AGAIN)]
    stage.paint("Ann", "a star")
    assert stage.collect().edits.made == 1


def test_a_third_attempt_follows_a_second_cancelling(stage: Stage) -> None:
    for _ in range(2):
        stage.publish()
        cancel(stage)
    assert stage.publish().round.round_id == "day-1-generation-3"
    assert [one.is_cancelled for one in stage.services.store.rounds()] == [True, True, False]


def test_where_nothing_goes_on_there_is_nothing_to_cancel(stage: Stage) -> None:
    with pytest.raises(NothingToDo, match="ppw status"):
        plan_cancel(stage.services)
    stage.publish()
    stage.clock.advance(timedelta(hours=25))
    stage.collect()
    with pytest.raises(NothingToDo):
        plan_cancel(stage.services)


@pytest.mark.parametrize("hours", [1, 25])
def test_a_voting_round_that_an_ended_day_left_on_the_market_is_cancelled(stage: Stage, hours: int) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect(close=True)
    stage.publish()
    end_the_day(stage)
    stage.clock.advance(timedelta(hours=hours))
    if hours > 24:  # nobody can find it any more: what is left of it is collected
        with pytest.raises(NothingToDo):
            plan_cancel(stage.services)
        return
    assert cancel(stage).round.round_id == VOTING
    assert on_the_market(stage) == []


def end_the_day(stage: Stage) -> None:
    """Ends the Day though its voting round is open, as studies may have done before."""
    day = stage.services.current_day()
    tomorrow = replace(day, number=2, date=day.date + timedelta(days=1))
    closed = ClosedDay(
        number=1,
        winner_image_id=day.seed_image_id,
        total_votes=0,
        total_participants=1,
        next_day=tomorrow,
    )
    stage.services.store.advance(closed, at=stage.clock.now())


def test_the_plan_says_what_may_still_be_paid(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect()
    plan = plan_cancel(stage.services)
    assert (plan.answers, plan.wanted) == (1, 4)
    assert plan.at_most.total == 3 * Usd("0.30")
    assert not plan.is_begun
    assert not stage.services.store.rounds()[0].is_cancelled


def test_work_in_flight_is_collected_and_paid_until_the_round_is_settled(stage: Stage) -> None:
    stage.publish()
    at_work = stage.accept("Ann")

    done = cancel(stage)
    assert (done.round.state, done.left.hits, done.left.answers) == (RoundState.OPEN, 1, 0)
    again = stage.publish()
    at_work.submit({"mask": "", "prompt": "a late moon", "consent": "yes"})
    stage.collect()

    first, second = stage.services.store.rounds()
    (late,) = stage.services.store.assignments(GENERATION)
    assert (first.state, second.round_id) == (RoundState.CLOSED, again.round.round_id)
    assert (late.reason, late.settlement) == (ROUND_CANCELLED, Settlement.APPROVED)


def test_status_gives_no_time_until_which_a_withdrawn_hit_could_be_found(stage: Stage) -> None:
    stage.publish()
    stage.accept("Ann")
    cancel(stage)

    found = study_status(stage.services.store)

    assert found is not None
    (round_,) = found.days[0].rounds
    assert (round_.is_cancelled, round_.hits_open, round_.expires_at) == (True, 1, None)


def test_images_of_a_cancelled_round_are_hidden_and_stand_on_no_ballot(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect()
    cancel(stage)
    assert {one.state for one in stage.services.store.images(day_number=1)} == {ImageState.HIDDEN}

    stage.publish()
    stage.paint("Bob", "a star")
    stage.collect(close=True)
    ballots = plan_round(stage.services).hits

    prompts = {one.image_id: one.prompt_text for one in stage.services.store.images()}
    assert {prompts[image_id] for hit in ballots for image_id in hit.images} == {"a star"}


def test_an_edit_that_was_not_sent_is_not_made(stage: Stage) -> None:
    stage.editor.worst_case_usd = Usd("0.25")
    stage.allows = False
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect()

    cancel(stage)
    stage.allows = True
    stage.publish()
    stage.collect()

    (edit,) = stage.services.store.edits(GENERATION)
    assert (edit.state, edit.message) == (EditState.FAILED, ROUND_CANCELLED)
    assert stage.editor.requests == []


def test_votes_of_a_cancelled_round_decide_nothing(stage: Stage) -> None:
    stage.publish()
    for worker in ("Ann", "Bob", "Cem", "Dora"):
        stage.paint(worker, f"a moon by {worker}")
    stage.collect()
    first, second = stage.services.store.images(day_number=1)[:2]
    stage.publish()
    for worker in ("Eve", "Finn"):
        stage.vote(worker, lambda image_id: "up" if image_id == first.image_id else "down")
    stage.collect()
    cancel(stage)
    assert {(one.upvotes, one.downvotes) for one in stage.services.store.images()} == {(0, 0)}

    assert stage.publish().round.round_id == VOTING_AGAIN
    for worker in ("Gus", "Eve", "Hana", "Ira"):
        stage.vote(worker, lambda image_id: "up" if image_id == second.image_id else "skip")
    stage.collect()
    advanced = advance_day(stage.services)

    assert advanced.winner_image_id == second.image_id
    closed = stage.services.store.days()[0]
    assert (closed.total_votes, closed.total_participants) == (4, 8)  # Finn's round counts for nothing


def test_hits_of_a_publish_that_was_stopped_are_found_and_taken_off_the_market(stage: Stage) -> None:
    kill = failing_on(2, Killed())
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(stage.services.crowd, "create_hit", after=kill)).publish()
    assert len(on_the_market(stage)) == 2
    stage.paint("Ann", "a moon")

    done = cancel(stage)

    assert on_the_market(stage) == []
    assert (done.expired, done.round.state) == (2, RoundState.CLOSED)
    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.APPROVED]


def test_hits_that_were_never_published_are_closed(stage: Stage) -> None:
    kill = failing_on(2, Killed())
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(stage.services.crowd, "create_hit", before=kill)).publish()

    assert cancel(stage).expired == 1

    hits = stage.services.store.hits(GENERATION)
    assert [(hit.state, hit.hit_id is None) for hit in hits] == [
        (HitState.CLOSED, False),
        (HitState.CLOSED, True),
    ]


def test_one_hit_that_cannot_be_expired_does_not_hold_up_the_others(stage: Stage) -> None:
    stage.publish()
    broken = Interposed(stage.services.crowd, "expire", before=failing_on(1, CrowdError("Throttled.")))

    done = cancel(stage.with_services(crowd=broken))

    assert (done.expired, done.failures) == (1, ("Throttled.",))
    assert on_the_market(stage) == []  # the pass that collects tried once more


def test_a_cancelling_that_was_stopped_is_taken_up_again(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    for call in ("expire", "assignments", "approve"):
        broken = Interposed(stage.services.crowd, call, before=failing_on(1, Killed()))
        with pytest.raises(Killed):
            cancel(stage.with_services(crowd=broken))
        assert plan_cancel(stage.services).is_begun

    cancel(stage)

    assert on_the_market(stage) == []
    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.APPROVED]
    with pytest.raises(NothingToDo):
        plan_cancel(stage.services)


@pytest.mark.parametrize("after_the_deed", [False, True])
def test_a_round_cancelled_while_it_is_published_leaves_nothing_on_the_market(
    stage: Stage, after_the_deed: bool
) -> None:
    """The cancelling comes right before the second HIT is made, or before it is noted."""
    calls = iter([False, True])

    def meanwhile() -> None:
        if next(calls):
            cancel(stage)

    when = {"after": meanwhile} if after_the_deed else {"before": meanwhile}
    broken = stage.with_services(crowd=Interposed(stage.services.crowd, "create_hit", **when))

    with pytest.raises(NothingToDo, match="cancelled by another run"):
        publish(plan_round(broken.services), broken.services)

    assert on_the_market(stage) == []
    if not after_the_deed:  # else the cancelling itself found it, and had the last word
        assert stage.collect().rounds_closed == 1
    assert [one.state for one in stage.services.store.rounds()] == [RoundState.CLOSED]
    hits = stage.services.store.hits(GENERATION)
    assert {hit.hit_id for hit in hits} == {hit.hit_id for hit in stage.services.crowd.hits("pixelpatchwork")}


def test_a_plan_whose_round_was_cancelled_meanwhile_is_not_published(stage: Stage) -> None:
    kill = failing_on(1, Killed())
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(stage.services.crowd, "create_hit", before=kill)).publish()
    plan = plan_round(stage.services)
    cancel(stage)
    with pytest.raises(NothingToDo, match="cancelled by another run"):
        publish(plan, stage.services)
    assert list(stage.services.crowd.hits("pixelpatchwork")) == []
