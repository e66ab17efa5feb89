"""When to call the images API: within the account's rate, and again after what costs nothing."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from pixelpatchwork.adapters.openai_errors import TRANSPORT_FAULTS, Diagnosis, TransportFault
from pixelpatchwork.domain.errors import EditorBusy, EditorStopped, EditOutcomeUnknown

T = TypeVar("T")

_MINUTE = 60.0


class ImageRate:
    """At most so many images in any 60 seconds, over all threads that share it."""

    def __init__(
        self, per_minute: int, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._slots: deque[float] = deque(maxlen=per_minute)
        self._lock = Lock()
        self._monotonic = monotonic
        self._sleep = sleep

    def wait(self) -> None:
        """Returns when the next image may be asked for. Those who wait keep the order in which they came."""
        with self._lock:
            now = self._monotonic()
            is_full = len(self._slots) == self._slots.maxlen
            slot = max(now, self._slots[0] + _MINUTE) if is_full else now
            self._slots.append(slot)
        if slot > now:
            self._sleep(slot - now)


def with_retries(
    call: Callable[[], T],
    *,
    diagnose: Callable[[TransportFault], Diagnosis],
    sleep: Callable[[float], None],
) -> T:
    """What `call` gives, tried again as often as the diagnosis of its latest fault allows.

    Raises the diagnosis's EditorError. What may have been billed stays so, whatever holds up the tries after it.
    """
    unknown: EditOutcomeUnknown | None = None
    for attempt in itertools.count(1):
        try:
            return call()
        except TRANSPORT_FAULTS as fault:
            diagnosis = diagnose(fault)
            if attempt > diagnosis.retries:
                if unknown and isinstance(diagnosis.error, EditorBusy | EditorStopped):
                    diagnosis = replace(diagnosis, error=unknown)
                diagnosis.throw(fault)
            if isinstance(diagnosis.error, EditOutcomeUnknown):
                unknown = diagnosis.error
            sleep(diagnosis.wait(attempt))
    raise AssertionError("counting never ends")
