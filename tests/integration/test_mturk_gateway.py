"""The gateway over the wire: what it sends, and what it makes of every kind of answer.

The answers are those recorded from Mechanical Turk; botocore's `before-send` hook hands them out, so that
the real client signs, sends, parses and retries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pixelpatchwork.adapters.mturk import MTurkCrowd
from pixelpatchwork.domain.errors import CrowdError
from pixelpatchwork.domain.model import AssignmentId, HitId
from tests.support.turk import (
    ENDPOINT,
    NOW,
    REQUEST,
    SPEC,
    Turk,
    assignment,
    crowd_at,
    hit,
)


@pytest.fixture
def turk() -> Turk:
    return Turk()


@pytest.fixture
def crowd(turk: Turk) -> MTurkCrowd:
    return crowd_at(turk, ENDPOINT)


# ---- what goes out --------------------------------------------------------------------------------------


def test_a_hit_type_goes_out_with_exact_money_and_whole_seconds(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("CreateHITType", {"HITTypeId": "TYPE1"})

    assert crowd.ensure_hit_type(SPEC) == "TYPE1"
    assert turk.calls == [
        (
            "CreateHITType",
            {
                "Title": "Repaint a patch",
                "Description": "Mask a part and say what to paint",
                "Keywords": "art, image",
                "Reward": "0.50",
                "AssignmentDurationInSeconds": 1200,
                "AutoApprovalDelayInSeconds": 259_200,
            },
        )
    ]


def test_a_hit_goes_out_with_its_token_and_its_annotation(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("CreateHITWithHITType", {"HIT": {"HITId": "HIT1"}})

    assert crowd.create_hit(REQUEST) == "HIT1"
    _, sent = turk.calls[0]
    assert sent["UniqueRequestToken"] == REQUEST.token
    assert sent["RequesterAnnotation"] == REQUEST.annotation
    assert sent["LifetimeInSeconds"] == 86_400


def test_an_expiry_is_a_time_long_gone(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("UpdateExpirationForHIT", {})

    crowd.expire(HitId("HIT1"))

    assert turk.calls == [("UpdateExpirationForHIT", {"HITId": "HIT1", "ExpireAt": 0})]


def test_an_approval_never_overrides_a_rejection(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("ApproveAssignment", {})

    crowd.approve(AssignmentId("ASSIGNMENT1"))

    assert turk.calls == [("ApproveAssignment", {"AssignmentId": "ASSIGNMENT1", "OverrideRejection": False})]


# ---- what comes back ------------------------------------------------------------------------------------


def test_the_balance_is_exact(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("GetAccountBalance", {"AvailableBalance": "10000.10"})

    assert crowd.balance() == Decimal("10000.10")


def test_times_come_back_in_utc(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("GetHIT", {"HIT": hit(1)})

    expires_at = crowd.hit(HitId("HIT1")).expires_at

    assert expires_at == datetime.fromtimestamp(NOW, UTC)
    assert expires_at.tzinfo is UTC


def test_all_pages_of_hits_are_read_and_only_ours_given(turk: Turk, crowd: MTurkCrowd) -> None:
    strange = {key: value for key, value in hit(9).items() if key != "RequesterAnnotation"}
    turk.answers(
        "ListHITs",
        {"NextToken": "2", "HITs": [hit(1), strange]},
        {"NextToken": "3", "HITs": [hit(2, RequesterAnnotation="another study")]},
        {"NextToken": "4", "HITs": [hit(3)]},
        {},
    )

    assert [found.hit_id for found in crowd.hits("study:")] == ["HIT1", "HIT3"]
    assert [sent for _, sent in turk.calls][:2] == [
        {"MaxResults": 100},
        {"MaxResults": 100, "NextToken": "2"},
    ]


def test_assignments_come_earliest_first_over_all_pages(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers(
        "ListAssignmentsForHIT",
        {"NextToken": "2", "Assignments": [assignment(3, AssignmentStatus="Approved"), assignment(1)]},
        {"Assignments": [assignment(2, AssignmentStatus="Rejected")]},
    )

    answers = list(crowd.assignments(HitId("HIT1")))

    assert [answer.assignment_id for answer in answers] == ["ASSIGNMENT1", "ASSIGNMENT2", "ASSIGNMENT3"]
    assert [(answer.is_approved, answer.is_rejected) for answer in answers] == [
        (False, False),
        (False, True),
        (True, False),
    ]


def test_an_assignment_without_an_answer_has_an_empty_one(turk: Turk, crowd: MTurkCrowd) -> None:
    silent = {key: value for key, value in assignment(1).items() if key != "Answer"}
    turk.answers("ListAssignmentsForHIT", {"Assignments": [silent]})

    assert [answer.answer for answer in crowd.assignments(HitId("HIT1"))] == [""]


@pytest.mark.parametrize(
    ("status", "pending", "is_finished"),
    [
        ("Assignable", 0, False),
        ("Unassignable", 1, False),
        ("Reviewable", 0, True),
        ("Reviewable", 1, False),
        ("Reviewing", 0, True),
        ("Disposed", 0, True),
    ],
)
def test_a_hit_is_finished_when_nothing_more_can_come(
    turk: Turk, crowd: MTurkCrowd, status: str, pending: int, *, is_finished: bool
) -> None:
    turk.answers("GetHIT", {"HIT": hit(1, HITStatus=status, NumberOfAssignmentsPending=pending)})

    assert crowd.hit(HitId("HIT1")).is_finished is is_finished


# ---- a repeat is a success ------------------------------------------------------------------------------

TOO_LATE = "This operation can be called with a status of: Submitted (1624047673969)"
TOO_EARLY = "This operation can be called with a status of: Reviewable,Approved,Rejected (1624047673969)"


def test_approving_what_was_approved_in_the_meantime_is_success(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("ApproveAssignment", "InvalidAssignmentState", TOO_LATE)
    turk.answers("GetAssignment", {"Assignment": assignment(1, AssignmentStatus="Approved")})

    crowd.approve(AssignmentId("ASSIGNMENT1"))


def test_approving_right_after_the_submit_asks_to_try_later(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("ApproveAssignment", "InvalidAssignmentState", "called with a status of: null")
    turk.refuses("GetAssignment", "InvalidAssignmentState", TOO_EARLY)

    with pytest.raises(CrowdError, match=r"ASSIGNMENT1 cannot be approved yet\. Run again .*: ppw collect"):
        crowd.approve(AssignmentId("ASSIGNMENT1"))


def test_approving_what_someone_rejected_is_reported(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("ApproveAssignment", "InvalidAssignmentState", TOO_LATE)
    turk.answers("GetAssignment", {"Assignment": assignment(1, AssignmentStatus="Rejected")})

    with pytest.raises(CrowdError, match="was rejected outside this program"):
        crowd.approve(AssignmentId("ASSIGNMENT1"))


def test_expiring_twice_is_success(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses(
        "UpdateExpirationForHIT", "Whatever", 'The idempotency token "HIT10" has already been processed.'
    )

    crowd.expire(HitId("HIT1"))


@pytest.mark.parametrize(
    ("operation", "call"), [("DeleteHIT", "delete"), ("UpdateExpirationForHIT", "expire")]
)
def test_what_is_disposed_of_needs_no_deletion_and_no_expiry(
    turk: Turk, crowd: MTurkCrowd, operation: str, call: str
) -> None:
    turk.refuses(operation, "InvalidHITState", "This HIT is currently in the state 'Disposed'.")
    turk.answers("GetHIT", {"HIT": hit(1, HITStatus="Disposed")})

    getattr(crowd, call)(HitId("HIT1"))


def test_deleting_what_is_gone_is_success(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("DeleteHIT", "HITDoesNotExist", "Hit HIT1 does not exist. (1624047673969)")

    crowd.delete(HitId("HIT1"))


def test_deleting_what_is_still_at_work_is_refused(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("DeleteHIT", "InvalidHITState", "This HIT is currently in the state 'Assignable'.")
    turk.answers("GetHIT", {"HIT": hit(1)})

    with pytest.raises(
        CrowdError, match="refused DeleteHIT: This HIT is currently in the state 'Assignable'"
    ):
        crowd.delete(HitId("HIT1"))
