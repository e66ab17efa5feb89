"""A Mechanical Turk of programmed answers: botocore's `before-send` hook hands them out in place of a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.domain.model import HitTypeId, Token
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
