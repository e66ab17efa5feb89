"""An example of each operation on workers and their qualifications."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import START
from tests.support.marketplace_story import Story, example


@example("AcceptQualificationRequest")
def accept_qualification_request(story: Story) -> None:
    type_id, request_id, worker = story.requested()

    story.client.accept_qualification_request(QualificationRequestId=request_id, IntegerValue=5)

    score = story.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker.worker_id)
    assert score["Qualification"]["IntegerValue"] == 5


@example("RejectQualificationRequest")
def reject_qualification_request(story: Story) -> None:
    type_id, request_id, _ = story.requested()

    story.client.reject_qualification_request(QualificationRequestId=request_id, Reason="Not yet.")

    left = story.client.list_qualification_requests(QualificationTypeId=type_id)
    assert (left["NumResults"], left["QualificationRequests"]) == (0, [])


@example("ListQualificationRequests")
def list_qualification_requests(story: Story) -> None:
    type_id, request_id, worker = story.requested()

    assert story.client.list_qualification_requests(QualificationTypeId=type_id)["QualificationRequests"] == [
        {
            "QualificationRequestId": request_id,
            "QualificationTypeId": type_id,
            "WorkerId": worker.worker_id,
            "SubmitTime": START,
        }
    ]


@example("AssociateQualificationWithWorker")
def associate(story: Story) -> None:
    type_id, worker = story.granted()

    score = story.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker.worker_id)

    assert score["Qualification"]["Status"] == "Granted"


@example("DisassociateQualificationFromWorker")
def disassociate(story: Story) -> None:
    type_id, worker = story.granted()

    story.client.disassociate_qualification_from_worker(
        QualificationTypeId=type_id, WorkerId=worker.worker_id, Reason="A new season."
    )

    revoked = story.client.list_workers_with_qualification_type(QualificationTypeId=type_id, Status="Revoked")
    assert [item["WorkerId"] for item in revoked["Qualifications"]] == [worker.worker_id]


@example("GetQualificationScore")
def get_qualification_score(story: Story) -> None:
    type_id, worker = story.granted()

    score = story.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker.worker_id)

    assert score["Qualification"] == {
        "QualificationTypeId": type_id,
        "WorkerId": worker.worker_id,
        "GrantTime": START,
        "IntegerValue": 7,
        "Status": "Granted",
    }


@example("ListWorkersWithQualificationType")
def list_workers(story: Story) -> None:
    type_id, worker = story.granted()

    page = story.client.list_workers_with_qualification_type(QualificationTypeId=type_id)

    assert (page["NumResults"], page["Qualifications"][0]["WorkerId"]) == (1, worker.worker_id)


@example("CreateQualificationType")
def create_qualification_type(story: Story) -> None:
    made = story.client.create_qualification_type(
        Name="Fresh",
        Description="D",
        Keywords="k",
        QualificationTypeStatus="Active",
        AutoGranted=True,
        AutoGrantedValue=3,
        RetryDelayInSeconds=60,
    )["QualificationType"]

    del made["QualificationTypeId"]
    assert made == {
        "CreationTime": START,
        "Name": "Fresh",
        "Description": "D",
        "Keywords": "k",
        "QualificationTypeStatus": "Active",
        "RetryDelayInSeconds": 60,
        "IsRequestable": True,
        "AutoGranted": True,
        "AutoGrantedValue": 3,
    }


@example("UpdateQualificationType")
def update_qualification_type(story: Story) -> None:
    type_id = story.type(AutoGranted=True)

    changed = story.client.update_qualification_type(
        QualificationTypeId=type_id,
        Description="Other words.",
        QualificationTypeStatus="Inactive",
        AutoGranted=False,
    )["QualificationType"]

    assert (changed["Description"], changed["QualificationTypeStatus"]) == ("Other words.", "Inactive")
    assert (changed["AutoGranted"], "AutoGrantedValue" in changed) == (False, False)


@example("GetQualificationType")
def get_qualification_type(story: Story) -> None:
    type_id = story.type(Keywords="colour")

    shown = story.client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]

    assert (shown["QualificationTypeId"], shown["Keywords"], shown["IsRequestable"]) == (
        type_id,
        "colour",
        True,
    )


@example("ListQualificationTypes")
def list_qualification_types(story: Story) -> None:
    type_id = story.type(Name="Rare bird")

    page = story.client.list_qualification_types(Query="rare BIRD", MustBeRequestable=True)

    assert [item["QualificationTypeId"] for item in page["QualificationTypes"]] == [type_id]


@example("DeleteQualificationType")
def delete_qualification_type(story: Story) -> None:
    type_id = story.type()

    story.client.delete_qualification_type(QualificationTypeId=type_id)

    with pytest.raises(ClientError, match=r"QualificationType \w+ does not exist"):
        story.client.get_qualification_type(QualificationTypeId=type_id)


@example("CreateWorkerBlock")
def create_worker_block(story: Story) -> None:
    worker = story.bench.worker()

    story.client.create_worker_block(WorkerId=worker.worker_id, Reason="Answers at random.")

    blocks = story.client.list_worker_blocks(MaxResults=100)["WorkerBlocks"]
    assert {"WorkerId": worker.worker_id, "Reason": "Answers at random."} in blocks


@example("DeleteWorkerBlock")
def delete_worker_block(story: Story) -> None:
    worker = story.bench.worker()
    story.client.create_worker_block(WorkerId=worker.worker_id, Reason="A mistake.")

    story.client.delete_worker_block(WorkerId=worker.worker_id)
    story.client.delete_worker_block(WorkerId=worker.worker_id)

    blocks = story.client.list_worker_blocks(MaxResults=100)["WorkerBlocks"]
    assert worker.worker_id not in [block["WorkerId"] for block in blocks]


@example("ListWorkerBlocks")
def list_worker_blocks(story: Story) -> None:
    worker = story.bench.worker()
    story.client.create_worker_block(WorkerId=worker.worker_id, Reason="Again.")

    page = story.client.list_worker_blocks(MaxResults=1)

    assert (page["NumResults"], len(page["WorkerBlocks"])) == (1, 1)


@example("NotifyWorkers")
def notify_workers(story: Story) -> None:
    _, _, known = story.decided()
    stranger = story.bench.worker()

    failed = story.client.notify_workers(
        Subject="Tomorrow", MessageText="A new day.", WorkerIds=[known.worker_id, stranger.worker_id]
    )["NotifyWorkersFailureStatuses"]

    assert [(item["WorkerId"], item["NotifyWorkersFailureCode"]) for item in failed] == [
        (stranger.worker_id, "HardFailure")
    ]
