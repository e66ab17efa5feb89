"""What a failed call to the images API means for the edit and for the queue.

Which outcomes may be tried again is a question of money: a request that never arrived and one that was
refused cost nothing, but one whose answer was lost may have been billed. A failure (500) is tried once more; where
it repeats, the prompt may be what draws it, and as an unknown outcome it does not hold up the edits behind it for
ever. (Tried against `openai` 3.54.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Never

import httpx2
import openai

from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorError,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
)

LONGEST_WAIT = 60.0
"""Seconds. A server that asks for a longer pause is left alone until the next run."""
SHORTEST_WAIT = 1.0
"""Seconds, also where a busy server asks for none."""
THROTTLE_WAIT = 15.0
"""Seconds before the next try where the server does not say how long."""
FAULT_WAIT = 2.0
"""Seconds before the one further try after a failure."""

_THROTTLE_RETRIES = 3
_CONNECT_RETRIES = 3
_FAULT_RETRIES = 1

_REFUSALS = frozenset({"moderation_blocked", "content_policy_violation"})
_THROTTLES = frozenset({"rate_limit_exceeded", "slow_down"})
_STOPS: Mapping[str, str] = MappingProxyType(
    {
        "billing_hard_limit_reached": "the account's budget is used up: raise it, and run the command again.",
        "insufficient_quota": "the account has no credit left: add some, and run the command again.",
        "credit_balance_exhausted": "the account has no credit left: add some, and run the command again.",
        "model_not_found": "the server does not know the model, or not for this key: check openai.model.",
        "invalid_api_key": "the server does not accept the key: check OPENAI_API_KEY.",
    }
)
_SPEND_LIMIT = "_spend_limit_exceeded"
_STOPPING_STATUS: Mapping[int, str] = MappingProxyType(
    {
        401: "the server does not accept the key: check OPENAI_API_KEY.",
        402: "the server asks for payment: look at the account.",
        403: "the key has no right to edit pictures: check its project, its permissions and your country.",
        404: "the server has no such address: check openai.base_url (it ends in /v1) and openai.model.",
        405: "the server has no such address: check openai.base_url (it ends in /v1).",
        407: "the proxy on the way wants a password: check HTTPS_PROXY.",
    }
)
_OUR_DEFECTS = frozenset({400, 413, 415, 422})
_SETTINGS_IN_THE_REQUEST = frozenset(
    {"model", "quality", "background", "output_format", "response_format", "n", "safety_identifier"}
)
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
_LONGEST_QUOTE = 300
_KEY_LIKE = re.compile(r"\b(?:sk|sess)-[\w*.-]{4,}|Bearer\s+\S+", re.IGNORECASE)

TransportFault = openai.APIError | httpx2.HTTPError
TRANSPORT_FAULTS = (openai.APIError, httpx2.HTTPError)
"""What the client raises: its own errors, and the transport's where an answer breaks off in the middle."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a fault means. `wait(n)`: seconds before the n-th further try, of which there are `retries`."""

    error: EditorError
    retries: int = 0
    wait: Callable[[int], float] = lambda _attempt: 0.0
    keeps_cause: bool = True

    def throw(self, cause: TransportFault) -> Never:
        """Raises the error; without its cause where that quotes the key."""
        raise self.error from (cause if self.keeps_cause else None)


def diagnose(fault: TransportFault, *, api_key: str) -> Diagnosis:
    """What `fault` means, in words without the key."""
    if isinstance(fault, openai.APIStatusError):
        return _diagnose_answer(fault, api_key)
    if isinstance(fault.__cause__, _NEVER_SENT):
        return Diagnosis(
            error=EditorBusy(
                "The images server cannot be reached. Check the network and openai.base_url. "
                "Then run: ppw collect"
            ),
            retries=_CONNECT_RETRIES,
            wait=lambda attempt: 2.0 ** (attempt - 1),
        )
    return Diagnosis(
        error=EditOutcomeUnknown(
            "The connection broke before the whole answer had come: the picture may have been made and billed."
        )
    )


def _diagnose_answer(fault: openai.APIStatusError, api_key: str) -> Diagnosis:
    said = quoted(fault, api_key)
    error = _final(fault, said) or _passing(fault) or _unforeseen(fault, said)
    retries, wait = _patience(fault, error)
    quotes_key = fault.status_code == 401 or redacted(str(fault), api_key) != str(fault)
    return Diagnosis(error=error, retries=retries, wait=wait, keeps_cause=not quotes_key)


def _final(fault: openai.APIStatusError, said: str) -> EditorError | None:
    """What another try cannot mend. Codes come first, for a code says more than its status."""
    status = fault.status_code
    if fault.code in _REFUSALS:
        return EditRefused("The image service's moderation does not allow this prompt.")
    if stop := _stop_of(fault):
        return EditorStopped(f"No edit can succeed: {stop}")
    if status in {400, 422} and _word(fault.param) in _SETTINGS_IN_THE_REQUEST:
        return EditorStopped(
            f"No edit can succeed: the server does not take {fault.param!r} as it is sent ({said}). "
            "Check openai.model, openai.quality and openai.profile."
        )
    if status in _OUR_DEFECTS and fault.code not in _THROTTLES:
        return EditRejected(f"The image service found the request malformed: {said}.")
    return None


def _passing(fault: openai.APIStatusError) -> EditorError | None:
    """What passes by itself."""
    if fault.code in _THROTTLES or fault.status_code in {408, 409, 429, 503}:
        return EditorBusy(
            f"The image service is busy or failing ({fault.status_code}). Run again later: ppw collect"
        )
    return None


def _unforeseen(fault: openai.APIStatusError, said: str) -> EditorError:
    """A server that failed, or a gateway that gave up on one, may have made the picture; the rest wants a look."""
    if fault.status_code == 500:
        return EditOutcomeUnknown(
            "The image service keeps failing at this edit (500): the picture may have been made and billed."
        )
    if fault.status_code > 500:
        return EditOutcomeUnknown(
            f"A gateway answered {fault.status_code}: the picture may have been made and billed."
        )
    return EditorStopped(
        f"The server answered {fault.status_code}: {said}. Check openai.base_url and the account."
    )


def _stop_of(fault: openai.APIStatusError) -> str | None:
    code, kind = _word(fault.code), _word(fault.type)
    if code.endswith(_SPEND_LIMIT):
        return "a spend limit of the account is reached: raise it, and run the command again."
    return _STOPS.get(code) or _STOPS.get(kind) or _STOPPING_STATUS.get(fault.status_code)


def _word(text: object) -> str:
    """A field of the server's error, where it is text: the client checks no types."""
    return text if isinstance(text, str) else ""


def _patience(fault: openai.APIStatusError, error: EditorError) -> tuple[int, Callable[[int], float]]:
    """How many further tries there are, and how long to wait before each."""
    if isinstance(error, EditOutcomeUnknown) and fault.status_code == 500:
        return _FAULT_RETRIES, lambda _attempt: FAULT_WAIT
    if not isinstance(error, EditorBusy):
        return 0, lambda _attempt: 0.0
    asked = retry_after(fault.response.headers)
    if asked is None:
        return _THROTTLE_RETRIES, lambda attempt: min(LONGEST_WAIT, THROTTLE_WAIT * 2.0 ** (attempt - 1))
    pause = max(SHORTEST_WAIT, asked)
    return (_THROTTLE_RETRIES if pause <= LONGEST_WAIT else 0), lambda _attempt: pause


def retry_after(headers: httpx2.Headers) -> float | None:
    """The pause that a server asks for, in seconds; None where it asks for none, or not in a readable way.

    A date is measured against the answer's own `Date`, so that no clock need agree with another.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return seconds
    try:
        until, now = (parsedate_to_datetime(headers.get(name, "")) for name in ("retry-after", "date"))
        return (until - now).total_seconds()
    except (ValueError, TypeError):
        return None


def quoted(fault: openai.APIStatusError, api_key: str) -> str:
    """The server's own words on one line, cut to a sane length, without the key or what looks like one."""
    body = fault.body
    words = body.get("message") if isinstance(body, dict) else body
    text = " ".join(words.split()) if isinstance(words, str) else ""
    text = "".join(character for character in text if character.isprintable())
    return (
        redacted(text, api_key)[:_LONGEST_QUOTE].rstrip(".") or f"HTTP {fault.status_code}, without a reason"
    )


def redacted(text: str, api_key: str) -> str:
    """`text` without the key, and without what looks like one: servers quote keys, whole or in part."""
    return _KEY_LIKE.sub("[key]", text.replace(api_key, "[key]") if api_key else text)
