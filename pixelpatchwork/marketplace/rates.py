"""How fast one access key may call the API: a token bucket for each key, so that one requester leaves room for others.

The buckets stand in this process's memory, because to count in the database would cost every call more than it
saves. So several processes allow several times the rate. Only keys whose signature was right have a bucket:
nobody can use up another's, and there are no more buckets than keys.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rate:
    """`per_second` calls in the long run, and `burst` at once after a pause. Both are above zero."""

    per_second: float
    burst: int


class Buckets:
    """One bucket for each key. `clock` gives seconds that only go forward."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str) -> bool:
        """Takes one call out of the key's bucket; False where it is empty, and then nothing is taken."""
        now = self._clock()
        with self._lock:
            level, filled_at = self._levels.get(key_id, (float(self._rate.burst), now))
            level = min(self._rate.burst, level + (now - filled_at) * self._rate.per_second)
            allowed = level >= 1
            self._levels[key_id] = (level - 1 if allowed else level, now)
        return allowed
