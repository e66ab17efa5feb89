"""Refusals as Mechanical Turk's were recorded: the whole body of each family, and its texts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import HTTPErrorProcessor, Request, build_opener

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pixelpatchwork.marketplace.errors import ServiceFault
from tests.support.marketplace import KEY_ID, SECRET, START, Bench, bench, hit_request, html_question
from tests.support.marketplace_story import Story

NOW = int(START.timestamp() * 1000)
# (operation, body) of one call.
Call = tuple[str, dict[str, Any]]


class AnyStatus(HTTPErrorProcessor):
    """Hands out answers of every status, where urllib would raise."""

    def http_response(self, request: Any, response: Any) -> Any:
        del request
        return response


def post(url: str, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and body of a signed call, past boto3's own checks."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
        # As boto3 names its attempts: it may have made the same call within this second.
        "amz-sdk-invocation-id": str(uuid.uuid4()),
    }
    signed = AWSRequest(method="POST", url=url, data=body, headers=headers)
    SigV4Auth(Credentials(KEY_ID, SECRET), "mturk-requester", "us-east-1").add_auth(signed)
    request = Request(url, data=body, headers=dict(signed.headers), method="POST")
    with build_opener(AnyStatus).open(request, timeout=20) as response:
        assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
        return response.status, json.loads(response.read())


@pytest.fixture(scope="module")
def market() -> Iterator[Bench]:
    with bench("served") as found:
        yield found


def request_error(code: str, text: str) -> dict[str, str]:
    return {
        "__type": "RequestError",
        "Message": f"{text} ({NOW})",
        "TurkErrorCode": f"AWS.MechanicalTurk.{code}",
    }


def not_valid(parameter: str, value: str, why: str) -> dict[str, str]:
    text = f'The value "{value}" is not valid for the parameter {parameter}. {why}'
    return {
        "__type": "ParameterValidationError",
        "Message": f"{text} ({NOW})",
        "Parameter": parameter,
        "TurkErrorCode": "AWS.MechanicalTurk.InvalidParameterValue",
    }


def no_hit(_story: Story) -> tuple[Call, dict[str, str]]:
    return ("GetHIT", {"HITId": "3PR3"}), request_error("HITDoesNotExist", "Hit 3PR3 does not exist.")


def no_assignment(_story: Story) -> tuple[Call, dict[str, str]]:
    text = "Assignment 3AAA does not exist."
    return ("GetAssignment", {"AssignmentId": "3AAA"}), request_error("AssignmentDoesNotExist", text)


def no_type(_story: Story) -> tuple[Call, dict[str, str]]:
    text = "QualificationType 3QQQ does not exist."
    call = ("GetQualificationType", {"QualificationTypeId": "3QQQ"})
    return call, request_error("QualificationTypeDoesNotExist", text)


def no_request(_story: Story) -> tuple[Call, dict[str, str]]:
    text = "QualificationRequest 3RRR does not exist."
    call = ("AcceptQualificationRequest", {"QualificationRequestId": "3RRR"})
    return call, request_error("QualificationRequestDoesNotExist", text)


def open_hit(story: Story) -> tuple[Call, dict[str, str]]:
    hit_id = story.bench.hit()
    text = (
        "This HIT is currently in the state 'Assignable'.  "
        "This operation can be called with a status of: Reviewing, Reviewable"
    )
    return ("DeleteHIT", {"HITId": hit_id}), request_error("InvalidHITState", text)


def decided_twice(story: Story) -> tuple[Call, dict[str, str]]:
    _, assignment_id, _ = story.decided()
    text = "This operation can be called with a status of: Submitted"
    call = ("ApproveAssignment", {"AssignmentId": assignment_id})
    return call, request_error("InvalidAssignmentState", text)


def too_early(story: Story) -> tuple[Call, dict[str, str]]:
    assignment_id = story.bench.worker().accept(story.bench.hit())
    text = "This operation can be called with a status of: Reviewable,Approved,Rejected"
    return ("GetAssignment", {"AssignmentId": assignment_id}), request_error("InvalidAssignmentState", text)


def revoked(story: Story) -> tuple[Call, dict[str, str]]:
    type_id, worker = story.granted()
    members = {"QualificationTypeId": type_id, "WorkerId": worker.worker_id}
    story.client.disassociate_qualification_from_worker(**members)
    text = "This operation can be called with a status of: Granted"
    return ("GetQualificationScore", members), request_error("InvalidQualificationState", text)


def token_again(story: Story) -> tuple[Call, dict[str, str]]:
    request = hit_request(UniqueRequestToken="again")
    hit_id = story.client.create_hit(**request)["HIT"]["HITId"]
    return ("CreateHIT", request), request_error(
        "HitAlreadyExists", f'The HIT with ID "{hit_id}" already exists.'
    )


def type_again(story: Story) -> tuple[Call, dict[str, str]]:
    request = {"Name": "Twice", "Description": "D", "QualificationTypeStatus": "Active"}
    story.client.create_qualification_type(**request)
    text = "You have already created a QualificationType with this name."
    return ("CreateQualificationType", request), request_error("QualificationTypeAlreadyExists", text)


def expired_again(story: Story) -> tuple[Call, dict[str, str]]:
    hit_id = story.bench.hit()
    when = datetime(2026, 11, 25, 20, 26, 6, tzinfo=UTC)
    story.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=when)
    token = f"{hit_id}Wed Nov 25 20:26:06 UTC 2026"
    call = ("UpdateExpirationForHIT", {"HITId": hit_id, "ExpireAt": int(when.timestamp())})
    text = f'The idempotency token "{token}" has already been processed.'
    return call, request_error("RequestAlreadyProcessed", text)


def too_poor(_story: Story) -> tuple[Call, dict[str, str]]:
    text = (
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Add prepaid balance, or ask for fewer assignments."
    )
    return ("CreateHIT", hit_request(MaxAssignments=1_000_000_000)), request_error("InsufficientFunds", text)


def from_nine_to_ten(story: Story) -> tuple[Call, dict[str, str]]:
    hit_id = story.bench.hit(MaxAssignments=9)
    text = (
        f"HIT {hit_id} has 9 assignments and cannot get 1 more: "
        "A HIT created with fewer than ten assignments stays below ten."
    )
    call = ("CreateAdditionalAssignmentsForHIT", {"HITId": hit_id, "NumberOfAdditionalAssignments": 1})
    return call, request_error("InvalidMaximumAssignmentsIncrease", text)


def no_endpoint(_story: Story) -> tuple[Call, dict[str, str]]:
    notification = {
        "Destination": "somewhere",
        "Transport": "SNS",
        "Version": "2006-05-05",
        "EventTypes": ["HITReviewable"],
    }
    text = (
        "The Destination is neither the URL of a standard queue (Transport SQS) nor the ARN of a standard topic "
        "(Transport SNS) in one of AWS's regions. FIFO queues and topics are not offered."
    )
    call = ("SendTestEventNotification", {"Notification": notification, "TestEventType": "Ping"})
    return call, request_error("InvalidTransportEndpoint", text)


def bad_parameter(_story: Story) -> tuple[Call, dict[str, str]]:
    why = "It must be from 30 to 31536000."
    return ("CreateHIT", hit_request(LifetimeInSeconds=29)), not_valid("LifetimeInSeconds", "29", why)


def bad_test(_story: Story) -> tuple[Call, dict[str, str]]:
    request = {"Name": "N", "Description": "D", "QualificationTypeStatus": "Active", "AnswerKey": "X"}
    return ("CreateQualificationType", request), not_valid(
        "AnswerKey", "X", "It is the key to a Test. Send both."
    )


def bad_amount(_story: Story) -> tuple[Call, dict[str, str]]:
    request = {"WorkerId": "A1", "BonusAmount": "0.9752", "AssignmentId": "3A", "Reason": "R"}
    text = (
        "1 validation error detected: Value '0.9752' at 'bonusAmount' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[0-9]+(\\.)?[0-9]{0,2}$"
    )
    return ("SendBonus", request), {"__type": "ValidationException", "message": text}


RECORDED: list[Callable[[Story], tuple[Call, dict[str, str]]]] = [
    *(no_hit, no_assignment, no_type, no_request, open_hit, decided_twice, too_early, revoked),
    *(token_again, type_again, expired_again, too_poor, from_nine_to_ten, no_endpoint),
    *(bad_parameter, bad_test, bad_amount),
]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.__name__)
def test_the_whole_body_of_a_refusal(
    case: Callable[[Story], tuple[Call, dict[str, str]]], market: Bench
) -> None:
    (operation, members), expected = case(Story(market))
    assert market.url is not None

    status, body = post(market.url, operation, json.dumps(members).encode())

    assert (status, body) == (400, expected)


@pytest.mark.parametrize(
    ("operation", "body", "type_name"),
    [
        ("GetHIT", b"{", "SerializationException"),
        ("GetHIT", b"[]", "SerializationException"),
        ("GetHIT", b'{"HITId": NaN}', "SerializationException"),
        ("GetHIT", b"\xff", "SerializationException"),
        ("GetHIT", b'{"HITId": 1}', "SerializationException"),
        ("GetHIT", b"{}", "ValidationException"),
        ("GetHit", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
    ],
)
def test_a_call_that_is_none_is_refused_as_aws_does(
    operation: str, body: bytes, type_name: str, market: Bench
) -> None:
    assert market.url is not None

    status, answer = post(market.url, operation, body)

    assert (status, answer["__type"]) == (400, type_name)


def test_a_fault_of_the_server_is_the_modelled_one() -> None:
    body = ServiceFault().body(NOW)

    assert (ServiceFault.status, body["__type"]) == (500, "ServiceFault")
    assert body["TurkErrorCode"] == "AWS.MechanicalTurk.ServiceFault"


def test_a_document_type_or_an_entity_in_xml_is_refused(market: Bench) -> None:
    assert market.url is not None
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + html_question()

    status, answer = post(market.url, "CreateHIT", json.dumps(hit_request(Question=bomb)).encode())

    assert (status, answer["TurkErrorCode"]) == (400, "AWS.MechanicalTurk.XMLParseError")
