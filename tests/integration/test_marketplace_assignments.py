"""Assignments through boto3's real client: their answers, their verdicts, their money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import START, TRANSPORTS, Bench, bench, ledger_balances, refusal


@pytest.fixture(params=TRANSPORTS)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as found:
        yield found


def test_a_submitted_assignment_is_listed_with_its_answer(market: Bench) -> None:
    hit_id = market.hit(AutoApprovalDelayInSeconds=3600)
    ann = market.worker("Ann")
    assignment_id = ann.work(hit_id, prompt="a red kite")

    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]

    assert "<FreeText>a red kite</FreeText>" in assignment.pop("Answer")
    assert assignment == {
        "AssignmentId": assignment_id,
        "WorkerId": ann.worker_id,
        "HITId": hit_id,
        "AssignmentStatus": "Submitted",
        "AcceptTime": START,
        "SubmitTime": START,
        "Deadline": START + timedelta(minutes=10),
        "AutoApprovalTime": START + timedelta(hours=1),
    }


def test_an_assignment_can_be_fetched_with_its_hit(market: Bench) -> None:
    hit_id = market.hit()
    (assignment_id,) = market.submitted(hit_id)

    found = market.client.get_assignment(AssignmentId=assignment_id)

    assert (found["Assignment"]["AssignmentId"], found["HIT"]["HITId"]) == (assignment_id, hit_id)


def test_an_assignment_that_is_not_submitted_yet_is_neither_listed_nor_fetched(market: Bench) -> None:
    hit_id = market.hit()
    assignment_id = market.worker("Ann").accept(hit_id)

    assert market.client.list_assignments_for_hit(HITId=hit_id)["NumResults"] == 0
    text = "This operation can be called with a status of: Reviewable,Approved,Rejected ("
    with refusal("InvalidAssignmentState", text):
        market.client.get_assignment(AssignmentId=assignment_id)


def test_assignments_are_filtered_by_their_status(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=3)
    waiting, good, bad = market.submitted(hit_id, 3)
    market.client.approve_assignment(AssignmentId=good, RequesterFeedback="Lovely.")
    market.client.reject_assignment(AssignmentId=bad, RequesterFeedback="Empty.")

    listed = {
        status: [
            found["AssignmentId"]
            for found in market.client.list_assignments_for_hit(HITId=hit_id, AssignmentStatuses=[status])[
                "Assignments"
            ]
        ]
        for status in ("Submitted", "Approved", "Rejected")
    }

    assert listed == {"Submitted": [waiting], "Approved": [good], "Rejected": [bad]}
    assert market.get(hit_id)["NumberOfAssignmentsCompleted"] == 2


def test_an_approved_assignment_says_when_and_with_what_feedback(market: Bench) -> None:
    (assignment_id,) = market.submitted(market.hit())
    market.clock.advance(minutes=5)

    market.client.approve_assignment(AssignmentId=assignment_id, RequesterFeedback="Lovely.")

    found = market.client.get_assignment(AssignmentId=assignment_id)["Assignment"]
    assert found["AssignmentStatus"] == "Approved"
    assert found["ApprovalTime"] == START + timedelta(minutes=5)
    assert found["RequesterFeedback"] == "Lovely."


def test_approving_twice_is_refused_in_the_recorded_words_and_pays_once(market: Bench) -> None:
    (assignment_id,) = market.submitted(market.hit())
    market.client.approve_assignment(AssignmentId=assignment_id)
    before = market.balance()

    with refusal("InvalidAssignmentState", "This operation can be called with a status of: Submitted ("):
        market.client.approve_assignment(AssignmentId=assignment_id)
    assert market.balance() == before


def test_an_assignment_that_does_not_exist_is_told_in_the_recorded_words(market: Bench) -> None:
    with refusal("AssignmentDoesNotExist", "Assignment 3NOSUCH does not exist. ("):
        market.client.approve_assignment(AssignmentId="3NOSUCH")


def test_a_rejection_pays_nothing_and_reopens_no_slot(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    (assignment_id,) = market.submitted(hit_id)

    market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")

    assert market.balance() == ("10000.00", "0.00")
    assert market.get(hit_id)["HITStatus"] == "Reviewable"
    with refusal("InvalidAssignmentState"):
        market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Again.")


def test_a_rejection_can_be_overridden_within_30_days(market: Bench) -> None:
    (assignment_id,) = market.submitted(market.hit(MaxAssignments=1))
    market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")

    with refusal("InvalidAssignmentState"):
        market.client.approve_assignment(AssignmentId=assignment_id)
    market.client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=True)

    found = market.client.get_assignment(AssignmentId=assignment_id)["Assignment"]
    assert found["AssignmentStatus"] == "Approved"
    assert "RejectionTime" not in found
    assert market.balance() == ("9999.82", "0.00")


def test_a_rejection_stands_after_30_days(market: Bench) -> None:
    (assignment_id,) = market.submitted(market.hit(MaxAssignments=1))
    market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")
    market.clock.advance(days=30)

    with refusal("InvalidAssignmentState"):
        market.client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=True)


def test_a_rejection_stands_after_its_hit_was_deleted(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    (assignment_id,) = market.submitted(hit_id)
    market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")
    market.client.delete_hit(HITId=hit_id)

    with refusal("InvalidAssignmentState"):
        market.client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=True)


def test_what_nobody_decides_approves_itself_when_its_time_has_come(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1, AutoApprovalDelayInSeconds=3600)
    (assignment_id,) = market.submitted(hit_id)
    market.clock.advance(hours=5)

    found = market.client.get_assignment(AssignmentId=assignment_id)["Assignment"]

    assert (found["AssignmentStatus"], found["ApprovalTime"]) == ("Approved", START + timedelta(hours=1))
    assert market.balance() == ("9999.82", "0.00")


def test_a_worker_who_runs_out_of_time_frees_the_slot(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id)
    frame = ann.frame(assignment_id)
    market.clock.advance(seconds=600)

    late = ann.browser.post(
        f"{frame['turkSubmitTo']}/mturk/externalSubmit",
        data={"assignmentId": assignment_id, "prompt": "late"},
    )

    assert (late.status_code, "time for this task is over" in late.text) == (409, True)
    assert market.get(hit_id)["NumberOfAssignmentsAvailable"] == 1


def test_money_is_held_when_a_hit_is_made_and_leaves_when_it_is_approved(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=9)  # 9 times (0.15 + 0.03)
    held = market.balance()
    first, second = market.submitted(hit_id, 2)
    market.client.approve_assignment(AssignmentId=first)
    after_approval = market.balance()
    market.client.reject_assignment(AssignmentId=second, RequesterFeedback="Empty.")
    after_rejection = market.balance()
    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=START)

    assert held == ("9998.38", "1.62")
    assert after_approval == ("9998.38", "1.44")
    assert after_rejection == ("9998.56", "1.26")
    assert market.balance() == ("9999.82", "0.00")


def test_ten_assignments_cost_double_fees(market: Bench) -> None:
    market.hit(MaxAssignments=10)  # 10 times (0.15 + 0.06)

    assert market.balance() == ("9997.90", "2.10")


def test_a_hit_that_costs_more_than_the_balance_is_refused_and_leaves_nothing() -> None:
    with bench(opening_balance=0) as market:
        text = "This Requester has insufficient funds in their account to complete this transaction."
        with refusal("InsufficientFunds", text):
            market.hit()

        assert market.client.list_hits()["HITs"] == []


def test_a_bonus_is_paid_with_its_fee_and_listed(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    ann = market.worker("Ann")
    assignment_id = ann.work(hit_id)
    market.client.approve_assignment(AssignmentId=assignment_id)

    market.client.send_bonus(
        WorkerId=ann.worker_id,
        AssignmentId=assignment_id,
        BonusAmount="0.50",
        Reason="It won.",
        UniqueRequestToken="b",
    )

    bonus = {
        "WorkerId": ann.worker_id,
        "AssignmentId": assignment_id,
        "BonusAmount": "0.50",
        "Reason": "It won.",
        "GrantTime": START,
    }
    assert market.client.list_bonus_payments(AssignmentId=assignment_id)["BonusPayments"] == [bonus]
    assert market.client.list_bonus_payments(HITId=hit_id)["BonusPayments"] == [bonus]
    assert market.balance() == ("9999.22", "0.00")


def test_a_repeated_bonus_with_the_same_token_pays_once(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.work(market.hit())
    request = {
        "WorkerId": ann.worker_id,
        "AssignmentId": assignment_id,
        "BonusAmount": "1.00",
        "Reason": "It won.",
        "UniqueRequestToken": "winner-1",
    }
    market.client.send_bonus(**request)

    with refusal("RequestAlreadyProcessed", 'The idempotency token "winner-1" has already been processed.'):
        market.client.send_bonus(**request)
    assert market.client.list_bonus_payments(AssignmentId=assignment_id)["NumResults"] == 1


def test_a_bonus_to_the_wrong_worker_is_refused(market: Bench) -> None:
    (assignment_id,) = market.submitted(market.hit())

    with refusal("WorkerDoesNotMatchAssignment"):
        market.client.send_bonus(
            WorkerId="A2OTHER", AssignmentId=assignment_id, BonusAmount="1.00", Reason="It won."
        )


def test_a_bonus_of_nothing_is_refused(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.work(market.hit())

    with pytest.raises(ClientError, match="not valid for the parameter BonusAmount"):
        market.client.send_bonus(
            WorkerId=ann.worker_id, AssignmentId=assignment_id, BonusAmount="0", Reason="Nothing."
        )


def test_the_balances_are_what_the_ledger_adds_up_to() -> None:
    with bench() as market:
        hit_id = market.hit(MaxAssignments=4)
        first, second, _third = market.submitted(hit_id, 3)
        market.client.approve_assignment(AssignmentId=first)
        market.client.reject_assignment(AssignmentId=second, RequesterFeedback="Empty.")
        market.client.approve_assignment(AssignmentId=second, OverrideRejection=True)
        market.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=2)
        market.clock.advance(days=40)

        available, held = market.app.extensions["marketplace"].read(ledger_balances)

        assert (f"{available / 100:.2f}", f"{held / 100:.2f}") == market.balance() == ("9999.46", "0.00")
