"""The requester's word on answers that are held, and what becomes of those that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.attention import BROKEN_LIKED
from pixelpatchwork.domain.errors import CrowdError, NothingToDo, PatchworkError
from pixelpatchwork.domain.judging import Policy
from pixelpatchwork.domain.model import Assignment, AssignmentId, RoundState, Settlement, Verdict
from pixelpatchwork.domain.store import ROUND_CANCELLED
from pixelpatchwork.workflow.cancel import cancel_round, plan_cancel
from pixelpatchwork.workflow.judge import BANNED
from pixelpatchwork.workflow.people import ban
from pixelpatchwork.workflow.review import Ruling, review
from pixelpatchwork.workflow.settle import PAID_BY_TIME
from tests.support.interposed import Interposed, failing_on
from tests.support.judging import (
    BOTH,
    GENERATION,
    VOTING,
    diary,
    everything_up,
    judged_stages,
    painted,
    pay,
    voted,
)
from tests.support.study import Stage


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    with judged_stages(tmp_path) as stage:
        yield stage


def decide(stage: Stage, answer: Assignment, ruling: Ruling, reason: str = "") -> object:
    return review(stage.services, [answer.assignment_id], ruling=ruling, reason=reason)


def found(stage: Stage, answer: Assignment) -> Assignment:
    rounds = stage.services.store.rounds()
    return next(
        one
        for round_ in rounds
        for one in stage.services.store.assignments(round_.round_id)
        if one.assignment_id == answer.assignment_id
    )


def test_what_is_left_out_is_paid_at_once_and_the_round_closes(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.LEAVE_OUT)
    assert (done.decided, done.paid, done.rejected) == ((answer.assignment_id,), 1, 0)
    assert found(stage, answer).settlement is Settlement.APPROVED
    assert pay(stage, answer) is Settlement.APPROVED
    assert stage.collect().rounds_closed == 1


def test_what_is_rejected_is_not_paid_and_the_worker_reads_why(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.REJECT, reason="There is no prompt.")
    assert (done.paid, done.rejected) == (0, 1)
    after = found(stage, answer)
    assert (after.verdict, after.settlement, after.reason) == (
        Verdict.UNUSABLE,
        Settlement.REJECTED,
        "There is no prompt.",
    )
    assert pay(stage, answer) is Settlement.REJECTED
    assert stage.collect().rounds_closed == 1


def test_a_rejection_without_a_reason_is_refused(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    with pytest.raises(PatchworkError, match="--reason"):
        decide(stage, answer, Ruling.REJECT, "  ")
    assert found(stage, answer).verdict is Verdict.HELD


def test_an_accepted_ballot_counts_though_it_failed_its_checks(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answers = voted(stage, everything_up)
    assert answers["Eve"].verdict is Verdict.HELD
    decide(stage, answers["Eve"], Ruling.ACCEPT, "She wrote that her screen was dark.")
    after = found(stage, answers["Eve"])
    assert (after.verdict, after.settlement) == (Verdict.USABLE, Settlement.APPROVED)
    assert after.reason == f"{BROKEN_LIKED} She wrote that her screen was dark."
    assert len({vote.user_id for vote in stage.services.store.votes(VOTING)}) == 4
    assert stage.collect().rounds_closed == 1


def test_an_accepted_painting_is_made_though_its_mask_is_too_small(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    strict = replace(stage.services.rules.answers, min_coverage=0.5, max_coverage=0.6)
    stage = stage.with_services(rules=replace(stage.services.rules, answers=strict))
    answer = painted(stage)["Ann"]
    assert answer.verdict is Verdict.HELD
    decide(stage, answer, Ruling.ACCEPT)
    assert stage.collect().edits.made == 1
    assert pay(stage, answer) is Settlement.APPROVED


def test_what_cannot_be_read_cannot_be_accepted_and_stays_held(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.ACCEPT)
    ((key, why),) = done.unusable
    assert (key, done.decided) == (answer.assignment_id, ())
    assert "no prompt" in why
    assert found(stage, answer).verdict is Verdict.HELD


def test_what_a_banned_user_handed_in_cannot_be_accepted(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answer = voted(stage, everything_up)["Eve"]
    ban(stage.services, answer.user_id, is_banned=True)
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.ACCEPT)
    assert done.unusable == ((answer.assignment_id, BANNED),)


def test_nothing_of_a_cancelled_round_is_held(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    stage.publish()
    stage.paint("Ann", "")
    stage.services.store.mark_round_cancelled(GENERATION, at=stage.clock.now())
    assert stage.collect(close=True).held == 0
    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.APPROVED]


def test_what_was_held_before_its_round_was_cancelled_is_left_out_and_paid(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = cancel_round(plan_cancel(stage.services), stage.services, owner="test")
    after = found(stage, answer)
    assert (after.verdict, after.settlement) == (Verdict.UNUSABLE, Settlement.APPROVED)
    assert (after.reason or "").endswith(ROUND_CANCELLED)
    assert pay(stage, answer) is Settlement.APPROVED
    assert done.round.state is RoundState.CLOSED
    assert done.collected is not None
    assert (done.collected.paid, done.collected.unusable, done.collected.held) == (1, 1, 0)


def test_a_held_answer_of_a_cancelled_round_that_was_rejected_by_hand_stays_rejected(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.services.crowd.reject(answer.assignment_id, feedback="By hand.")
    stage.services.store.mark_round_cancelled(GENERATION, at=stage.clock.now())
    assert stage.collect().rounds_closed == 1
    assert found(stage, answer).settlement is Settlement.REJECTED


def test_all_that_is_held_may_be_left_out_at_once(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    painted(stage, "Bob", "Cem")
    done = review(stage.services, None, ruling=Ruling.LEAVE_OUT)
    assert (len(done.decided), done.paid) == (2, 2)
    with pytest.raises(NothingToDo, match="ppw status"):
        review(stage.services, None, ruling=Ruling.LEAVE_OUT)


def test_an_answer_that_is_not_held_cannot_be_decided_and_nothing_else_is(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answers = painted(stage, "Bob")
    wanted = [answers["Bob"].assignment_id, AssignmentId("3NOBODY")]
    with pytest.raises(PatchworkError, match="3NOBODY"):
        review(stage.services, wanted, ruling=Ruling.LEAVE_OUT)
    assert found(stage, answers["Bob"]).verdict is Verdict.HELD


@pytest.mark.parametrize("ruling", list(Ruling))
def test_a_decision_survives_a_marketplace_that_is_away(staged: Callable[..., Stage], ruling: Ruling) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answer = voted(stage, everything_up)["Eve"]
    call = "reject" if ruling is Ruling.REJECT else "approve"
    away = Interposed(stage.services.crowd, call, before=failing_on(1, CrowdError("away")))
    services = replace(stage.services, crowd=away)
    done = review(services, [answer.assignment_id], ruling=ruling, reason="So be it.")
    assert (done.unpaid, done.failure) == (1, "away")
    collected = stage.collect()
    expected = Settlement.REJECTED if ruling is Ruling.REJECT else Settlement.APPROVED
    assert found(stage, answer).settlement is expected is pay(stage, answer)
    assert (collected.rejected, collected.paid) == ((1, 0) if ruling is Ruling.REJECT else (0, 1))


def test_a_rejection_that_time_has_overtaken_is_a_payment(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.clock.advance(timedelta(days=4))
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.REJECT, reason="Too late.")
    assert (done.rejected, done.paid, done.overtaken) == (0, 1, (answer.assignment_id,))
    assert found(stage, answer).settlement is Settlement.APPROVED
    assert [key for key, _ in diary(stage, "not_rejected")] == [answer.assignment_id]


def test_a_held_answer_that_time_has_paid_is_left_out_by_the_next_collect(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.clock.advance(timedelta(days=4))
    done = stage.collect()
    after = found(stage, answer)
    assert (after.verdict, after.settlement) == (Verdict.UNUSABLE, Settlement.APPROVED)
    assert (after.reason or "").endswith(PAID_BY_TIME)
    assert (done.held, done.rounds_closed) == (0, 1)


def test_a_held_answer_that_was_rejected_by_hand_stays_rejected(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.services.crowd.reject(answer.assignment_id, feedback="By hand.")
    stage.collect()
    assert found(stage, answer).settlement is Settlement.REJECTED


def test_held_answers_wait_where_the_marketplace_cannot_be_asked(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    painted(stage, "Bob")
    away = Interposed(stage.services.crowd, "settlement", before=failing_on(1, CrowdError("away")))
    done = stage.with_services(crowd=away).collect()
    assert (done.held, done.unread, done.first_failure) == (1, 1, "away")
