"""How fast calls go to a marketplace that throttles: one rate for all threads of a client, learnt from its refusals.

botocore's own `adaptive` mode does the same job, and was measured at 40% of the rate that a server allowed: after a
refusal it creeps. This one cuts a little, asks for more soon, and so keeps near the limit
(`scripts/bench/collector_throttled.py`). It is additive increase and multiplicative decrease, as in TCP's congestion
avoidance (Chiu and Jain, 1989), with a start that doubles until the limit is met.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_mturk import MTurkClient

THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "429"})
"""The codes by which a service refuses a call for its haste."""

_CUT = 0.93
"""What is left of the rate after a refusal."""
_SLOWEST = 0.5
"""Calls a second, whatever is refused."""
_FIRST = 5.0
"""Calls a second at least, when the first refusal comes."""
_DOUBLING = 1.5
"""Growth for each call that waits, until the limit is met for a second time: the rate doubles in a second."""
_CREEP = 0.03
"""Growth for each call that waits, right after a refusal: 3% a second."""
_ECHO = 0.1
"""Refusals that come within so many seconds belong together."""
_PATIENCE = 3.0
"""After so many seconds without a refusal the growth is twice as fast, and from there on faster and faster."""


class CallRate:
    """The rate in calls a second: none until a call is refused. Times are seconds on any one clock; not thread-safe."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._next = 0.0
        self._passed: deque[float] = deque(maxlen=1_000)
        self._refused_at = 0.0
        self._deaf_until = 0.0
        self._is_probing = True

    @property
    def rate(self) -> float | None:
        """Calls a second; None while nothing has been refused."""
        return self._rate

    def slot(self, now: float) -> float:
        """When the next call may go out; a call that has to wait asks for a little more from then on."""
        if self._rate is None:
            return now
        slot = max(now, self._next)
        if slot > now and (self._is_probing or now >= self._deaf_until):
            self._rate += self._growth(now)
        self._next = slot + 1 / self._rate
        return slot

    def passed(self, now: float) -> None:
        """A call was answered."""
        self._passed.append(now)

    def refused(self, now: float) -> None:
        """A call was throttled. Those that had their slots before count as one with it."""
        if self._rate is None:
            self._rate = max(_FIRST, float(sum(at > now - 1 for at in self._passed)))
            self._deaf_until = now + 1  # all that was under way at no rate at all
        elif now >= self._deaf_until:
            self._rate = max(_SLOWEST, self._rate * _CUT)
            self._is_probing = False
            self._deaf_until = max(now + _ECHO, self._next)
        self._refused_at = now

    def _growth(self, now: float) -> float:
        if self._is_probing:
            return _DOUBLING
        calm = now - self._refused_at
        return min(_DOUBLING, _CREEP * (1 + (calm / _PATIENCE) ** 3))


def keep_pace(
    client: MTurkClient,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Puts a `CallRate` before every attempt of the client, repetitions included; its threads share it."""
    rate, lock = CallRate(), Lock()

    def before(**_event: Any) -> None:
        now = monotonic()
        with lock:
            slot = rate.slot(now)
        if slot > now:
            sleep(slot - now)

    def after(*, response: tuple[Any, dict[str, Any]] | None = None, **_event: Any) -> None:
        if response is None:
            return  # no answer at all says nothing of haste
        code = str(response[1].get("Error", {}).get("Code", ""))
        with lock:
            (rate.refused if code in THROTTLED else rate.passed)(monotonic())

    # Before the request is signed: a signature is good for minutes only.
    client.meta.events.register_first("request-created.mturk", before)
    client.meta.events.register_first("needs-retry.mturk", after)
