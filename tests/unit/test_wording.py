"""Numbers in sentences."""

from __future__ import annotations

import pytest

from pixelpatchwork.domain.wording import counted


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("vote",), "0 votes"),
        (1, ("vote",), "1 vote"),
        (1204, ("vote",), "1,204 votes"),
        (1, ("person", "people"), "1 person"),
        (2, ("person", "people"), "2 people"),
    ],
)
def test_one_thing_is_one_and_all_other_numbers_are_many(
    number: int, words: tuple[str, ...], expected: str
) -> None:
    assert counted(number, *words) == expected
