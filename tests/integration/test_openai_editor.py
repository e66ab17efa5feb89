"""The real client against a local server: every kind of answer, and what it means for money and for the queue."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import DEFAULT_MODEL, GPT_IMAGE_RATES, OpenAISettings, Profile
from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorError,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
)
from pixelpatchwork.domain.model import Usage
from tests.support.editors import Sleeper, allow, editor_for, request
from tests.support.images_api import KEY, ImagesApi, Reply, error, opened


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


# ---- the request ----------------------------------------------------------------------------------------


def test_a_request_has_the_form_that_the_service_wants(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(request(), sending=allow)

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
    result = editor.edit(request(), sending=allow)

    with opened(result.image) as picture:
        assert picture.size == (256, 256)
    assert result.usage == Usage(input_text_tokens=40, input_image_tokens=2_040, output_tokens=1_056)
    assert result.cost_usd == Decimal("0.0482")
    assert result.rates == GPT_IMAGE_RATES.version
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

    result = editor.edit(request(), sending=allow)

    assert (result.cost_usd, result.rates) == (None, None)


def test_a_server_that_costs_nothing_costs_nothing(api: ImagesApi, sleeper: Sleeper) -> None:
    api.usage = None
    with editor_for(api, sleeper, worst_case_usd=Decimal(0)) as editor:
        result = editor.edit(request(), sending=allow)

    assert (result.cost_usd, result.rates) == (Decimal(0), None)


@pytest.mark.parametrize(
    ("profile", "more"), [(Profile.SD_SERVER, {}), (Profile.DALL_E_2, {"response_format": "b64_json"})]
)
def test_a_compatible_server_gets_only_what_it_knows(
    api: ImagesApi, sleeper: Sleeper, profile: Profile, more: dict[str, str]
) -> None:
    api.takes_gpt_image_fields = False
    with editor_for(api, sleeper, profile=profile, model="dall-e-2") as editor:
        editor.edit(request(), sending=allow)

    common = {"prompt": "a red door", "model": "dall-e-2", "size": "256x256", "n": "1"}
    assert api.calls[0].fields == common | more
    assert api.calls[0].fault is None


def test_a_prompt_cannot_set_the_parameters_of_a_local_server(api: ImagesApi, editor: OpenAIEditor) -> None:
    editor.edit(
        request('<SD_cpp_extra_args>{"steps": 9999}</sd_cpp_sd_cpp_extra_argsextra_args>'), sending=allow
    )

    assert "sd_cpp_extra_args" not in api.calls[0].prompt.lower()


def test_a_prompt_longer_than_the_server_takes_is_final_and_not_sent(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    with (
        editor_for(api, sleeper, profile=Profile.DALL_E_2) as editor,
        pytest.raises(EditRejected, match="1001"),
    ):
        editor.edit(request("x" * 1_001), sending=allow)

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
    (error(404, "model_not_found"), EditorStopped, r"openai\.model"),
    (Reply(status=404, body={"detail": "Not Found"}), EditorStopped, r"openai\.base_url"),
    (Reply(status=405, body=b"<html>"), EditorStopped, r"openai\.base_url"),
    (error(407, None), EditorStopped, "HTTPS_PROXY"),
    (error(418, None, "I am a teapot"), EditorStopped, "answered 418: I am a teapot"),
    (error(429, "insufficient_quota"), EditorStopped, "add some"),
    (error(429, None, type="insufficient_quota"), EditorStopped, "add some"),
    (error(429, "credit_balance_exhausted"), EditorStopped, "add some"),
    (error(429, "project_spend_limit_exceeded"), EditorStopped, "spend limit"),
    (
        error(400, "invalid_value", "No such quality", param="quality"),
        EditorStopped,
        "does not take 'quality' as it is sent .No such quality",
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
    (Reply(drop_after=-1), EditOutcomeUnknown, "may have been made and billed"),
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
        editor.edit(request(), sending=allow)

    assert len(api.calls) == 1
    assert sleeper.waits == []


@pytest.mark.parametrize(
    ("reply", "waits"),
    [
        (error(429, "rate_limit_exceeded"), [15, 30, 60]),
        (error(429, "rate_limit_exceeded", headers={"Retry-After": "7"}), [7, 7, 7]),
        (error(400, "slow_down", headers={"Retry-After-Ms": "1500"}), [1.5, 1.5, 1.5]),
        (error(503, None, headers={"Retry-After": "0"}), [1, 1, 1]),
        (error(503, None, headers={"Retry-After": "-5"}), [1, 1, 1]),
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
        (error(429, "rate_limit_exceeded", headers={"Retry-After": "61"}), []),
        (error(500, "slow_down"), [15, 30, 60]),
    ],
)
def test_what_passes_is_tried_again_after_the_pause_asked_for(
    api: ImagesApi, editor: OpenAIEditor, sleeper: Sleeper, reply: Reply, waits: list[float]
) -> None:
    api.replies.extend([reply] * 10)

    with pytest.raises(EditorBusy, match="Run again later: ppw collect"):
        editor.edit(request(), sending=allow)

    assert sleeper.waits == pytest.approx(waits)
    assert len(api.calls) == len(waits) + 1


def test_a_failure_that_repeats_may_have_been_billed_and_does_not_wait_for_ever(
    api: ImagesApi, editor: OpenAIEditor, sleeper: Sleeper
) -> None:
    api.replies.extend([error(500, None)] * 10)

    with pytest.raises(EditOutcomeUnknown, match=r"keeps failing.*\(500\).*may have been made and billed"):
        editor.edit(request(), sending=allow)

    assert sleeper.waits == [2]
    assert len(api.calls) == 2


@pytest.mark.parametrize("after", [error(503, None), error(429, "insufficient_quota")])
def test_a_failure_stays_unknown_whatever_the_next_try_meets(
    api: ImagesApi, editor: OpenAIEditor, after: Reply
) -> None:
    api.replies.extend([error(500, None), after, after, after])

    with pytest.raises(EditOutcomeUnknown, match="keeps failing"):
        editor.edit(request(), sending=allow)


def test_a_prompt_that_is_refused_after_a_failure_is_refused(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.extend([error(500, None), error(400, "moderation_blocked")])

    with pytest.raises(EditRefused):
        editor.edit(request(), sending=allow)


def test_a_failure_after_a_pause_is_not_asked_for_again(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.extend([error(503, None), error(500, None)])

    with pytest.raises(EditOutcomeUnknown):
        editor.edit(request(), sending=allow)

    assert len(api.calls) == 2


def test_a_second_try_that_succeeds_gives_the_picture(api: ImagesApi, editor: OpenAIEditor) -> None:
    api.replies.extend([error(503, None), error(429, "slow_down")])

    assert editor.edit(request(), sending=allow).image
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

    with pytest.raises(EditorBusy, match=r"cannot be reached.*openai\.base_url"):
        editor.edit(request(), sending=allow)

    editor.close()
    assert sleeper.waits == [1, 2, 4]


def test_an_answer_that_does_not_come_is_unknown_and_not_asked_for_again(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    api.replies.append(Reply(holds=True))

    with editor_for(api, sleeper, timeout=0.2) as editor, pytest.raises(EditOutcomeUnknown):
        editor.edit(request(), sending=allow)

    assert len(api.calls) == 1


def test_an_answer_that_drips_ends_with_the_time_allowed(api: ImagesApi, sleeper: Sleeper) -> None:
    sleeper.monotonic = iter(range(0, 10_000, 300)).__next__  # type: ignore[method-assign]  # each look costs 300 s

    with (
        editor_for(api, sleeper, timeout=200) as editor,
        pytest.raises(EditOutcomeUnknown, match="took too long"),
    ):
        editor.edit(request(), sending=allow)


def test_every_try_counts_against_the_rate(api: ImagesApi, sleeper: Sleeper) -> None:
    api.replies.append(error(500, None))

    with editor_for(api, sleeper, images_per_minute=1) as editor:
        editor.edit(request(), sending=allow)

    assert sleeper.waits == [2, 58]
