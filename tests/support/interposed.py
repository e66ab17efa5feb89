"""Calls that fail at a chosen moment: something put before or after one call of a port."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Interposed:
    """A port with something put before or after one of its calls. Once killed, no call goes through any more."""

    def __init__(self, inner: Any, call: str, *, before: Any = None, after: Any = None) -> None:
        self._inner, self._call, self._before, self._after = inner, call, before, after
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._around(method) if name == self._call else method

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self._is_dead:
                raise Killed
            try:
                if self._before is not None:
                    self._before()
                answer = method(*args, **options)
                if self._after is not None:
                    self._after()
            except Killed:
                self._is_dead = True
                raise
            return answer

        return call


def failing_on(number: int, error: BaseException) -> Callable[[], None]:
    """Raises `error` on the nth call, and only then."""
    calls = count(1)

    def call() -> None:
        if next(calls) == number:
            raise error

    return call
