"""What a program that lives for days says of itself: notes as things happen, and how it does at present."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How much a note matters. WARNING: it goes on by itself, but a person may have to do something."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One thing that happened: a word for programs, a sentence for people, and figures. No keys, no worker ids."""

    event: str
    text: str
    level: Level = Level.INFO
    fields: Mapping[str, object] = field(default_factory=dict)


Tell = Callable[[Note], None]
"""Where notes go."""


class Once:
    """Passes a note on where it says something else than the last one of its event."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._last: dict[str, str] = {}

    def __call__(self, note: Note) -> None:
        """Tells what is new."""
        if self._last.get(note.event) != note.text:
            self._last[note.event] = note.text
            self._tell(note)

    def forget(self, event: str) -> None:
        """What this event says next is new in any case."""
        self._last.pop(event, None)


class State(StrEnum):
    """What a process is doing, as a supervisor sees it. WAITING: there is nothing to be done at present."""

    WORKING = "working"
    OK = "ok"
    WAITING = "waiting"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a process does. `next_turn_at` is when it works again at the latest, None while it does.

    `totals` counts what was done since `started_at`.
    """

    at: datetime
    state: State
    started_at: datetime
    last_success_at: datetime | None
    next_turn_at: datetime | None
    turns: int
    failures_in_a_row: int
    last_failure: str | None
    totals: Mapping[str, int]
