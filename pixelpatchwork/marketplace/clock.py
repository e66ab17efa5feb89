"""Time as the marketplace keeps it: an argument, never a call to the system's clock in the middle of a rule.

Every deadline (an assignment's time-out, a HIT's expiry, auto-approval, the 24 hours of a request token) is
compared with one reading of an injected clock, taken once at the start of a request. In tables an instant is a
whole number of milliseconds since 1970 in UTC: it sorts, it compares, and no driver can shift its zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
Millis = int

SECOND: Millis = 1_000
DAY: Millis = 86_400 * SECOND

_UNITS = {"ms": 1, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": DAY}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_WORDS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The system's clock, with its zone."""
    return datetime.now(UTC)


def to_millis(instant: datetime) -> Millis:
    """Milliseconds since 1970 (floor). Raises ValueError for an instant without a time zone."""
    if instant.tzinfo is None:
        raise ValueError("The marketplace's clock must say its time zone. Use datetime.now(UTC).")
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(millis: Millis) -> datetime:
    """The instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=millis)


def to_wire(millis: Millis) -> int | float:
    """The instant as the API writes it: epoch seconds, whole where the instant is whole."""
    seconds, rest = divmod(millis, SECOND)
    return seconds if rest == 0 else millis / SECOND


def parse_duration(text: str) -> Millis:
    """Milliseconds of `20ms`, `90s`, `20m`, `2h`, `2d`, or of several in a row such as `1d12h`.

    Raises ValueError for anything else.
    """
    compact = "".join(text.lower().split())
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is no duration. Write one like 20ms, 90s, 20m, 2h, 2d or 1d12h.")
    return sum(round(float(number) * _UNITS[unit]) for number, unit in parts)


def duration_words(seconds: int) -> str:
    """The two largest units: `1 hour 30 minutes`, `45 seconds`."""
    parts = []
    for size, name in _WORDS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"
