"""Reading what an images server answers, as hostile input: bounded in size and time, of any shape.

The client would keep an answer of any size in memory, wait for one that drips for ever, and build its objects
without checking them; so answers are streamed and read here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from openai import APIResponse

from pixelpatchwork.domain.errors import EditorStopped, EditOutcomeUnknown
from pixelpatchwork.domain.model import Usage

Json = dict[str, Any]

MAX_PICTURE = 60_000_000
"""Bytes of an answered picture, decoded. The largest legal canvas as raw RGB has 25 million."""

_MAX_ANSWER = MAX_PICTURE * 4 // 3 + 1_000_000
_MAX_TOKENS = 1_000_000_000


def read_object(response: APIResponse[Any], *, has_time: Callable[[], bool]) -> Json:
    """The JSON object of a successful answer.

    Raises EditorStopped for a web page (that is no images server), EditOutcomeUnknown for anything else that
    is no object, is too long, or is not complete while `has_time()`.
    """
    if "html" in response.headers.get("content-type", ""):
        raise EditorStopped(
            "No edit can succeed: a web page answered. Check openai.base_url (it ends in /v1)."
        )
    text = bytearray()
    for chunk in response.iter_bytes():
        text += chunk
        if len(text) > _MAX_ANSWER:
            raise _lost(f"its answer is longer than {_MAX_ANSWER:,} bytes")
        if not has_time():
            raise _lost("its answer took too long; see openai.timeout_seconds")
    try:
        decoded = text.decode("utf-8-sig", errors="surrogatepass")
        text.clear()  # 80 MB, which would stand in memory three times over
        body = json.loads(decoded)
    except (ValueError, RecursionError) as error:
        raise _lost("its answer is no JSON") from error
    if not isinstance(body, dict):
        raise _lost("its answer is no JSON object")
    return body


class LinkAnsweredError(EditOutcomeUnknown):
    """The server made the picture and gave a link to it, which is not followed: it could lead anywhere."""


def picture_of(body: Json) -> bytes:
    """The picture, still encoded as the server chose. Raises EditOutcomeUnknown; LinkAnsweredError for a link."""
    pictures = body.get("data")
    first = pictures[0] if isinstance(pictures, list) and pictures else None
    if not isinstance(first, dict):
        raise _lost("its answer holds no picture")
    text = first.get("b64_json")
    if not isinstance(text, str) or not text:
        if first.get("url"):
            raise LinkAnsweredError(_loss("it sent only a link"))
        raise _lost("its answer holds no picture")
    return _decoded(text)


def _decoded(text: str) -> bytes:
    if len(text) > MAX_PICTURE * 4 // 3 + 4:
        raise _lost(f"its picture has more than {MAX_PICTURE:,} bytes")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _lost("its picture is no base64") from error


def usage_of(body: Json) -> Usage | None:
    """The tokens that the server says it used; None where it says nothing of them."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    details = usage.get("input_tokens_details")
    parts = details if isinstance(details, dict) else {}
    return Usage(
        input_text_tokens=_tokens(parts.get("text_tokens")),
        input_image_tokens=_tokens(parts.get("image_tokens")),
        output_tokens=_tokens(usage.get("output_tokens")),
    )


def _tokens(number: object) -> int | None:
    """A believable count of tokens, or None."""
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MAX_TOKENS:
        return number
    return None


def is_flagged(body: Json) -> bool:
    """Whether moderation objects to the text. Raises EditorStopped where this is no such answer."""
    results = body.get("results")
    flags = [
        one.get("flagged") if isinstance(one, dict) else None
        for one in (results if isinstance(results, list) else ())
    ]
    if not flags or not all(isinstance(flag, bool) for flag in flags):
        raise EditorStopped(
            "The server's /moderations does not answer as OpenAI's does. Set openai.moderation: false."
        )
    return any(flags)


def shutdown_date_of(body: Json) -> date | None:
    """The day on which the server says that a model ends; None where it names none."""
    try:
        return datetime.fromisoformat(str(body.get("shutdown_date"))).date()
    except ValueError:
        return None


def _lost(reason: str) -> EditOutcomeUnknown:
    return EditOutcomeUnknown(_loss(reason))


def _loss(reason: str) -> str:
    return f"The image service said yes, but {reason}: the picture may have been billed."
