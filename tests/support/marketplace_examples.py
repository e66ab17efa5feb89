"""An example of each operation on HITs, assignments and money."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import START, hit_request, html_question
from tests.support.marketplace_story import Story, example

QUEUE = {
    "Destination": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "Transport": "SQS",
    "Version": "2014-08-15",
    "EventTypes": ["AssignmentSubmitted", "HITReviewable"],
}
KEY = {"Key": "AnswerKey", "MapEntries": [{"Key": "colour", "Values": ["red"]}]}
KNOWN = {
    "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
    "Parameters": [KEY, {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["100"]}],
}


@example("ApproveAssignment")
def approve_assignment(story: Story) -> None:
    _, assignment_id, _ = story.submitted()

    story.client.approve_assignment(AssignmentId=assignment_id, RequesterFeedback="Thanks.")

    shown = story.client.get_assignment(AssignmentId=assignment_id)["Assignment"]
    assert (shown["AssignmentStatus"], shown["RequesterFeedback"]) == ("Approved", "Thanks.")
    assert shown["ApprovalTime"] == START


@example("RejectAssignment")
def reject_assignment(story: Story) -> None:
    _, assignment_id, _ = story.submitted()

    story.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")

    shown = story.client.get_assignment(AssignmentId=assignment_id)["Assignment"]
    assert (shown["AssignmentStatus"], shown["RejectionTime"]) == ("Rejected", START)


@example("GetAssignment")
def get_assignment(story: Story) -> None:
    hit_id, assignment_id, worker = story.submitted()

    answer = story.client.get_assignment(AssignmentId=assignment_id)

    assert answer["HIT"]["HITId"] == answer["Assignment"]["HITId"] == hit_id
    assert answer["Assignment"]["WorkerId"] == worker.worker_id
    assert "<FreeText>red</FreeText>" in answer["Assignment"]["Answer"]
    assert isinstance(answer["Assignment"]["Deadline"], datetime)


@example("ListAssignmentsForHIT")
def list_assignments(story: Story) -> None:
    hit_id, assignment_id, _ = story.submitted()

    page = story.client.list_assignments_for_hit(HITId=hit_id, AssignmentStatuses=["Submitted"])

    assert (page["NumResults"], page["Assignments"][0]["AssignmentId"]) == (1, assignment_id)


@example("CreateAdditionalAssignmentsForHIT")
def create_additional_assignments(story: Story) -> None:
    hit_id = story.bench.hit(MaxAssignments=1)

    story.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=3)

    assert story.bench.get(hit_id)["MaxAssignments"] == 4


@example("CreateHIT")
def create_hit(story: Story) -> None:
    hit = story.client.create_hit(**hit_request(Title="Fresh"))["HIT"]

    assert (hit["Title"], hit["HITStatus"], hit["CreationTime"]) == ("Fresh", "Assignable", START)


@example("CreateHITType")
def create_hit_type(story: Story) -> None:
    assert story.hit_type() == story.hit_type()


@example("CreateHITWithHITType")
def create_hit_with_hit_type(story: Story) -> None:
    hit_type_id = story.hit_type()

    hit = story.client.create_hit_with_hit_type(
        HITTypeId=hit_type_id, LifetimeInSeconds=3600, Question=html_question()
    )["HIT"]

    assert (hit["HITTypeId"], hit["Reward"]) == (hit_type_id, "0.10")


@example("GetHIT")
def get_hit(story: Story) -> None:
    made = story.client.create_hit(**hit_request())["HIT"]

    assert story.bench.get(made["HITId"]) == made


@example("ListHITs")
def list_hits(story: Story) -> None:
    hit_id = story.bench.hit()

    assert story.client.list_hits(MaxResults=1)["HITs"][0]["HITId"] == hit_id


@example("ListReviewableHITs")
def list_reviewable_hits(story: Story) -> None:
    hit_id, _, _ = story.submitted()

    assert story.client.list_reviewable_hits(MaxResults=1)["HITs"][0]["HITId"] == hit_id


@example("ListHITsForQualificationType")
def list_hits_for_qualification_type(story: Story) -> None:
    type_id = story.type()
    hit_id = story.bench.hit(
        QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    )
    story.bench.hit()

    page = story.client.list_hits_for_qualification_type(QualificationTypeId=type_id)

    assert [hit["HITId"] for hit in page["HITs"]] == [hit_id]


@example("UpdateHITReviewStatus")
def update_hit_review_status(story: Story) -> None:
    hit_id, _, _ = story.submitted()

    story.client.update_hit_review_status(HITId=hit_id)

    assert story.bench.get(hit_id)["HITStatus"] == "Reviewing"


@example("UpdateExpirationForHIT")
def update_expiration(story: Story) -> None:
    hit_id = story.bench.hit()

    story.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))

    assert story.bench.get(hit_id)["HITStatus"] == "Reviewable"


@example("UpdateHITTypeOfHIT")
def update_hit_type_of_hit(story: Story) -> None:
    hit_id = story.bench.hit()
    hit_type_id = story.hit_type(Title="Another")

    story.client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=hit_type_id)

    hit = story.bench.get(hit_id)
    assert (hit["HITTypeId"], hit["Title"], hit["Reward"]) == (hit_type_id, "Another", "0.10")


@example("DeleteHIT")
def delete_hit(story: Story) -> None:
    hit_id, _, _ = story.decided()

    story.client.delete_hit(HITId=hit_id)

    assert story.bench.get(hit_id)["HITStatus"] == "Disposed"


@example("SendBonus")
def send_bonus(story: Story) -> None:
    _, assignment_id, worker = story.decided()

    story.client.send_bonus(
        WorkerId=worker.worker_id, AssignmentId=assignment_id, BonusAmount="0.50", Reason="The winner."
    )

    (paid,) = story.client.list_bonus_payments(AssignmentId=assignment_id)["BonusPayments"]
    assert paid == {
        "WorkerId": worker.worker_id,
        "BonusAmount": "0.50",
        "AssignmentId": assignment_id,
        "Reason": "The winner.",
        "GrantTime": START,
    }


@example("ListBonusPayments")
def list_bonus_payments(story: Story) -> None:
    hit_id, _, _ = story.decided()

    assert story.client.list_bonus_payments(HITId=hit_id)["BonusPayments"] == []


@example("GetAccountBalance")
def get_account_balance(story: Story) -> None:
    story.bench.hit()

    available, held = story.bench.balance()

    assert float(available) > 0
    assert float(held) > 0


@example("UpdateNotificationSettings")
def update_notification_settings(story: Story) -> None:
    hit_type_id = story.hit_type(Title="Watched")

    story.client.update_notification_settings(HITTypeId=hit_type_id, Notification=QUEUE, Active=True)
    story.client.update_notification_settings(HITTypeId=hit_type_id, Active=False)


@example("SendTestEventNotification")
def send_test_event_notification(story: Story) -> None:
    story.client.send_test_event_notification(Notification=QUEUE, TestEventType="Ping")


@example("ListReviewPolicyResultsForHIT")
def list_review_policy_results(story: Story) -> None:
    hit_id, assignment_id, _ = story.submitted(AssignmentReviewPolicy=KNOWN)

    found = story.client.list_review_policy_results_for_hit(HITId=hit_id)

    assert (found["HITId"], found["AssignmentReviewPolicy"]) == (hit_id, KNOWN)
    actions = found["AssignmentReviewReport"]["ReviewActions"]
    assert [(item["ActionName"], item["TargetId"], item["Status"]) for item in actions] == [
        ("review", assignment_id, "Succeeded"),
        ("approve", assignment_id, "Succeeded"),
    ]
    assert {"KnownAnswerCorrect", "KnownAnswerScore"} == {
        item["Key"] for item in found["AssignmentReviewReport"]["ReviewResults"]
    }


@example("GetFileUploadURL")
def get_file_upload_url(story: Story) -> None:
    _, assignment_id, _ = story.submitted()

    with pytest.raises(ClientError) as caught:
        story.client.get_file_upload_url(AssignmentId=assignment_id, QuestionIdentifier="photo")
    assert caught.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.OperationNotSupported"
