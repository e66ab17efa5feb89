"""Answers that say yes, as hostile input: without a picture, with a link, without end, of any shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import Profile
from pixelpatchwork.domain.errors import EditorError, EditorStopped, EditOutcomeUnknown
from tests.support.editors import Sleeper, allow, editor_for, request
from tests.support.images_api import ImagesApi, Reply


@pytest.fixture
def api() -> Iterator[ImagesApi]:
    with ImagesApi() as server:
        yield server


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def editor(api: ImagesApi, sleeper: Sleeper) -> Iterator[OpenAIEditor]:
    with editor_for(api, sleeper) as one:
        yield one


LINK = {"data": [{"url": "http://127.0.0.1/x.png"}]}


@pytest.mark.parametrize(
    ("body", "expected", "message"),
    [
        (b"", EditOutcomeUnknown, "no JSON"),
        (b'{"data": [{"b64_js', EditOutcomeUnknown, "no JSON"),
        (b"[" * 100_000, EditOutcomeUnknown, "no JSON"),
        ([], EditOutcomeUnknown, "no JSON object"),
        ({}, EditOutcomeUnknown, "holds no picture"),
        ({"data": None}, EditOutcomeUnknown, "holds no picture"),
        ({"data": []}, EditOutcomeUnknown, "holds no picture"),
        ({"data": ["x"]}, EditOutcomeUnknown, "holds no picture"),
        ({"data": [{"b64_json": ""}]}, EditOutcomeUnknown, "holds no picture"),
        ({"data": [{"b64_json": 7}]}, EditOutcomeUnknown, "holds no picture"),
        ({"data": [{"b64_json": "not base64!"}]}, EditOutcomeUnknown, "no base64"),
        ({"data": [{"b64_json": "ä"}]}, EditOutcomeUnknown, "no base64"),
        (LINK, EditOutcomeUnknown, r"only a link.* may have been billed\. Set openai\.profile to dall-e-2"),
    ],
)
def test_a_yes_without_a_picture_may_have_been_billed(
    api: ImagesApi, editor: OpenAIEditor, body: object, expected: type[EditorError], message: str
) -> None:
    api.replies.append(Reply(body=body, headers={"Content-Type": "application/json"}))

    with pytest.raises(expected, match=message):
        editor.edit(request(), sending=allow)

    assert len(api.calls) == 1


def test_no_second_picture_is_paid_for_where_links_are_answered(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.append(Reply(body=LINK))
    with pytest.raises(EditOutcomeUnknown):
        editor.edit(request(), sending=allow)

    with pytest.raises(EditorStopped, match=r"links to pictures.*openai\.profile to dall-e-2"):
        editor.edit(request(), sending=allow)

    assert len(api.calls) == 1


def test_a_link_from_a_server_that_costs_nothing_only_stops_the_queue(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    api.replies.append(Reply(body=LINK))

    with (
        editor_for(api, sleeper, worst_case_usd=Decimal(0)) as editor,
        pytest.raises(EditorStopped, match=r"links to pictures.*openai\.profile to dall-e-2"),
    ):
        editor.edit(request(), sending=allow)


def test_a_link_where_the_picture_was_asked_for_wants_another_server(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    api.takes_gpt_image_fields = False
    api.replies.append(Reply(body=LINK))

    with (
        editor_for(api, sleeper, profile=Profile.DALL_E_2) as editor,
        pytest.raises(EditOutcomeUnknown, match=r"openai\.base_url to another server"),
    ):
        editor.edit(request(), sending=allow)


@pytest.mark.parametrize("filler", [b"A" * 80_000_008, b" " * 81_000_001])
def test_an_oversized_answer_is_refused(api: ImagesApi, editor: OpenAIEditor, filler: bytes) -> None:
    api.replies.append(Reply(body=b'{"data": [{"b64_json": "' + filler + b'"}]}'))

    with pytest.raises(EditOutcomeUnknown, match="bytes"):
        editor.edit(request(), sending=allow)


def test_a_web_page_is_no_images_server(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.append(Reply(body=b"<!doctype html>", headers={"Content-Type": "text/html; charset=utf-8"}))

    with pytest.raises(EditorStopped, match=r"web page answered.*openai\.base_url"):
        editor.edit(request(), sending=allow)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "b64_json", "url", "usage", "error", "code", "type", "message", "param"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


def test_no_answer_whatever_gets_past_the_family_of_errors(api: ImagesApi, editor: OpenAIEditor) -> None:
    @given(status=st.sampled_from([200, 200, 400, 401, 404, 422, 502]), body=JSON)
    @settings(max_examples=80, deadline=None)
    def check(status: int, body: object) -> None:
        api.replies.append(Reply(status=status, body=json.dumps(body).encode()))
        with pytest.raises(EditorError):
            editor.edit(request(side=16), sending=allow)

    check()
