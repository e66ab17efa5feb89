"""What rejecting, looking and blocking rely on in the crowd: against a whole marketplace, and its refusals."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.adapters.mturk import LONGEST_FEEDBACK
from pixelpatchwork.crowd.browser import CrowdTrouble
from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere
from pixelpatchwork.domain.model import AssignmentId, Settlement, WorkerId
from pixelpatchwork.domain.ports import SubmittedAssignment
from tests.support.study import Stage, open_stage
from tests.support.turk import ENDPOINT, Turk, crowd_at

NOBODYS = AssignmentId("3NOBODYSASSIGNMENT")
WORKER = WorkerId("AWORKERWHOISNOTNAMED")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path)
    stage.publish()
    stage.paint("Ann", "a moon")
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def submitted(stage: Stage) -> SubmittedAssignment:
    found = [
        answer
        for hit in stage.services.store.hits(stage.services.store.rounds()[0].round_id)
        if hit.hit_id
        for answer in stage.services.crowd.assignments(hit.hit_id)
    ]
    return found[0]


def test_a_rejection_stands_and_may_be_repeated(stage: Stage) -> None:
    crowd, key = stage.services.crowd, submitted(stage).assignment_id
    crowd.reject(key, feedback="Nothing was painted.")
    crowd.reject(key, feedback="Nothing was painted, again.")
    assert submitted(stage).is_rejected
    assert crowd.settlement(key) is Settlement.REJECTED


def test_what_is_approved_cannot_be_rejected_any_more(stage: Stage) -> None:
    crowd, key = stage.services.crowd, submitted(stage).assignment_id
    crowd.approve(key)
    with pytest.raises(DecidedElsewhere, match="the worker is paid"):
        crowd.reject(key, feedback="Too late.")
    assert crowd.settlement(key) is Settlement.APPROVED


def test_any_text_can_be_the_feedback_of_a_rejection(stage: Stage) -> None:
    stage.services.crowd.reject(
        submitted(stage).assignment_id, feedback="Line one\n\x00line\ttwo. " + "x" * 5000
    )
    assert submitted(stage).is_rejected


def test_an_undecided_assignment_has_no_settlement_until_time_has_paid_it(stage: Stage) -> None:
    crowd, key = stage.services.crowd, submitted(stage).assignment_id
    assert crowd.settlement(key) is None
    stage.clock.advance(timedelta(days=3, minutes=1))
    assert crowd.settlement(key) is Settlement.APPROVED


def test_an_assignment_that_is_gone_is_lost(stage: Stage) -> None:
    assert stage.services.crowd.settlement(NOBODYS) is Settlement.LOST
    with pytest.raises(DecidedElsewhere):
        stage.services.crowd.reject(NOBODYS, feedback="No.")


def test_a_blocked_worker_finds_no_hit_of_ours_until_he_is_let_back(stage: Stage) -> None:
    crowd, worker = stage.services.crowd, submitted(stage).worker_id
    crowd.block(worker, reason="Banned.")
    crowd.block(worker, reason="Banned again.")
    with pytest.raises(CrowdTrouble):
        stage.paint("Ann", "another moon")
    crowd.unblock(worker, reason="Let back.")
    crowd.unblock(worker, reason="Let back.")
    stage.paint("Ann", "another moon")


# ---- refusals, as the wire brings them ------------------------------------------------------------------


def test_feedback_goes_out_on_one_line_and_no_longer_than_is_taken() -> None:
    turk = Turk()
    turk.answers("RejectAssignment", {})
    crowd_at(turk, ENDPOINT).reject(NOBODYS, feedback="a\n\x07b " + "x" * 5000)
    ((_, sent),) = turk.calls
    assert sent["RequesterFeedback"].startswith("a b xxx")
    assert len(sent["RequesterFeedback"]) == LONGEST_FEEDBACK


def test_a_rejection_that_comes_too_early_is_tried_again_later() -> None:
    turk = Turk()
    refusal = "This operation can be called with a status of: Submitted (1624047673969)"
    turk.refuses("RejectAssignment", "InvalidAssignmentState", refusal)
    turk.refuses("GetAssignment", "InvalidAssignmentState", "...status of: Reviewable,Approved,Rejected")
    with pytest.raises(CrowdError, match="ppw collect") as caught:
        crowd_at(turk, ENDPOINT).reject(NOBODYS, feedback="No.")
    assert not isinstance(caught.value, DecidedElsewhere)


@pytest.mark.parametrize("operation", ["CreateWorkerBlock", "DeleteWorkerBlock"])
def test_a_refused_block_does_not_name_the_worker(operation: str) -> None:
    turk = Turk()
    turk.refuses(operation, "WorkerDoesNotExist", f"Worker {WORKER} does not exist. (1624047673969)")
    crowd = crowd_at(turk, ENDPOINT)
    call = crowd.block if operation == "CreateWorkerBlock" else crowd.unblock
    with pytest.raises(CrowdError, match=r"\[worker\]") as caught:
        call(WORKER, reason="Banned.")
    assert WORKER not in "".join(traceback.format_exception(caught.value))
