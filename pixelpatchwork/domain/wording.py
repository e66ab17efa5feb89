"""Numbers in sentences, for everything that the program says: nobody reads "1 HITs" with pleasure."""

from __future__ import annotations

DAY_NAME = "Day {number}"
"""What workers read for a Day, in English."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 vote`, `1,204 votes`; `many` where the plural is not made with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def of_day(text: str, number: int, *, called: str = DAY_NAME) -> str:
    """A text for workers with the Day behind it: Thank you! (Day 3)."""
    return f"{text} ({called.replace('{number}', str(number))})"
