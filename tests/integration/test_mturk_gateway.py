"""The gateway over the wire: what it sends, and what it makes of every kind of answer.

The answers are those recorded from Mechanical Turk; botocore's `before-send` hook hands them out, so that
the real client signs, sends, parses and retries.
"""

from __future__ import annotations

import json
import socket
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.mturk import LIVE_ENDPOINT, SANDBOX_ENDPOINT, MTurkCrowd, mturk_client
from pixelpatchwork.domain.errors import CrowdError, HitExists, InsufficientFunds
from pixelpatchwork.domain.model import AssignmentId, HitId, HitTypeId, Token
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec

ACCESS_KEY = "AKIATESTTESTTESTTEST"
SECRET_KEY = "a-secret-that-must-stay-secret"
ENDPOINT = "http://turk.test"
NOW = 1_764_000_000
"""2025-11-24 16:00 UTC, as the wire says it."""


class FakeBody:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> list[bytes]:
        return [self._content]


class Turk:
    """Answers each operation with what was programmed for it; the last answer of a list stays."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers: dict[str, list[tuple[int, bytes]]] = {}

    def forget(self) -> None:
        self.calls.clear()
        self._answers.clear()

    def answers(self, operation: str, *bodies: Mapping[str, object] | bytes, status: int = 200) -> None:
        encoded = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        self._answers.setdefault(operation, []).extend((status, body) for body in encoded)

    def refuses(self, operation: str, code: str, message: str) -> None:
        body = {"__type": "RequestError", "Message": message, "TurkErrorCode": f"AWS.MechanicalTurk.{code}"}
        self.answers(operation, body, status=400)

    def __call__(self, request: AWSPreparedRequest, **_event: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target if isinstance(target, str) else target.decode()).rpartition(".")[2]
        self.calls.append((operation, json.loads(request.body)))
        queue = self._answers[operation]
        status, body = queue.pop(0) if len(queue) > 1 else queue[0]
        return AWSResponse(request.url, status, {}, FakeBody(body))


@pytest.fixture
def turk() -> Turk:
    return Turk()


@pytest.fixture
def crowd(turk: Turk) -> MTurkCrowd:
    return crowd_at(turk, ENDPOINT)


def crowd_at(turk: Turk, endpoint: str, *, attempts: int = 1) -> MTurkCrowd:
    client = mturk_client(
        endpoint_url=endpoint,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        max_connections=2,
        attempts=attempts,
    )
    client.meta.events.register("before-send.mturk", turk)
    return MTurkCrowd(client)


SPEC = HitTypeSpec(
    title="Repaint a patch",
    description="Mask a part and say what to paint",
    keywords="art, image",
    reward_usd=Decimal("0.5"),
    assignment_duration=timedelta(minutes=20),
    auto_approval_delay=timedelta(days=3),
)
REQUEST = HitRequest(
    hit_type_id=HitTypeId("TYPE1"),
    token=Token("f" * 64),
    annotation="study:1:generation:0",
    question="<HTMLQuestion/>",
    max_assignments=9,
    lifetime=timedelta(hours=24),
)


def hit(number: int, **fields: object) -> dict[str, object]:
    return {
        "HITId": f"HIT{number}",
        "HITStatus": "Assignable",
        "MaxAssignments": 9,
        "Expiration": NOW,
        "RequesterAnnotation": f"study:{number}",
        **fields,
    }


def assignment(number: int, **fields: object) -> dict[str, object]:
    return {
        "AssignmentId": f"ASSIGNMENT{number}",
        "WorkerId": f"A{number}",
        "HITId": "HIT1",
        "AssignmentStatus": "Submitted",
        "AcceptTime": NOW,
        "SubmitTime": NOW + number,
        "Answer": "<QuestionFormAnswers/>",
        **fields,
    }


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

    with pytest.raises(CrowdError, match=r"ASSIGNMENT1 cannot be approved yet\. Run `ppw collect` again"):
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


# ---- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ('The HIT with ID "3PR3NAMED" already exists. (1624047673969)', "3PR3NAMED"),
        ("A HIT was there before.", None),
        ('The HIT with ID "../../etc" already exists.', None),
    ],
)
def test_a_used_token_names_the_hit_where_the_service_does(
    turk: Turk, crowd: MTurkCrowd, message: str, named: str | None
) -> None:
    turk.refuses("CreateHITWithHITType", "HitAlreadyExists", message)

    with pytest.raises(HitExists) as caught:
        crowd.create_hit(REQUEST)

    assert (caught.value.token, caught.value.hit_id) == (REQUEST.token, named)


def test_an_empty_purse_is_its_own_error(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.refuses("CreateHITWithHITType", "InsufficientFunds", "This Requester has insufficient funds ...")

    with pytest.raises(InsufficientFunds, match="Add funds"):
        crowd.create_hit(REQUEST)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            400,
            {"__type": "UnrecognizedClientException", "message": f"Bad key {ACCESS_KEY}"},
            "AWS_ACCESS_KEY_ID",
        ),
        (403, {"__type": "InvalidSignatureException", "message": SECRET_KEY}, "this machine's clock"),
        (400, {"__type": "AccessDeniedException", "message": f"No for {ACCESS_KEY}"}, "requester's rights"),
        (400, {"__type": "ThrottlingException", "Message": "Rate exceeded"}, "Wait a minute"),
        (500, {"__type": "ServiceFault", "Message": "Oh"}, r"failed \(ServiceFault\)"),
        (502, b"<html>Bad gateway</html>", r"failed \(502\)"),
        (404, b"<html>Not here</html>", "does not answer as Mechanical Turk does: it answered HTTP 404"),
        (200, b"<html>Welcome</html>", "lacks or garbles 'HIT'"),
        (200, b"{}", "lacks or garbles 'HIT'"),
        (200, {"HIT": hit(1, Expiration="soon")}, "does not answer as Mechanical Turk does"),
        (
            400,
            {"__type": "ValidationException", "message": "1 validation error detected:\n\x1b[31m Value"},
            r"refused GetHIT: 1 validation error detected: \[31m Value \[ValidationException\]",
        ),
    ],
)
def test_each_fault_says_what_to_do_and_shows_no_key(
    turk: Turk, crowd: MTurkCrowd, status: int, body: dict[str, object] | bytes, message: str
) -> None:
    turk.answers("GetHIT", body, status=status)

    with pytest.raises(CrowdError, match=message) as caught:
        crowd.hit(HitId("HIT1"))

    assert ACCESS_KEY not in str(caught.value)
    assert SECRET_KEY not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_balance_that_is_no_number_is_reported(turk: Turk, crowd: MTurkCrowd) -> None:
    turk.answers("GetAccountBalance", {"AvailableBalance": "plenty"})

    with pytest.raises(CrowdError, match="does not answer as Mechanical Turk does"):
        crowd.balance()


def test_a_throttle_is_tried_again_by_itself(turk: Turk) -> None:
    turk.answers("GetHIT", {"__type": "ThrottlingException", "Message": "Rate exceeded"}, status=400)
    turk.answers("GetHIT", {"HIT": hit(1)})

    assert crowd_at(turk, ENDPOINT, attempts=2).hit(HitId("HIT1")).hit_id == "HIT1"
    assert len(turk.calls) == 2


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    port = closed_port()
    client = mturk_client(
        endpoint_url=f"http://user:pass@127.0.0.1:{port}",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        max_connections=1,
        attempts=1,
    )

    with pytest.raises(CrowdError) as caught:
        MTurkCrowd(client).balance()

    assert str(caught.value) == f"cannot reach http://127.0.0.1:{port}; is `ppw serve` running there?"


def raising(error: Exception) -> Callable[..., None]:
    def hook(**_event: object) -> None:
        raise error

    return hook


def test_amazons_own_endpoints_are_known_to_be_closed() -> None:
    for endpoint in (LIVE_ENDPOINT, SANDBOX_ENDPOINT):
        client = mturk_client(
            endpoint_url=endpoint, access_key="k", secret_key="s", max_connections=1, attempts=1
        )
        client.meta.events.register(
            "before-send.mturk", raising(EndpointConnectionError(endpoint_url=endpoint))
        )
        with pytest.raises(CrowdError, match="AWS closed Mechanical Turk on 2026-09-30"):
            MTurkCrowd(client).balance()


def test_a_missing_key_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = mturk_client(endpoint_url=ENDPOINT, access_key=None, secret_key=None, max_connections=1)

    with pytest.raises(CrowdError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        MTurkCrowd(client).balance()


def test_the_service_is_always_asked_in_its_only_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    client = mturk_client(endpoint_url=None, access_key="k", secret_key="s", max_connections=1)

    assert client.meta.endpoint_url == LIVE_ENDPOINT


@cache
def one_crowd_for_many_examples() -> tuple[Turk, MTurkCrowd]:
    turk = Turk()
    return turk, crowd_at(turk, ENDPOINT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    status=st.sampled_from([200, 400, 403, 404]), body=st.dictionaries(st.sampled_from(["HIT", "x"]), JSON)
)
@settings(max_examples=60, deadline=None)
def test_no_answer_whatever_gets_past_the_family_of_errors(status: int, body: dict[str, object]) -> None:
    turk, crowd = one_crowd_for_many_examples()
    turk.forget()
    turk.answers("GetHIT", body, status=status)

    with pytest.raises(CrowdError) as caught:
        crowd.hit(HitId("HIT1"))

    assert SECRET_KEY not in "".join(traceback.format_exception(caught.value))
