"""The time: the real one, and one that a rehearsal moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The `Clock` port over the machine's clock."""

    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """The `Clock` port as a rehearsal needs it: it stands still unless it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The moment to which the clock was last moved."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Moves the clock on."""
        self._now += max(step, timedelta(0))

    def advance_to(self, moment: datetime) -> None:
        """Moves the clock to `moment`, where that lies ahead."""
        self._now = max(self._now, moment.astimezone(UTC))
