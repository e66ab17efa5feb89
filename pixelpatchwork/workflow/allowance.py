"""What may be spent unasked, counted down request by request: a process that lives for days keeps to it as well."""

from __future__ import annotations

from threading import Lock

from pixelpatchwork.domain.money import Usd


class Allowance:
    """An amount in USD that is counted down by the worst case of each request; may be shared by threads."""

    def __init__(self, amount: Usd) -> None:
        self._left = amount
        self._lock = Lock()

    @property
    def left(self) -> Usd:
        """What may still be spent."""
        return self._left

    def take(self, amount: Usd) -> bool:
        """Counts `amount` as spent, where so much is left. False: it is not, and nothing was counted."""
        with self._lock:
            if amount > self._left:
                return False
            self._left -= amount
            return True

    def give_back(self, amount: Usd) -> None:
        """What was taken is left again: the request did not go out."""
        with self._lock:
            self._left += amount
