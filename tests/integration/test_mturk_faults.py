"""What the gateway makes of a refusal, and of a service that is none: errors of ours that say what to do."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable
from functools import cache

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.mturk import LIVE_ENDPOINT, SANDBOX_ENDPOINT, MTurkCrowd, mturk_client
from pixelpatchwork.domain.errors import CrowdError, HitExists, InsufficientFunds
from pixelpatchwork.domain.model import HitId
from tests.support.turk import (
    ACCESS_KEY,
    ENDPOINT,
    REQUEST,
    SECRET_KEY,
    Turk,
    crowd_at,
    hit,
)


@pytest.fixture
def turk() -> Turk:
    return Turk()


@pytest.fixture
def crowd(turk: Turk) -> MTurkCrowd:
    return crowd_at(turk, ENDPOINT)


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
            "PPW_MARKETPLACE_ACCESS_KEY_ID",
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

    assert str(caught.value) == f"Cannot reach http://127.0.0.1:{port}. Is `ppw serve` running there?"


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

    for endpoint_url, prefix in ((SANDBOX_ENDPOINT, "AWS"), (ENDPOINT, "PPW_MARKETPLACE")):
        client = mturk_client(endpoint_url=endpoint_url, access_key=None, secret_key=None, max_connections=1)
        with pytest.raises(CrowdError, match=f"Set {prefix}_ACCESS_KEY_ID and {prefix}_SECRET_ACCESS_KEY"):
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
