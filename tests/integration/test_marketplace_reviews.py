"""Review policies at work, as a requester sees them: what was approved, rejected, extended, and what was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import START, Bench, bench, refusal

CODE = "AWS.MechanicalTurk."


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def policy(name: str, values: dict[str, str], *more: dict[str, Any]) -> dict[str, Any]:
    parameters = [{"Key": key, "Values": [value]} for key, value in values.items()]
    return {"PolicyName": name, "Parameters": [*parameters, *more]}


def known(**values: str) -> dict[str, Any]:
    key = {"Key": "AnswerKey", "MapEntries": [{"Key": "colour", "Values": ["red"]}]}
    return policy("ScoreMyKnownAnswers/2011-09-01", values, key)


def plurality(**values: str) -> dict[str, Any]:
    base = {"QuestionIds": "colour", "QuestionAgreementThreshold": "50"}
    return policy("SimplePlurality/2011-09-01", base | values)


def status(market: Bench, assignment_id: str) -> str:
    return str(market.client.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"])


def report(market: Bench, hit_id: str, level: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """(results as key, question, value; actions as name, target, status, error code), in order."""
    found = market.client.list_review_policy_results_for_hit(HITId=hit_id, MaxResults=100)[
        f"{level}ReviewReport"
    ]
    results = [(item["Key"], item.get("QuestionId", ""), item["Value"]) for item in found["ReviewResults"]]
    actions = [
        (item["ActionName"], item["TargetType"], item["Status"], item.get("ErrorCode", ""))
        for item in found["ReviewActions"]
    ]
    return results, actions


@pytest.mark.parametrize(
    ("colour", "expected", "action"), [("red", "Approved", "approve"), ("blue", "Rejected", "reject")]
)
def test_a_known_answer_decides_as_soon_as_it_is_handed_in(
    market: Bench, colour: str, expected: str, action: str
) -> None:
    rules = known(
        ApproveIfKnownAnswerScoreIsAtLeast="100",
        RejectIfKnownAnswerScoreIsLessThan="50",
        RejectReason="It was red.",
    )
    hit_id = market.hit(AssignmentReviewPolicy=rules, MaxAssignments=1)

    assignment_id = market.worker().work(hit_id, colour=colour)

    right = str(int(colour == "red"))
    score = "100" if colour == "red" else "0"
    assert status(market, assignment_id) == expected
    assert report(market, hit_id, "Assignment") == (
        [("KnownAnswerCorrect", "colour", right), ("KnownAnswerScore", "", score)],
        [("review", "Assignment", "Succeeded", ""), (action, "Assignment", "Succeeded", "")],
    )


def test_a_wrong_known_answer_asks_one_more_worker_up_to_the_limit(market: Bench) -> None:
    rules = known(
        ExtendIfKnownAnswerScoreIsLessThan="100",
        ExtendMaximumAssignments="2",
        ExtendMinimumTimeInSeconds="172800",
    )
    hit_id = market.hit(AssignmentReviewPolicy=rules, MaxAssignments=1)

    market.worker().work(hit_id, colour="blue")
    extended = market.get(hit_id)
    market.worker().work(hit_id, colour="blue")

    assert (extended["HITStatus"], extended["MaxAssignments"]) == ("Assignable", 2)
    assert extended["Expiration"] == START + timedelta(days=2)
    assert market.get(hit_id)["MaxAssignments"] == 2
    _, actions = report(market, hit_id, "Assignment")
    assert actions == [("review", "Assignment", "Succeeded", ""), ("extend", "HIT", "Succeeded", "")] * 2


def test_what_cannot_be_done_is_told_with_its_code_and_spoils_no_submit() -> None:
    with bench(opening_balance=1) as market:
        rules = known(ExtendIfKnownAnswerScoreIsLessThan="101", ExtendMaximumAssignments="25")
        hit_id = market.hit(AssignmentReviewPolicy=rules, MaxAssignments=1, Reward="0.80")

        assignment_id = market.worker().work(hit_id, colour="blue")

        assert status(market, assignment_id) == "Submitted"
        assert report(market, hit_id, "Assignment")[1][-1] == (
            "extend",
            "HIT",
            "Failed",
            f"{CODE}InsufficientFunds",
        )
        assert market.balance() == ("0.04", "0.96")


def test_a_policy_never_extends_from_nine_to_ten(market: Bench) -> None:
    rules = known(ExtendIfKnownAnswerScoreIsLessThan="101", ExtendMaximumAssignments="25")
    hit_id = market.hit(AssignmentReviewPolicy=rules, MaxAssignments=9)

    market.worker().work(hit_id, colour="blue")

    failed = report(market, hit_id, "Assignment")[1][-1]
    assert failed[2:] == ("Failed", f"{CODE}InvalidMaximumAssignmentsIncrease")
    assert market.get(hit_id)["MaxAssignments"] == 9


def test_workers_who_agree_are_approved_when_all_have_answered(market: Bench) -> None:
    rules = plurality(
        ApproveIfWorkerAgreementScoreIsAtLeast="100",
        RejectIfWorkerAgreementScoreIsLessThan="50",
        RejectReason="No.",
    )
    hit_id = market.hit(HITReviewPolicy=rules, MaxAssignments=3)

    made = [market.worker().work(hit_id, colour=colour) for colour in ("red", "red", "blue")]

    assert [status(market, assignment_id) for assignment_id in made] == ["Approved", "Approved", "Rejected"]
    results, actions = report(market, hit_id, "HIT")
    assert results[:3] == [
        ("AgreedAnswerFound", "colour", "true"),
        ("AgreedAnswer", "colour", "red"),
        ("AnswerAgreementScore", "colour", "66"),
    ]
    assert ("HitAgreementScore", "", "100") in results
    assert [value for key, _, value in results if key == "WorkerAgreementScore"] == ["100", "100", "0"]
    assert [action[0] for action in actions] == ["approve", "approve", "reject"]


def test_workers_who_disagree_are_followed_by_another_until_the_limit(market: Bench) -> None:
    rules = plurality(
        ExtendIfHITAgreementScoreIsLessThan="100",
        ExtendMaximumAssignments="3",
        ExtendMinimumTimeInSeconds="3600",
    )
    hit_id = market.hit(HITReviewPolicy=rules, MaxAssignments=2)

    for colour in ("red", "blue", "red"):
        market.worker().work(hit_id, colour=colour)

    assert (market.get(hit_id)["MaxAssignments"], market.get(hit_id)["HITStatus"]) == (3, "Reviewable")
    results, actions = report(market, hit_id, "HIT")
    assert [value for key, _, value in results if key == "AgreedAnswerFound"] == ["false", "true"]
    assert [action[0] for action in actions] == ["extend"]


def test_a_hit_that_expires_is_reviewed_with_the_answers_that_are_there(market: Bench) -> None:
    hit_id = market.hit(HITReviewPolicy=plurality(), MaxAssignments=3, LifetimeInSeconds=60)
    market.worker().work(hit_id, colour="red")

    market.clock.advance(seconds=60)

    assert ("HitAgreementScore", "", "100") in report(market, hit_id, "HIT")[0]


def test_who_failed_the_known_answer_does_not_count_in_the_agreement(market: Bench) -> None:
    rules = policy(
        "SimplePlurality/2011-09-01",
        {
            "QuestionIds": "size",
            "QuestionAgreementThreshold": "50",
            "DisregardAssignmentIfKnownAnswerScoreIsLessThan": "100",
        },
    )
    hit_id = market.hit(HITReviewPolicy=rules, AssignmentReviewPolicy=known(), MaxAssignments=2)

    market.worker().work(hit_id, colour="blue", size="small")
    market.worker().work(hit_id, colour="red", size="large")

    results, _ = report(market, hit_id, "HIT")
    assert ("AgreedAnswer", "size", "large") in results
    assert [key for key, _, _ in results].count("WorkerAgreementScore") == 1


def test_an_approval_that_came_first_is_no_failure(market: Bench) -> None:
    rules = plurality(ApproveIfWorkerAgreementScoreIsAtLeast="0")
    hit_id = market.hit(
        HITReviewPolicy=rules,
        AssignmentReviewPolicy=known(ApproveIfKnownAnswerScoreIsAtLeast="0"),
        MaxAssignments=1,
    )

    market.worker().work(hit_id, colour="red")

    found = market.client.list_review_policy_results_for_hit(HITId=hit_id, PolicyLevels=["HIT"])
    (action,) = found["HITReviewReport"]["ReviewActions"]
    assert (action["Status"], action["Result"]) == ("Succeeded", "Already approved")
    assert "AssignmentReviewReport" not in found


def test_pages_count_results_and_actions_together(market: Bench) -> None:
    hit_id = market.hit(AssignmentReviewPolicy=known(), MaxAssignments=2)
    market.submitted(hit_id, 2)
    seen: list[str] = []
    token: dict[str, str] = {}

    while True:
        page = market.client.list_review_policy_results_for_hit(HITId=hit_id, MaxResults=2, **token)
        found = page["AssignmentReviewReport"]
        seen += [item["Key"] for item in found["ReviewResults"]]
        seen += [item["ActionName"] for item in found["ReviewActions"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}

    assert sorted(seen) == sorted(["KnownAnswerCorrect", "KnownAnswerScore", "review"] * 2)
    only_actions = market.client.list_review_policy_results_for_hit(HITId=hit_id, RetrieveResults=False)
    assert only_actions["AssignmentReviewReport"]["ReviewResults"] == []


def test_a_policy_that_cannot_be_applied_makes_no_hit(market: Bench) -> None:
    for wrong in ({"AssignmentReviewPolicy": plurality()}, {"HITReviewPolicy": known()}):
        with pytest.raises(ClientError, match="ReviewPolicy"):
            market.hit(**wrong)
    assert market.client.list_hits()["HITs"] == []
    with refusal("HITDoesNotExist"):
        market.client.list_review_policy_results_for_hit(HITId="3NONE")


def test_a_hit_without_policies_has_nothing_to_report_and_costs_no_more(market: Bench) -> None:
    hit_id = market.hit()

    assert list(market.client.list_review_policy_results_for_hit(HITId=hit_id)) == [
        "HITId",
        "ResponseMetadata",
    ]
