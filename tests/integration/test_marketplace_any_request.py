"""Whatever is sent to whichever operation, the answer is one that the API knows, and never a fault of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.shapes import service_model
from pixelpatchwork.marketplace.wire import TRUSTED
from tests.support.marketplace import Bench, bench, html_question
from tests.support.marketplace_story import Story
from tests.support.stores import DATABASES, fresh_database, mysql_server_url

FAMILIES = {"RequestError", "ParameterValidationError", "ValidationException", "SerializationException"}
OPERATIONS = sorted(service_model().operation_names)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "0.10", "12.", "A1", "3A", "x" * 300, "\x00", "\U0001f600", "-1", "9" * 30, "%_\\'\""]
    ),
    st.just(html_question()),
)
NUMBERS = st.one_of(
    st.integers(-1, 11), st.sampled_from([30, 60, 100, 3600, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, 2**63])
)


@pytest.fixture(scope="module", params=DATABASES)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        url = (
            "sqlite://"
            if request.param == "sqlite"
            else stack.enter_context(fresh_database(mysql_server_url()))
        )
        yield stack.enter_context(bench(database_url=url))


@pytest.fixture(scope="module")
def known(market: Bench) -> list[str]:
    """Ids that exist, so that requests reach further than the first look-up."""
    story = Story(market)
    hit_id, assignment_id, worker = story.submitted()
    type_id, request_id, _ = story.requested()
    hit_type_id = market.get(hit_id)["HITTypeId"]
    return [hit_id, assignment_id, worker.worker_id, type_id, request_id, hit_type_id, story.bench.hit()]


def values(shape: Shape, ids: list[str]) -> st.SearchStrategy[Any]:
    """Mostly what the model asks for, so that many requests get past it, and sometimes anything at all."""
    return st.one_of(_right(shape, ids), _right(shape, ids), _right(shape, ids), JSON)


def _right(shape: Shape, ids: list[str]) -> st.SearchStrategy[Any]:
    if isinstance(shape, StructureShape):
        return members(shape, ids)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, ids), max_size=3)
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in {"integer", "long", "timestamp"}:
        return NUMBERS
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    return st.one_of(st.sampled_from(ids), TEXTS)


def members(shape: StructureShape, ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    required = {name: values(shape.members[name], ids) for name in shape.required_members}
    others = {name: values(member, ids) for name, member in shape.members.items() if name not in required}
    return st.fixed_dictionaries(required, optional=others)


def call(browser: FlaskClient, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    response = browser.post(
        "/",
        data=body,
        headers={"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"},
        environ_overrides={TRUSTED: True},
    )
    answer: dict[str, Any] = json.loads(response.data)
    return response.status_code, answer


def check(status: int, answer: dict[str, Any]) -> None:
    assert status in (200, 400), answer
    if status == 400:
        assert answer["__type"] in FAMILIES
        assert answer.get("Message") or answer.get("message")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_request_of_an_operation_is_answered_or_refused(
    operation: str, market: Bench, known: list[str]
) -> None:
    shape = service_model().operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    browser = market.app.test_client()

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(members(shape, known) | JSON)
    def try_it(body: Any) -> None:
        check(*call(browser, operation, json.dumps(body).encode()))

    try_it()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(OPERATIONS), st.binary(max_size=60))
def test_any_bytes_are_answered_or_refused(market: Bench, operation: str, body: bytes) -> None:
    check(*call(market.app.test_client(), operation, body))


def test_deep_json_is_refused(market: Bench) -> None:
    status, answer = call(market.app.test_client(), "ListHITs", b"[" * 100_000)

    assert (status, answer["__type"]) == (400, "SerializationException")
