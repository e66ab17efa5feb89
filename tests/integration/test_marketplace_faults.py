"""Trouble on demand: what a requester's program meets, in process and over a socket."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.marketplace.clock import parse_duration
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.faults import Faults, FaultsError, parse_faults
from tests.support.marketplace import TRANSPORTS, Bench, bench, hit_request, refusal


def impatient(here: Bench) -> Any:
    """A client that tries once."""
    if here.url is not None:
        return here.client
    client = boto3.client(
        "mturk",
        region_name="us-east-1",
        endpoint_url="http://embedded.invalid",
        config=Config(retries={"total_max_attempts": 1}),
    )
    attach(client, here.app)
    return client


def throttled() -> Any:
    return pytest.raises(
        ClientError,
        check=lambda error: (
            error.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        ),
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_throttled_call_is_refused_and_does_nothing(transport: str) -> None:
    with bench(transport, faults=Faults(throttle=1)) as here:
        with throttled():
            impatient(here).create_hit(**hit_request())
        assert here.app.test_client().get("/").status_code in (200, 303)


@pytest.mark.parametrize(
    ("transport", "lost"), [("embedded", ReadTimeoutError), ("served", ConnectionClosedError)]
)
def test_an_answer_is_lost_after_the_deed(transport: str, lost: type[Exception]) -> None:
    with bench(transport, faults=Faults(timeout_after_commit=0.5, seed=2)) as here:
        client, losses = impatient(here), 0
        for number in range(8):
            try:
                client.create_hit(**hit_request(UniqueRequestToken=f"token {number}"))
            except lost:
                losses += 1
        assert 0 < losses < 8

        def hits() -> int:
            try:
                return len(client.list_hits(MaxResults=100)["HITs"])
            except lost:
                return hits()

        assert hits() == 8


def test_a_submission_is_listed_and_judged_late() -> None:
    with bench(faults=Faults(late_assignments=30_000, approve_lag=60_000)) as here:
        hit_id = here.hit()
        assignment_id = here.worker().work(hit_id)
        listed = here.client.list_assignments_for_hit

        assert listed(HITId=hit_id)["Assignments"] == []
        for judge in (here.client.approve_assignment, here.client.reject_assignment):
            more = {"RequesterFeedback": "no"} if judge == here.client.reject_assignment else {}
            with refusal("InvalidAssignmentState", "This operation can be called with a status of: null"):
                judge(AssignmentId=assignment_id, **more)
        here.clock.advance(seconds=30)
        assert [one["AssignmentId"] for one in listed(HITId=hit_id)["Assignments"]] == [assignment_id]
        here.clock.advance(seconds=30)
        here.client.approve_assignment(AssignmentId=assignment_id)


def test_every_answer_comes_later_by_the_delay() -> None:
    with bench(faults=Faults(delay=30)) as here:
        began = time.monotonic()
        here.client.get_account_balance()
        assert time.monotonic() - began >= 0.03


def test_the_same_seed_makes_the_same_trouble() -> None:
    def story(seed: int) -> list[bool]:
        with bench(faults=Faults(throttle=0.5, seed=seed)) as here:
            return trouble(impatient(here))

    assert story(1) == story(1) != story(2)


def trouble(client: Any) -> list[bool]:
    return [is_refused(client) for _ in range(24)]


def is_refused(client: Any) -> bool:
    try:
        client.get_account_balance()
    except ClientError:
        return True
    return False


def test_the_notation_of_faults() -> None:
    text = "throttle=0.05, timeout_after_commit=.01,delay=20ms,late_assignments=30s,approve_lag=1m,seed=7"

    assert parse_faults(text) == Faults(
        throttle=0.05,
        timeout_after_commit=0.01,
        delay=20,
        late_assignments=30_000,
        approve_lag=60_000,
        seed=7,
    )
    assert parse_faults("") == Faults()


@given(
    st.builds(
        Faults,
        throttle=st.floats(0, 1),
        timeout_after_commit=st.floats(0, 1),
        delay=st.integers(0, 10**8),
        late_assignments=st.integers(0, 10**8),
        approve_lag=st.integers(0, 10**8),
        seed=st.integers(),
    )
)
def test_faults_are_told_in_the_notation_that_is_read(faults: Faults) -> None:
    assert parse_faults(faults.notation) == faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("throttle=2", "between 0 and 1"),
        ("throttle=nan", "between 0 and 1"),
        ("throttle", "throttle="),
        ("delay=20", "20ms"),
        ("seed=x", "seed=x"),
        ("slow=1", "Choose among"),
        ("seed=1,seed=2", "twice"),
    ],
)
def test_faults_that_cannot_be_read_are_named(text: str, said: str) -> None:
    with pytest.raises(FaultsError, match=said):
        parse_faults(text)


@pytest.mark.parametrize(
    ("text", "millis"),
    [("20ms", 20), ("90s", 90_000), ("20m", 1_200_000), ("2h", 7_200_000), ("1d 12H", 129_600_000)],
)
def test_durations_as_people_write_them(text: str, millis: int) -> None:
    assert parse_duration(text) == millis


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_fault(text: str) -> None:
    try:
        millis = parse_duration(text)
    except ValueError:
        return
    assert millis >= 0
