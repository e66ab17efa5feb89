"""What several collectors of one round take: each its part, and nothing that another has done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.workflow.share import PART, shared


def everything(some: Sequence[int]) -> Sequence[int]:
    return some


@given(st.integers(0, 200), st.text(max_size=20))
def test_a_collector_alone_takes_everything_once(count: int, owner: str) -> None:
    assert sorted(shared(range(count), owner=owner, left=everything)) == list(range(count))


def test_collectors_begin_at_places_of_their_own() -> None:
    firsts = {next(shared(range(1_000), owner=f"host:{number}", left=everything)) for number in range(4)}
    assert len(firsts) == 4


def test_what_another_has_done_is_passed_over() -> None:
    done: set[int] = set()
    mine = shared(range(4 * PART), owner="me", left=lambda some: [one for one in some if one not in done])
    first = [next(mine) for _ in range(PART)]
    done |= set(range(0, 4 * PART, 2))
    assert sorted([*first, *mine]) == sorted({*first, *range(1, 4 * PART, 2)})


@pytest.mark.parametrize("count", [0, 1, PART])
def test_a_few_are_taken_in_their_order_and_nobody_is_asked(count: int) -> None:
    def asked(_some: Sequence[int]) -> Sequence[int]:
        raise AssertionError("a small round is not worth a question")

    assert list(shared(range(count), owner="anybody", left=asked)) == list(range(count))
