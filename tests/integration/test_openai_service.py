"""Around the edits: the key that is never shown, models that end, the doctor, and the screening of prompts."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import DEFAULT_MODEL, SHUT_DOWN, OpenAISettings
from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorError,
    EditorStopped,
    EditRefused,
)
from tests.support.editors import Sleeper, allow, editor_for, request
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


@dataclass(frozen=True, kw_only=True)
class AtOpenAI:
    """Editors that believe they speak to OpenAI: the local server stands in their way as a proxy."""

    api: ImagesApi
    sleeper: Sleeper

    def editor(self, **chosen: Any) -> AbstractContextManager[OpenAIEditor]:
        return editor_for(
            self.api, self.sleeper, base_url="http://api.openai.com/v1", **{"moderation": True, **chosen}
        )

    def refusals(self, **chosen: Any) -> list[str]:
        """What an edit and a check say when they stop; and that they sent nothing."""
        said = []
        with self.editor(**chosen) as editor:
            for call in (lambda: editor.edit(request(), sending=_forbid), editor.check):
                with pytest.raises(EditorStopped) as caught:
                    call()
                said.append(str(caught.value))
        assert self.api.requests == 0
        return said


def _forbid() -> None:
    raise AssertionError("a request went out")


@pytest.fixture
def at_openai(api: ImagesApi, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch) -> AtOpenAI:
    monkeypatch.setenv("HTTP_PROXY", api.proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    return AtOpenAI(api=api, sleeper=sleeper)


# ---- the key --------------------------------------------------------------------------------------------

OWN_KEY = "my-own-key-of-a-local-server-0123456789"


@pytest.mark.parametrize("key", [KEY, OWN_KEY])
@pytest.mark.parametrize("first", [500, 503])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 422, 429, 500, 502])
def test_the_key_shows_in_no_message_traceback_or_log(
    sleeper: Sleeper, caplog: pytest.LogCaptureFixture, key: str, first: int, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"Incorrect API key provided: {key}. Authorization: Bearer {key}; {key[:9]}****{key[-4:]}"
    with ImagesApi(key=key) as api, editor_for(api, sleeper, api_key=key) as editor:
        api.replies.extend([error(first, None)] + [error(status, "some_code", words)] * 5)
        with pytest.raises(EditorError) as caught:
            editor.edit(request(), sending=allow)

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert key not in told
    assert key[-20:] not in told
    assert key not in caplog.text


@pytest.mark.parametrize("key", ["sk-with-newline\n", "sk-with space", "sk-with-ümlaut"])
def test_a_key_that_http_would_quote_in_its_error_is_refused_unseen(at_openai: AtOpenAI, key: str) -> None:
    for said in at_openai.refusals(api_key=key):
        assert "Copy it again" in said
        assert key.strip() not in said


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_the_editor_says_so_only_when_it_is_needed(
    at_openai: AtOpenAI, key: str | None
) -> None:
    assert (
        at_openai.refusals(api_key=key)
        == ["There is no OpenAI key. Set OPENAI_API_KEY in the environment or in .env."] * 2
    )


def test_without_a_key_all_else_can_be_asked_of_the_editor() -> None:
    editor = OpenAIEditor(OpenAISettings(), api_key=None)

    assert (editor.name, editor.model) == ("openai", DEFAULT_MODEL)
    assert editor.parameters == '{"profile": "openai", "quality": "medium"}'
    assert editor.limits == OpenAISettings().dialect.limits
    assert editor.host_costs_money
    editor.close()


def test_a_server_of_ones_own_may_want_no_key(api: ImagesApi, sleeper: Sleeper) -> None:
    api.key = None

    with editor_for(api, sleeper, api_key=None) as editor:
        assert editor.edit(request(), sending=allow).image


# ---- models ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "day"), [*SHUT_DOWN.items(), ("gpt-image-1.5-2025-12-16", date(2026, 12, 1))]
)
def test_a_model_is_refused_from_the_day_on_that_openai_shuts_it_down(
    at_openai: AtOpenAI, model: str, day: date
) -> None:
    said = f"OpenAI shut {model} down on {day}. Set openai.model to {DEFAULT_MODEL}, the default."

    assert at_openai.refusals(model=model, today=lambda: day) == [said] * 2


def test_a_model_paints_until_the_day_before_its_end(at_openai: AtOpenAI) -> None:
    at_openai.api.shutdown_dates["gpt-image-1.5"] = None

    with at_openai.editor(model="gpt-image-1.5", today=lambda: date(2026, 11, 30)) as editor:
        assert editor.edit(request(), sending=allow).image
        assert editor.check() == (
            "the model gpt-image-1.5 shuts down on 2026-12-01: end the study before, or set openai.model",
        )


def test_a_model_may_end_while_an_edit_waits_for_its_turn(at_openai: AtOpenAI) -> None:
    days = iter([date(2026, 11, 30), date(2026, 12, 1)])
    at_openai.api.shutdown_dates["gpt-image-1.5"] = None

    with (
        at_openai.editor(model="gpt-image-1.5", today=lambda: next(days)) as editor,
        pytest.raises(EditorStopped, match=r"OpenAI shut gpt-image-1\.5 down on 2026-12-01"),
    ):
        editor.edit(request(), sending=_forbid)

    assert at_openai.api.screened == ["a red door"]
    assert at_openai.api.calls == []


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


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ("2026-11-20", "was to shut down on 2026-11-20 and may end any moment: set openai.model"),
        ("2026-11-21T08:00:00Z", "was to shut down on 2026-11-21 and may end any moment: set openai.model"),
        ("2026-11-22", "shuts down on 2026-11-22: end the study before, or set openai.model"),
    ],
)
def test_the_check_tells_an_end_to_come_from_one_that_is_due(
    api: ImagesApi, editor: OpenAIEditor, said: str, warning: str
) -> None:
    api.shutdown_dates[DEFAULT_MODEL] = said

    assert editor.check() == (f"the model {DEFAULT_MODEL} {warning}",)


@pytest.mark.parametrize("said", ["soon\x1b[31m", "", "2026-13-45", 7, ["2027-01-01"]])
def test_the_check_repeats_no_end_that_is_no_date(api: ImagesApi, editor: OpenAIEditor, said: object) -> None:
    api.model_replies.append(Reply(body={"shutdown_date": said}))

    assert editor.check() == ()


def test_the_check_lets_a_compatible_server_know_no_models(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.shutdown_dates.clear()

    assert editor.check() == (f"the server does not say whether it has the model {DEFAULT_MODEL}",)


@pytest.mark.parametrize(
    ("reply", "expected", "message"),
    [
        (error(401, "invalid_api_key"), EditorStopped, "OPENAI_API_KEY"),
        (error(503, None), EditorBusy, "busy or failing"),
        (error(500, None), EditorBusy, "broke off"),
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
    screening.edit(request("a red door"), sending=allow)

    with pytest.raises(EditRefused, match="does not allow this prompt"):
        screening.edit(request("a forbidden door"), sending=allow)

    assert api.screened == ["a red door", "a forbidden door"]
    assert len(api.calls) == 1


def test_screening_may_be_switched_off(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(request("a forbidden door"), sending=allow)

    assert api.screened == []


@pytest.mark.parametrize(
    ("replies", "expected", "message"),
    [
        ([error(503, None)] * 4, EditorBusy, "busy or failing"),
        ([error(500, None)] * 2, EditorBusy, "broke off"),
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
        screening.edit(request(), sending=allow)

    assert api.calls == []
