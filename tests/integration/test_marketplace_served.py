"""The API over a socket: signatures, sizes, bodies that are none, and no needless waiting."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running, serve
from pixelpatchwork.marketplace.wire import MAX_BODY_BYTES
from tests.support.marketplace import KEY_ID, SECRET, Bench, bench, socket_client

TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench("served") as found:
        yield found


def sign(url: str, body: bytes = b"{}", *, secret: str = SECRET, **extra: str) -> dict[str, str]:
    """The headers that a client sends, signed by botocore."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": TARGET, **extra}
    request = AWSRequest(method="POST", url=url + "/", data=body, headers=headers)
    SigV4Auth(Credentials(KEY_ID, secret), "mturk-requester", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", "/", body, dict(headers))
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text.decode()


def refused(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    status, answer = post(url, body, headers)
    assert status == 400
    return str(answer["__type"])


def test_a_rightly_signed_call_is_answered(market: Bench) -> None:
    assert market.url is not None
    assert post(market.url, b"{}", sign(market.url)) == (
        200,
        {"AvailableBalance": "10000.00", "OnHoldBalance": "0.00"},
    )


def test_a_call_without_a_signature_is_refused(market: Bench) -> None:
    assert market.url is not None
    headers = {"X-Amz-Target": TARGET}

    assert refused(market.url, b"{}", headers) == "MissingAuthenticationTokenException"
    assert (
        refused(market.url, b"{}", headers | {"Authorization": "Basic eA=="})
        == "IncompleteSignatureException"
    )


def test_no_header_makes_a_call_trusted(market: Bench) -> None:
    assert market.url is not None
    names = ("pixelpatchwork.marketplace.trusted", "Pixelpatchwork-Marketplace-Trusted", "X-Forwarded-For")

    for name in names:
        assert refused(market.url, b"{}", {"X-Amz-Target": TARGET, name: "True"}) == (
            "MissingAuthenticationTokenException"
        )


def test_an_unknown_key_and_a_wrong_secret_are_refused(market: Bench) -> None:
    assert market.url is not None

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        socket_client(market.url, key_id="AKIDSTRANGER").get_account_balance()
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        socket_client(market.url, secret="wrong").get_account_balance()


def test_a_marketplace_without_keys_answers_nobody_over_a_socket() -> None:
    app = create_app(Hosting(database_url="sqlite://"))
    with running(app) as url, pytest.raises(ClientError, match="UnrecognizedClientException"):
        socket_client(url).get_account_balance()


@pytest.mark.parametrize(
    "alter",
    [
        {"X-Amz-Target": "MTurkRequesterServiceV20170117.ListHITs"},
        {"Content-Type": "application/json"},
        {"X-Amz-Date": "20261121T000000Z"},
    ],
)
def test_an_altered_header_is_refused(market: Bench, alter: dict[str, str]) -> None:
    assert market.url is not None

    assert refused(market.url, b"{}", sign(market.url) | alter) == "InvalidSignatureException"


def test_an_altered_body_is_refused(market: Bench) -> None:
    assert market.url is not None
    signed_hash = sign(market.url, b"{}", **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})

    assert refused(market.url, b'{"a": 1}', sign(market.url, b"{}")) == "InvalidSignatureException"
    assert refused(market.url, b"{}", signed_hash) == "InvalidSignatureException"


def test_the_operation_must_be_under_the_signature(market: Bench) -> None:
    assert market.url is not None
    request = AWSRequest(method="POST", url=market.url + "/", data=b"{}", headers={})
    SigV4Auth(Credentials(KEY_ID, SECRET), "mturk-requester", "us-east-1").add_auth(request)
    headers = dict(request.headers.items()) | {"X-Amz-Target": TARGET}

    assert refused(market.url, b"{}", headers) == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    shifted = datetime.now(UTC) + timedelta(minutes=minutes)
    with (
        bench("served", signature_clock=lambda: shifted) as market,
        pytest.raises(ClientError, match=r"InvalidSignatureException.*Signature expired"),
    ):
        market.client.get_account_balance()


def test_a_marketplace_clock_that_was_moved_does_not_disturb_signatures(market: Bench) -> None:
    market.clock.advance(days=400)

    assert market.client.get_account_balance()["AvailableBalance"] == "10000.00"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"a": NaN}', b"9" * 5_000, b'{"HITId": "\\ud800"}'],
)
def test_a_body_that_is_no_json_object_is_refused(market: Bench, body: bytes) -> None:
    assert market.url is not None

    headers = sign(market.url, body, **{"X-Amz-Target": "MTurkRequesterServiceV20170117.GetHIT"})

    assert refused(market.url, body, headers) == "SerializationException"


@pytest.mark.parametrize("target", ["", "GetHIT", "MTurkRequesterServiceV20170117.Sing", "Other.GetHIT"])
def test_an_operation_that_nobody_knows_is_refused(market: Bench, target: str) -> None:
    assert market.url is not None

    headers = sign(market.url, **{"X-Amz-Target": target})

    assert refused(market.url, b"{}", headers) == "UnknownOperationException"


def test_a_body_beyond_the_limit_gets_a_413(market: Bench) -> None:
    assert market.url is not None
    body = b"x" * (MAX_BODY_BYTES + 1)

    assert post(market.url, body, sign(market.url, body))[0] == 413


def test_the_page_and_the_api_share_an_address(market: Bench) -> None:
    parts = urlsplit(market.url or "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/")
    response = connection.getresponse()

    assert (response.status, b"<h1>Tasks</h1>" in response.read()) == (200, True)
    connection.close()


def test_a_proxy_on_this_machine_may_say_that_the_browser_speaks_tls_and_nothing_else(market: Bench) -> None:
    parts = urlsplit(market.url or "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    connection.request("GET", f"/frame/{market.hit()}", headers=headers)
    response = connection.getresponse()
    policy = response.headers["Content-Security-Policy"]
    response.read()
    connection.close()

    assert f"form-action 'self' https://{parts.netloc};" in policy
    assert "evil.example" not in policy


def test_a_call_costs_no_delayed_acknowledgement(market: Bench) -> None:
    market.client.get_account_balance()

    def one_call() -> float:
        start = time.perf_counter()
        market.client.get_account_balance()
        return time.perf_counter() - start

    # A delayed acknowledgement is 40 ms on every call; a busy machine is late on some.
    assert median(one_call() for _ in range(15)) < 0.035


def test_keys_from_the_settings_of_a_real_client_reach_the_socket(market: Bench) -> None:
    session = boto3.Session(
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="eu-central-1"
    )

    balance = session.client("mturk", endpoint_url=market.url).get_account_balance()

    assert balance["OnHoldBalance"] == "0.00"


def test_each_answer_and_each_refusal_has_a_request_id_of_its_own(market: Bench) -> None:
    client = socket_client(str(market.url))
    answers = [client.get_account_balance() for _ in range(2)]
    with pytest.raises(ClientError) as refused:
        client.get_hit(HITId="3NOSUCHHIT")
    ids = {answer["ResponseMetadata"]["RequestId"] for answer in (*answers, refused.value.response)}

    assert len(ids) == 3
    assert all(str(uuid.UUID(one)) == one for one in ids)


def test_serving_says_its_address_when_it_is_ready() -> None:
    app = create_app(Hosting(database_url="sqlite://"))
    ready = threading.Event()
    addresses: list[str] = []

    def on_ready(url: str) -> None:
        addresses.append(url)
        ready.set()

    threading.Thread(
        target=serve, args=(app,), kwargs={"host": "127.0.0.1", "port": 0, "on_ready": on_ready}, daemon=True
    ).start()

    assert ready.wait(10)
    assert post(addresses[0], b"{}", {})[0] == 400


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    app = create_app(Hosting(database_url="sqlite://"))
    with (
        running(app) as url,
        pytest.raises(OSError, match="in use"),
        running(app, port=urlsplit(url).port or 0),
    ):
        pass


def test_a_server_that_was_stopped_gives_its_port_back() -> None:
    app = create_app(Hosting(database_url="sqlite://"))
    with running(app) as url:
        port = urlsplit(url).port or 0

    with running(app, port=port) as again:
        assert again == url


def test_under_load_the_queue_is_mentioned_once_in_words_that_help(
    market: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    assert market.url is not None
    queue = logging.getLogger("waitress.queue")

    for depth in range(5):
        queue.warning("Task queue depth is %d", depth)

    (said,) = [record.getMessage() for record in caplog.records if record.name == queue.name]
    assert "serve.threads" in said
