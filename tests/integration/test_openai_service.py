"""Around the edits: the key that is never shown, models that end, the doctor, and the screening of prompts."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import pytest

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import DEFAULT_MODEL, SHUT_DOWN, OpenAISettings
from pixelpatchwork.domain.errors import (
    ConfigurationError,
    EditorBusy,
    EditorError,
    EditorStopped,
    EditRefused,
)
from tests.support.editors import Sleeper, editor_for, request
from tests.support.images_api import KEY, ImagesApi, Reply, error


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


# ---- the key --------------------------------------------------------------------------------------------

OWN_KEY = "my-own-key-of-a-local-server-0123456789"


@pytest.mark.parametrize("key", [KEY, OWN_KEY])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 422, 429, 500, 502])
def test_the_key_shows_in_no_message_traceback_or_log(
    sleeper: Sleeper, caplog: pytest.LogCaptureFixture, key: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"Incorrect API key provided: {key}. Authorization: Bearer {key}; {key[:9]}****{key[-4:]}"
    with ImagesApi(key=key) as api, editor_for(api, sleeper, api_key=key) as editor:
        api.replies.extend([error(status, "some_code", words)] * 5)
        with pytest.raises(EditorError) as caught:
            editor.edit(request())

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert key not in told
    assert key[-20:] not in told
    assert key not in caplog.text


@pytest.mark.parametrize("key", ["sk-with-newline\n", "sk-with space", "sk-with-ümlaut"])
def test_a_key_that_http_would_quote_in_its_error_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigurationError, match="Copy it again") as caught:
        OpenAIEditor(OpenAISettings(), api_key=key)

    assert key.strip() not in str(caught.value)


def test_openai_wants_a_key_and_a_server_of_ones_own_may_not(api: ImagesApi, sleeper: Sleeper) -> None:
    with pytest.raises(ConfigurationError, match="Set OPENAI_API_KEY"):
        OpenAIEditor(OpenAISettings(), api_key=None)

    api.key = None
    with editor_for(api, sleeper, api_key=None) as editor:
        assert editor.edit(request()).image


# ---- models ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [*SHUT_DOWN, "gpt-image-1.5-2025-12-16"])
def test_a_model_that_was_shut_down_is_refused_by_name_of_its_heir(model: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{model} down on 2026-.*{DEFAULT_MODEL}"):
        OpenAIEditor(OpenAISettings(model=model), api_key=KEY)


def test_a_shut_down_name_is_welcome_where_it_is_served(api: ImagesApi, sleeper: Sleeper) -> None:
    with editor_for(api, sleeper, model="dall-e-2") as editor:
        assert editor.model == "dall-e-2"
        assert not editor.host_costs_money


@pytest.mark.parametrize(
    ("url", "costs"),
    [
        (None, True),
        ("https://API.openai.com./v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.evil.example/v1", False),
        ("http://127.0.0.1:9/v1", False),
    ],
)
def test_only_openais_own_host_is_known_to_cost_money(url: str | None, *, costs: bool) -> None:
    editor = OpenAIEditor(OpenAISettings(base_url=url), api_key=KEY)

    assert editor.host_costs_money is costs
    editor.close()


def test_an_address_in_the_environment_changes_nothing_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    editor = OpenAIEditor(OpenAISettings(), api_key=KEY)

    assert editor.host_costs_money
    editor.close()


# ---- the doctor -----------------------------------------------------------------------------------------


def test_the_check_has_nothing_to_say_of_a_lasting_model(editor: OpenAIEditor) -> None:
    assert editor.check() == ()


def test_the_check_warns_of_a_model_that_will_end(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.shutdown_dates[DEFAULT_MODEL] = "2027-03-01"

    assert editor.check() == (
        f"the model {DEFAULT_MODEL} shuts down on 2027-03-01: end the study before, or set openai.model",
    )


def test_the_check_lets_a_compatible_server_know_no_models(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.shutdown_dates.clear()

    assert editor.check() == (f"the server does not say whether it has the model {DEFAULT_MODEL}",)


@pytest.mark.parametrize(
    ("reply", "expected", "message"),
    [
        (error(401, "invalid_api_key"), EditorStopped, "OPENAI_API_KEY"),
        (error(503, None), EditorBusy, "busy or failing"),
        (Reply(drop_after=-1), EditorBusy, "broke off"),
        (Reply(body=b"no json"), EditorBusy, "broke off"),
    ],
)
def test_the_check_asks_once_and_says_what_is_wrong(
    api: ImagesApi,
    editor: OpenAIEditor,
    sleeper: Sleeper,
    reply: Reply,
    expected: type[EditorError],
    message: str,
) -> None:
    api.model_replies.append(reply)

    with pytest.raises(expected, match=message):
        editor.check()

    assert sleeper.waits == []


# ---- moderation -----------------------------------------------------------------------------------------


@pytest.fixture
def screening(api: ImagesApi, sleeper: Sleeper) -> Iterator[OpenAIEditor]:
    with editor_for(api, sleeper, moderation=True) as editor:
        yield editor


def test_a_prompt_is_screened_before_anything_is_paid(api: ImagesApi, screening: OpenAIEditor) -> None:
    screening.edit(request("a red door"))

    with pytest.raises(EditRefused, match="does not allow this prompt"):
        screening.edit(request("a forbidden door"))

    assert api.screened == ["a red door", "a forbidden door"]
    assert len(api.calls) == 1


def test_screening_may_be_switched_off(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(request("a forbidden door"))

    assert api.screened == []


@pytest.mark.parametrize(
    ("replies", "expected", "message"),
    [
        ([error(503, None)] * 4, EditorBusy, "busy or failing"),
        ([Reply(drop_after=-1)], EditorBusy, "broke off"),
        ([Reply(body=b"{")], EditorBusy, "broke off"),
        ([Reply(status=404, body=b"")], EditorStopped, "openai.moderation: false"),
        ([error(400, "bad", "No such input")], EditorStopped, "cannot be screened.* No such input"),
        ([Reply(body={"results": []})], EditorStopped, "openai.moderation: false"),
        ([Reply(body={"results": [{"flagged": "no"}]})], EditorStopped, "openai.moderation: false"),
        ([Reply(body={"results": ["x"]})], EditorStopped, "openai.moderation: false"),
    ],
)
def test_nothing_is_painted_unscreened(
    api: ImagesApi,
    screening: OpenAIEditor,
    replies: list[Reply],
    expected: type[EditorError],
    message: str,
) -> None:
    api.moderation_replies.extend(replies)

    with pytest.raises(expected, match=message):
        screening.edit(request())

    assert api.calls == []
