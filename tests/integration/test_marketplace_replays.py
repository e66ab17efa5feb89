"""A recorded API call that is sent again is refused; equal calls of an honest client are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.errors import ApiError
from pixelpatchwork.marketplace.replays import Replays, Use, refusal_of
from tests.support.marketplace import KEY_ID, SECRET, Bench, MovableClock, bench, hit_request, socket_client

MADE = "ab" * 32


@dataclass
class Recorder:
    """Who reads the wire: keeps every request of a client, byte for byte."""

    requests: list[Any]

    def __call__(self, request: Any, **_event: Any) -> None:
        self.requests.append(request)


@dataclass
class Wire:
    here: Bench
    wall: MovableClock
    client: Any
    heard: list[Any]

    def replay(self, number: int = -1, **headers: str) -> tuple[int, Any]:
        """Sends a recorded request again, with other headers where the signature does not cover them."""
        heard = self.heard[number]
        kept = {name: text(value) for name, value in heard.headers.items()} | headers
        try:
            with urlopen(Request(heard.url, heard.body, kept, method="POST")) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wall = MovableClock(datetime.now(UTC))
    with bench("served", signature_clock=wall) as here:
        client = socket_client(str(here.url))
        heard: list[Any] = []
        client.meta.events.register("before-send.mturk", Recorder(heard))
        yield Wire(here, wall, client, heard)


def test_a_recorded_call_is_refused_and_does_nothing(wire: Wire) -> None:
    wire.client.create_hit(**hit_request())
    status, answer = wire.replay()

    assert (status, answer["__type"]) == (400, "InvalidSignatureException")
    assert "used before" in answer["message"]
    assert len(wire.here.client.list_hits()["HITs"]) == 1


def test_a_recording_with_its_unsigned_headers_forged_is_refused_after_seconds(wire: Wire) -> None:
    wire.client.create_hit(**hit_request())
    wire.wall.advance(seconds=6)
    forged = wire.replay(**{"amz-sdk-invocation-id": "another", "amz-sdk-request": "attempt=1"})
    wire.wall.advance(minutes=2)
    stripped = wire.replay(**{"amz-sdk-invocation-id": "", "amz-sdk-request": ""})

    assert [status for status, _ in (forged, stripped)] == [400, 400]
    assert len(wire.here.client.list_hits()["HITs"]) == 1


def test_equal_calls_of_one_second_are_all_answered(wire: Wire) -> None:
    made = [wire.client.create_hit(**hit_request())["HIT"]["HITId"] for _ in range(10)]
    for _ in range(10):
        wire.client.get_account_balance()

    assert len(set(made)) == 10


def signed_by_hand(wire: Wire, operation: str, **members: Any) -> Any:
    """A call of a program without an SDK: a signature, and no header that names the attempt."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
    }
    call = AWSRequest("POST", f"{wire.here.url}/", headers=headers, data=json.dumps(members).encode())
    SigV4Auth(Credentials(KEY_ID, SECRET), "mturk-requester", "us-east-1").add_auth(call)
    return call.prepare()


def test_a_recorded_hit_without_an_sdks_headers_is_made_ten_times_at_most(wire: Wire) -> None:
    wire.heard.append(signed_by_hand(wire, "CreateHIT", **hit_request()))
    answers = [wire.replay() for _ in range(30)]

    assert [status for status, _ in answers] == [200] * 10 + [400] * 20
    assert {answer["__type"] for _, answer in answers[10:]} == {"ThrottlingException"}
    assert len(wire.here.client.list_hits()["HITs"]) == 10


def test_forged_headers_do_not_make_more_of_a_recorded_hit(wire: Wire) -> None:
    wire.client.create_hit(**hit_request())
    answers = [wire.replay(**{"amz-sdk-invocation-id": f"forged {number}"}) for number in range(30)]

    assert [status for status, _ in answers] == [200] * 9 + [400] * 21
    assert len(wire.here.client.list_hits()["HITs"]) == 10


def test_a_recorded_hit_without_the_headers_it_had_is_not_made_at_all(wire: Wire) -> None:
    wire.client.create_hit(**hit_request())
    answers = [wire.replay(**FORGED[2]) for _ in range(3)]

    assert [answer["__type"] for _, answer in answers] == ["InvalidSignatureException"] * 3
    assert len(wire.here.client.list_hits()["HITs"]) == 1


def test_boto3_makes_more_equal_hits_than_a_second_has_places(wire: Wire) -> None:
    """It waits as it is told to, and signs anew."""
    patient = socket_client(str(wire.here.url), attempts=8)
    made = {patient.create_hit(**hit_request())["HIT"]["HITId"] for _ in range(25)}

    assert len(made) == 25


def test_a_worker_gets_ten_equal_messages_of_one_signature_at_most(wire: Wire) -> None:
    worker = wire.here.worker()
    wire.client.approve_assignment(AssignmentId=worker.work(wire.here.hit()))
    letter = {"Subject": "Thanks", "MessageText": "It was good.", "WorkerIds": [worker.worker_id]}
    wire.heard.append(signed_by_hand(wire, "NotifyWorkers", **letter))

    assert [wire.replay()[0] for _ in range(12)] == [200] * 10 + [400] * 2


FORGED = (
    {"amz-sdk-invocation-id": "another", "amz-sdk-request": "attempt=1"},
    {"amz-sdk-request": "attempt=2"},
    {"amz-sdk-invocation-id": "", "amz-sdk-request": ""},
)


def bonus_of(here: Bench, **changes: str) -> dict[str, str]:
    worker = here.worker()
    assignment_id = worker.work(here.hit())
    due = {
        "WorkerId": worker.worker_id,
        "AssignmentId": assignment_id,
        "BonusAmount": "0.50",
        "Reason": "It won.",
    }
    return due | changes


def test_a_bonus_is_paid_once_whatever_headers_a_recording_bears(wire: Wire) -> None:
    due = bonus_of(wire.here)
    wire.client.send_bonus(**due)
    answers = [wire.replay(**headers) for headers in FORGED]

    assert [(status, answer["__type"]) for status, answer in answers] == [
        (400, "InvalidSignatureException")
    ] * 3
    paid = wire.client.list_bonus_payments(AssignmentId=due["AssignmentId"])["BonusPayments"]
    assert len(paid) == 1


def test_a_hit_is_extended_once_whatever_headers_a_recording_bears(wire: Wire) -> None:
    hit_id = wire.here.hit()
    wire.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    statuses = [wire.replay(**headers)[0] for headers in FORGED]

    assert statuses == [400, 400, 400]
    assert wire.here.get(hit_id)["MaxAssignments"] == 3


def test_a_retry_that_bears_a_token_is_answered_by_the_token(wire: Wire) -> None:
    """So that a program whose first answer was lost learns that its deed was done."""
    due = bonus_of(wire.here, UniqueRequestToken="bonus 1")
    wire.client.send_bonus(**due)
    _, bonus = wire.replay(**FORGED[1])
    wire.client.create_hit(**hit_request(UniqueRequestToken="hit 1"))
    _, hit = wire.replay(**FORGED[1])

    assert bonus["TurkErrorCode"] == "AWS.MechanicalTurk.RequestAlreadyProcessed"
    assert hit["TurkErrorCode"] == "AWS.MechanicalTurk.HitAlreadyExists"
    assert len(wire.client.list_bonus_payments(AssignmentId=due["AssignmentId"])["BonusPayments"]) == 1


def test_a_retried_verdict_is_answered_with_the_assignments_state(wire: Wire) -> None:
    assignment_id = wire.here.worker().work(wire.here.hit())
    wire.client.approve_assignment(AssignmentId=assignment_id)
    balance = wire.here.balance()
    _, answer = wire.replay(**FORGED[1])

    assert answer["TurkErrorCode"] == "AWS.MechanicalTurk.InvalidAssignmentState"
    assert wire.here.balance() == balance


def test_boto3_takes_the_refusal_of_its_retry_for_final(wire: Wire) -> None:
    due = bonus_of(wire.here)
    wire.client.send_bonus(**due)
    first, sent = wire.heard[-1], []
    patient = socket_client(str(wire.here.url), attempts=5)

    def sign_as_the_first(request: Any, **_event: Any) -> None:
        sent.append(request)
        for name in ("X-Amz-Date", "Authorization"):
            del request.headers[name]
            request.headers[name] = first.headers[name]

    patient.meta.events.register("before-send.mturk", sign_as_the_first)
    with pytest.raises(ClientError, match="used before"):
        patient.send_bonus(**due)

    assert len(sent) == 1


def test_a_refused_call_is_not_carried_out_by_its_recording(wire: Wire) -> None:
    """What was refused is rolled back, and the note of its signature must not go with it."""
    taken = wire.here.client.create_qualification_type(
        Name="One", Description="It is.", QualificationTypeStatus="Active"
    )
    with pytest.raises(ClientError):
        wire.client.create_qualification_type(
            Name="One", Description="It is.", QualificationTypeStatus="Active"
        )
    wire.here.client.delete_qualification_type(
        QualificationTypeId=taken["QualificationType"]["QualificationTypeId"]
    )
    status, answer = wire.replay()

    assert (status, answer["__type"]) == (400, "InvalidSignatureException")


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database("sqlite://")
    opened.create_tables()
    yield opened
    opened.close()


def is_seen(database: Database, attempt: str, at: int, *, places: int | None = None) -> bool:
    """Uses a signature; True where that is refused."""
    use = Use(signature=MADE, sdk_attempt=attempt, at=at, places=places)
    return database.run(lambda connection: refusal_of(connection, use), writes=True) is not None


def test_a_client_without_the_sdks_headers_may_repeat_a_call_for_five_seconds(database: Database) -> None:
    seen = [is_seen(database, "", at) for at in (0, 0, 5_000, 5_001)]

    assert seen == [False, False, False, True]


def test_what_happens_once_has_one_attempt(database: Database) -> None:
    attempts = ["one attempt=1", "one attempt=2", ""]

    assert [is_seen(database, each, 0, places=1) for each in attempts] == [False, True, True]


def test_each_attempt_of_a_call_is_taken_once(database: Database) -> None:
    attempts = ["one attempt=1", "one attempt=2", "one attempt=1", "two attempt=1"]

    assert [is_seen(database, each, 0) for each in attempts] == [False, False, True, False]


def test_a_call_that_an_sdk_made_is_not_taken_again_without_its_headers(database: Database) -> None:
    attempts = ["one attempt=1", "", "two attempt=1", ""]

    assert [is_seen(database, each, 0) for each in attempts] == [False, True, False, True]


def test_signatures_are_forgotten_only_when_their_date_is_refused_anyway() -> None:
    with bench() as here:
        replays = Replays(market=here.app.extensions["marketplace"])

        def use(signature: str, at: int) -> None:
            replays.read(Use(signature=signature, sdk_attempt="x", at=at), lambda _moment: None)

        use(MADE, 1_000_000)
        with pytest.raises(ApiError, match="used before"):
            use(MADE, 1_000_000 + 899_000)
        use("cd" * 32, 1_000_000 + 2_000_000)
        use(MADE, 1_000_000 + 2_000_000)


def test_two_processes_know_of_each_others_signatures(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    first.create_tables()

    assert not is_seen(first, "x", 0)
    assert is_seen(second, "x", 0)
    first.close()
    second.close()
