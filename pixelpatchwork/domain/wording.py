"""Numbers in sentences, for everything that the program says: nobody reads "1 HITs" with pleasure."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 vote`, `1,204 votes`; `many` where the plural is not made with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
