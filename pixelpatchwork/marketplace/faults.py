"""Trouble on demand, for rehearsals: throttling, answers lost after the deed, slow answers, a listing that lags.

A requester sees before it costs money how his program takes what a real marketplace does to it. The same seed makes
the same trouble for the same calls in the same order. `late_assignments` and `approve_lag` are kept by the
marketplace itself (`Lags`); the rest stands in front of it, as the network does.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

from waitress.channel import ClientDisconnected  # type: ignore[import-untyped] # waitress ships no types

from pixelpatchwork.marketplace.clock import SECOND, Millis, parse_duration
from pixelpatchwork.marketplace.moment import Lags

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CHANCES = ("throttle", "timeout_after_commit")
_DURATIONS = ("delay", "late_assignments", "approve_lag")
_THROTTLED = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


class FaultsError(ValueError):
    """A description of faults that cannot be read; the text says what would be right."""


class AnswerLostError(Exception):
    """The call was carried out, and its answer is not delivered. Met in process only."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often and how long. Chances lie between 0 and 1; durations are milliseconds.

    `throttle`: an API call is refused. `timeout_after_commit`: it is carried out and its answer lost. `delay`: every
    answer comes that much later. `late_assignments`: a submission is listed only after that time. `approve_lag`: it
    can be approved or rejected only after that time. `seed`: what is drawn by lot follows from it.
    """

    throttle: float = 0.0
    timeout_after_commit: float = 0.0
    delay: Millis = 0
    late_assignments: Millis = 0
    approve_lag: Millis = 0
    seed: int = 1

    @property
    def notation(self) -> str:
        """What is not as it is without any: `throttle=0.05,delay=20ms`. `parse_faults` reads it."""
        unit = dict.fromkeys(_DURATIONS, "ms")
        return ",".join(
            f"{one.name}={getattr(self, one.name)}{unit.get(one.name, '')}"
            for one in fields(self)
            if getattr(self, one.name) != one.default
        )

    @property
    def lags(self) -> Lags:
        """The part that the marketplace keeps."""
        return Lags(listing=self.late_assignments, judging=self.approve_lag)


def parse_faults(text: str) -> Faults:
    """Reads `throttle=0.05,timeout_after_commit=0.01,delay=20ms,late_assignments=30s,approve_lag=1m,seed=7`.

    Raises FaultsError.
    """
    values: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in values:
            raise FaultsError(f"{name} is given twice.")
        values[name] = _value(name, value)
    return Faults(**values)


def _value(name: str, text: str) -> float | int:
    try:
        if name in _CHANCES:
            return _chance(text)
        if name in _DURATIONS:
            return parse_duration(text)
        if name == "seed":
            return int(text)
    except ValueError as error:
        raise FaultsError(f"{name}={text}: {error}") from None
    raise FaultsError(
        f"There is no fault {name!r}. Choose among {', '.join((*_CHANCES, *_DURATIONS, 'seed'))}."
    )


def _chance(text: str) -> float:
    chance = float(text)
    if not 0 <= chance <= 1:
        raise ValueError("a chance lies between 0 and 1.")
    return chance


class Troubled:
    """A WSGI application with faults before it. `is_in_process` says of a call that no socket carries it."""

    def __init__(
        self,
        app: WSGIApplication,
        faults: Faults,
        *,
        is_in_process: Callable[[Mapping[str, Any]], bool],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._faults = faults
        self._is_in_process = is_in_process
        self._sleep = sleep
        self._random = Random(faults.seed)  # noqa: S311  # trouble that can be had again, and no secret

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application's answer, or trouble. Raises AnswerLostError where a call came in process."""
        self._sleep(self._faults.delay / SECOND)
        if environ["REQUEST_METHOD"] != "POST" or "HTTP_X_AMZ_TARGET" not in environ:
            return self._app(environ, start_response)
        if self._random.random() < self._faults.throttle:
            return _throttle(start_response)
        if self._random.random() < self._faults.timeout_after_commit:
            self._lose_answer(environ)
        return self._app(environ, start_response)

    def _lose_answer(self, environ: WSGIEnvironment) -> NoReturn:
        """Carries the call out, and drops the connection without a byte of its answer."""
        answer = self._app(environ, lambda *_arguments: _write_nowhere)
        for _chunk in answer:
            pass
        # waitress closes the connection then, as if the client had gone.
        raise AnswerLostError if self._is_in_process(environ) else ClientDisconnected


def _throttle(start_response: StartResponse) -> Iterable[bytes]:
    start_response(
        "400 Bad Request",
        [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(_THROTTLED))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ],
    )
    return [_THROTTLED]


def _write_nowhere(_data: bytes) -> None:
    """WSGI's old way to write, which nobody uses."""
