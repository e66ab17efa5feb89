"""How a program that lives for days waits: until it is time, there is news, or it is told to end."""

from __future__ import annotations

from threading import Event
from typing import Protocol


class Waits(Protocol):
    """Waiting, as an argument."""

    def is_stopped(self) -> bool:
        """Whether the program was told to end."""
        ...

    def rest(self, seconds: float) -> None:
        """Waits for so long, or until the program is told to end."""
        ...

    def listen(self, seconds: float) -> None:
        """Waits for so long, or until there is news or the program is told to end."""
        ...


class Alarm:
    """The port `Waits` over threads: others ring or stop it. `stop` may be called in a signal's handler.

    That is, as long as the thread that gets signals waits elsewhere: an event's lock cannot be taken twice.
    """

    def __init__(self) -> None:
        self._stop = Event()
        self._bell = Event()

    def ring(self) -> None:
        """There is news."""
        self._bell.set()

    def stop(self) -> None:
        """The program is to end."""
        self._stop.set()
        self._bell.set()

    def is_stopped(self) -> bool:
        """Whether the program was told to end."""
        return self._stop.is_set()

    def rest(self, seconds: float) -> None:
        """Waits for so long, or until the program is told to end."""
        self._stop.wait(seconds)

    def listen(self, seconds: float) -> None:
        """Waits for so long, or until there is news or the program is told to end. News is heard once."""
        self._bell.wait(seconds)
        self._bell.clear()
        if self._stop.is_set():
            self._bell.set()
