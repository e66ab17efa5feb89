"""The real client against a local server: every kind of answer, and what it means for money and for the queue."""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import DEFAULT_MODEL, SHUT_DOWN, OpenAISettings, Profile
from pixelpatchwork.adapters.openai_pace import ImageRate
from pixelpatchwork.domain.errors import (
    ConfigurationError,
    EditorBusy,
    EditorError,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
)
from pixelpatchwork.domain.model import EditKey, Usage
from pixelpatchwork.domain.ports import EditRequest
from tests.support.images_api import KEY, ImagesApi, Reply, error, opened


class Sleeper:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 1_000.0

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def png(width: int, height: int, colour: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def request(prompt: str = "a red door", *, side: int = 256) -> EditRequest:
    return EditRequest(
        image_png=png(side, side, (40, 90, 140)),
        mask_png=png(side, side, (255, 255, 255, 0)),
        width=side,
        height=side,
        prompt=prompt,
        edit_key=EditKey("e" * 64),
        safety_identifier="5" * 64,
    )


@pytest.fixture
def api() -> Iterator[ImagesApi]:
    with ImagesApi() as server:
        yield server


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@contextmanager
def editor_for(
    api: ImagesApi, sleeper: Sleeper, *, api_key: str | None = KEY, **chosen: object
) -> Iterator[OpenAIEditor]:
    plain = OpenAISettings(base_url=api.base_url, images_per_minute=1_000, moderation=False, timeout=20)
    editor = OpenAIEditor(
        replace(plain, **chosen),  # type: ignore[arg-type]  # the tests choose
        api_key=api_key,
        sleep=sleeper.sleep,
        monotonic=sleeper.monotonic,
    )
    try:
        yield editor
    finally:
        editor.close()


@pytest.fixture
def editor(api: ImagesApi, sleeper: Sleeper) -> Iterator[OpenAIEditor]:
    with editor_for(api, sleeper) as one:
        yield one


# ---- the request ----------------------------------------------------------------------------------------


def test_a_request_has_the_form_that_the_service_wants(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(request())

    (call,) = api.calls
    assert call.fault is None
    assert call.file_types == {"image": ("image.png", "image/png"), "mask": ("mask.png", "image/png")}
    assert call.fields == {
        "prompt": "a red door",
        "model": DEFAULT_MODEL,
        "size": "256x256",
        "n": "1",
        "quality": "medium",
        "background": "opaque",
        "output_format": "png",
        "safety_identifier": "5" * 64,
    }


def test_the_picture_the_usage_and_the_exact_cost_come_back(editor: OpenAIEditor) -> None:
    result = editor.edit(request())

    with opened(result.image) as picture:
        assert picture.size == (256, 256)
    assert result.usage == Usage(input_text_tokens=40, input_image_tokens=2_040, output_tokens=1_056)
    assert result.cost_usd == Decimal("0.0482")
    assert result.request_id == "req_test"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": 5, "output_tokens": 7},
        {"input_tokens_details": {"text_tokens": 1, "image_tokens": 2}},
        {"input_tokens_details": [], "output_tokens": -1},
        {"input_tokens_details": {"text_tokens": True, "image_tokens": 2}, "output_tokens": 10**40},
    ],
)
def test_a_cost_that_is_not_said_in_full_is_unknown_and_never_zero(
    api: ImagesApi, editor: OpenAIEditor, usage: dict[str, object] | None
) -> None:
    api.usage = usage

    assert editor.edit(request()).cost_usd is None


def test_a_server_that_costs_nothing_costs_nothing(api: ImagesApi, sleeper: Sleeper) -> None:
    api.usage = None
    with editor_for(api, sleeper, worst_case_usd=Decimal(0)) as editor:
        assert editor.edit(request()).cost_usd == 0


@pytest.mark.parametrize(
    ("profile", "more"), [(Profile.SD_SERVER, {}), (Profile.DALL_E_2, {"response_format": "b64_json"})]
)
def test_a_compatible_server_gets_only_what_it_knows(
    api: ImagesApi, sleeper: Sleeper, profile: Profile, more: dict[str, str]
) -> None:
    api.takes_gpt_image_fields = False
    with editor_for(api, sleeper, profile=profile, model="dall-e-2") as editor:
        editor.edit(request())

    common = {"prompt": "a red door", "model": "dall-e-2", "size": "256x256", "n": "1"}
    assert api.calls[0].fields == common | more
    assert api.calls[0].fault is None


def test_a_prompt_cannot_set_the_parameters_of_a_local_server(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(request('<SD_cpp_extra_args>{"steps": 9999}</sd_cpp_sd_cpp_extra_argsextra_args>'))

    assert "sd_cpp_extra_args" not in api.calls[0].prompt.lower()


def test_a_prompt_longer_than_the_server_takes_is_final_and_not_sent(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    with (
        editor_for(api, sleeper, profile=Profile.DALL_E_2) as editor,
        pytest.raises(EditRejected, match="1001"),
    ):
        editor.edit(request("x" * 1_001))

    assert api.calls == []


def test_the_parameters_are_json_with_sorted_keys(editor: OpenAIEditor) -> None:
    assert editor.parameters == '{"profile": "openai", "quality": "medium"}'
    assert json.loads(editor.parameters)["quality"] == "medium"


# ---- the table of errors --------------------------------------------------------------------------------

FINAL = [
    (error(400, "moderation_blocked"), EditRefused, "does not allow this prompt"),
    (error(400, "content_policy_violation"), EditRefused, "does not allow this prompt"),
    (error(400, "billing_hard_limit_reached"), EditorStopped, "raise it"),
    (error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"), EditorStopped, "OPENAI_API_KEY"),
    (error(402, None), EditorStopped, "payment"),
    (error(403, "unsupported_country_region_territory"), EditorStopped, "no right"),
    (error(404, "model_not_found"), EditorStopped, r"editor\.model"),
    (Reply(status=404, body={"detail": "Not Found"}), EditorStopped, r"editor\.base_url"),
    (Reply(status=405, body=b"<html>"), EditorStopped, r"editor\.base_url"),
    (error(407, None), EditorStopped, "HTTPS_PROXY"),
    (error(418, None, "I am a teapot"), EditorStopped, "answered 418: I am a teapot"),
    (error(429, "insufficient_quota"), EditorStopped, "add some"),
    (error(429, None, type="insufficient_quota"), EditorStopped, "add some"),
    (error(429, "credit_balance_exhausted"), EditorStopped, "add some"),
    (error(429, "project_spend_limit_exceeded"), EditorStopped, "spend limit"),
    (
        error(400, "invalid_value", "No such quality", param="quality"),
        EditorStopped,
        r"editor\.quality: No such",
    ),
    (error(400, "invalid_image_file", "Bad picture"), EditRejected, "malformed: Bad picture"),
    (error(400, "invalid_value", "Bad size", param="size"), EditRejected, "Bad size"),
    (Reply(status=400, body={"error": "text of sd-server"}), EditRejected, "text of sd-server"),
    (error(413, None, "Too large"), EditRejected, "Too large"),
    (error(422, None, "Unprocessable"), EditRejected, "Unprocessable"),
    (
        Reply(status=502, body=b"<html>Bad gateway</html>"),
        EditOutcomeUnknown,
        "may have been made and billed",
    ),
    (error(504, None), EditOutcomeUnknown, "may have been made and billed"),
    (Reply(holds=False, drop_after=-1), EditOutcomeUnknown, "may have been made and billed"),
    (Reply(drop_after=200), EditOutcomeUnknown, "may have been made and billed"),
    (
        Reply(status=500, body={"error": {}}, drop_after=3),
        EditOutcomeUnknown,
        "may have been made and billed",
    ),
]


@pytest.mark.parametrize(("reply", "expected", "message"), FINAL)
def test_what_another_try_cannot_mend_is_tried_once(
    api: ImagesApi,
    editor: OpenAIEditor,
    sleeper: Sleeper,
    reply: Reply,
    expected: type[EditorError],
    message: str,
) -> None:
    api.replies.append(reply)

    with pytest.raises(expected, match=message):
        editor.edit(request())

    assert len(api.calls) == 1
    assert sleeper.waits == []


@pytest.mark.parametrize(
    ("reply", "waits"),
    [
        (error(429, "rate_limit_exceeded"), [15, 30, 60]),
        (error(429, "rate_limit_exceeded", headers={"Retry-After": "7"}), [7, 7, 7]),
        (error(400, "slow_down", headers={"Retry-After-Ms": "1500"}), [1.5, 1.5, 1.5]),
        (error(503, None, headers={"Retry-After": "soon"}), [15, 30, 60]),
        (error(503, None, headers={"Retry-After": "nan"}), [15, 30, 60]),
        (
            error(
                503,
                None,
                headers={
                    "Date": "Sat, 21 Nov 2026 20:00:00 GMT",
                    "Retry-After": "Sat, 21 Nov 2026 20:00:42 GMT",
                },
            ),
            [42, 42, 42],
        ),
        (error(429, "rate_limit_exceeded", headers={"Retry-After": "121"}), []),
        (error(500, None), [2]),
    ],
)
def test_what_passes_is_tried_again_after_the_pause_asked_for(
    api: ImagesApi, editor: OpenAIEditor, sleeper: Sleeper, reply: Reply, waits: list[float]
) -> None:
    api.replies.extend([reply] * 10)

    with pytest.raises(EditorBusy, match="Run `ppw collect` again later"):
        editor.edit(request())

    assert sleeper.waits == pytest.approx(waits)
    assert len(api.calls) == len(waits) + 1


def test_a_second_try_that_succeeds_gives_the_picture(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.extend([error(503, None), error(429, "slow_down")])

    assert editor.edit(request()).image
    assert len(api.calls) == 3


def test_a_server_that_cannot_be_reached_is_tried_again(sleeper: Sleeper) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    editor = OpenAIEditor(
        OpenAISettings(base_url=f"http://127.0.0.1:{port}/v1", moderation=False),
        api_key=KEY,
        sleep=sleeper.sleep,
        monotonic=sleeper.monotonic,
    )

    with pytest.raises(EditorBusy, match=r"cannot be reached.*editor\.base_url"):
        editor.edit(request())

    editor.close()
    assert sleeper.waits == [1, 2, 4]


def test_an_answer_that_does_not_come_is_unknown_and_not_asked_for_again(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    api.replies.append(Reply(holds=True))

    with editor_for(api, sleeper, timeout=0.2) as editor, pytest.raises(EditOutcomeUnknown):
        editor.edit(request())

    assert len(api.calls) == 1


def test_an_answer_that_drips_ends_with_the_time_allowed(api: ImagesApi, sleeper: Sleeper) -> None:
    sleeper.monotonic = iter(range(0, 10_000, 300)).__next__  # type: ignore[method-assign]  # each look costs 300 s

    with (
        editor_for(api, sleeper, timeout=200) as editor,
        pytest.raises(EditOutcomeUnknown, match="took too long"),
    ):
        editor.edit(request())


# ---- answers that say yes -------------------------------------------------------------------------------

TOO_LARGE = base64.b64encode(bytes(60_000_003))


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
        ({"data": [{"url": "http://127.0.0.1/x.png"}]}, EditorStopped, "editor.profile to dall-e-2"),
    ],
)
def test_a_yes_without_a_picture_may_have_been_billed(
    api: ImagesApi, editor: OpenAIEditor, body: object, expected: type[EditorError], message: str
) -> None:
    api.replies.append(Reply(body=body, headers={"Content-Type": "application/json"}))

    with pytest.raises(expected, match=message):
        editor.edit(request())

    assert len(api.calls) == 1


@pytest.mark.parametrize("filler", [b"A" * 80_000_008, b" " * 81_000_001])
def test_an_oversized_answer_is_refused(api: ImagesApi, editor: OpenAIEditor, filler: bytes) -> None:
    api.replies.append(Reply(body=b'{"data": [{"b64_json": "' + filler + b'"}]}'))

    with pytest.raises(EditOutcomeUnknown, match="bytes"):
        editor.edit(request())


def test_a_web_page_is_no_images_server(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.append(Reply(body=b"<!doctype html>", headers={"Content-Type": "text/html; charset=utf-8"}))

    with pytest.raises(EditorStopped, match=r"web page answered.*editor\.base_url"):
        editor.edit(request())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "b64_json", "url", "usage", "error", "code", "message", "param"]),
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
            editor.edit(request(side=16))

    check()


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
    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        OpenAIEditor(OpenAISettings(), api_key=key)

    assert key.strip() not in str(caught.value)


def test_openai_wants_a_key_and_a_server_of_ones_own_may_not(api: ImagesApi, sleeper: Sleeper) -> None:
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
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
        f"the model {DEFAULT_MODEL} shuts down on 2027-03-01: end the study before, or set editor.model",
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
        ([Reply(status=404, body=b"")], EditorStopped, "editor.moderation: false"),
        ([error(400, "bad", "No such input")], EditorStopped, "cannot be screened .*No such input"),
        ([Reply(body={"results": []})], EditorStopped, "editor.moderation: false"),
        ([Reply(body={"results": [{"flagged": "no"}]})], EditorStopped, "editor.moderation: false"),
        ([Reply(body={"results": ["x"]})], EditorStopped, "editor.moderation: false"),
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


# ---- the rate -------------------------------------------------------------------------------------------


def test_a_minute_holds_no_more_images_than_allowed(sleeper: Sleeper) -> None:
    rate = ImageRate(3, monotonic=sleeper.monotonic, sleep=sleeper.sleep)
    starts = []
    for _ in range(8):
        rate.wait()
        starts.append(sleeper.now)
        sleeper.now += 5

    assert all(later - earlier >= 60 for earlier, later in zip(starts, starts[3:], strict=False))
    assert starts[:3] == [1_000, 1_005, 1_010]


def test_threads_share_one_rate() -> None:
    waits: list[float] = []
    rate = ImageRate(2, monotonic=lambda: 0.0, sleep=waits.append)
    start = Barrier(6)

    def ask() -> None:
        start.wait()
        rate.wait()

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == [60, 60, 120, 120]


@given(
    per_minute=st.integers(1, 5), pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=30)
)
@settings(max_examples=100, deadline=None)
def test_the_rate_holds_however_the_calls_come(per_minute: int, pauses: list[float]) -> None:
    sleeper = Sleeper()
    rate = ImageRate(per_minute, monotonic=sleeper.monotonic, sleep=sleeper.sleep)
    starts = []
    for pause in pauses:
        sleeper.now += pause
        rate.wait()
        starts.append(sleeper.now)

    assert all(b >= a for a, b in pairwise(starts))
    windows = zip(starts, starts[per_minute:], strict=False)
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in windows)


def test_every_try_counts_against_the_rate(api: ImagesApi, sleeper: Sleeper) -> None:
    api.replies.append(error(500, None))

    with editor_for(api, sleeper, images_per_minute=1) as editor:
        editor.edit(request())

    assert sleeper.waits == [2, 58]
