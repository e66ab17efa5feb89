"""Many calls at once: every result comes, an error ends it, and nothing runs on unseen."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Lock

import pytest

from pixelpatchwork.workflow.parallel import each


def test_every_item_gets_its_own_result() -> None:
    assert sorted(each(lambda number: number * 2, range(50), workers=4)) == [(n, 2 * n) for n in range(50)]


def test_calls_run_at_the_same_time() -> None:
    barrier = Barrier(3, timeout=10)  # passes only when three calls are under way at once
    assert len(list(each(lambda _number: barrier.wait(), range(3), workers=3))) == 3


def test_no_more_items_are_taken_than_can_wait() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    results = each(lambda number: number, items(), workers=2)
    next(results)
    assert taken <= 5
    results.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_after_the_results_that_came_with_it_and_ends_the_rest() -> None:
    lock, called = Lock(), []

    def call(number: int) -> int:
        with lock:
            called.append(number)
        if number == 1:
            raise ValueError("broken")
        return number

    seen: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        seen.extend(item for item, _ in each(call, range(1000), workers=1))
    assert 0 in seen
    assert len(called) < 10
