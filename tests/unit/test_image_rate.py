"""The pace of the images API: so many in any minute, for all threads together."""

from __future__ import annotations

from itertools import pairwise
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.openai_pace import ImageRate
from tests.support.editors import Sleeper


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


def test_a_minute_holds_no_more_images_than_allowed(sleeper: Sleeper) -> None:
    rate = ImageRate(3, monotonic=sleeper.monotonic, sleep=sleeper.sleep)
    starts = []
    for _ in range(8):
        rate.wait()
        starts.append(sleeper.now)
        sleeper.now += 5

    assert all(later - earlier >= 60 for earlier, later in zip(starts, starts[3:], strict=False))
    assert starts[:3] == [1_000, 1_005, 1_010]


def test_threads_share_one_rate() -> None:
    waits: list[float] = []
    rate = ImageRate(2, monotonic=lambda: 0.0, sleep=waits.append)
    start = Barrier(6)

    def ask() -> None:
        start.wait()
        rate.wait()

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == [60, 60, 120, 120]


@given(
    per_minute=st.integers(1, 5), pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=30)
)
@settings(max_examples=100, deadline=None)
def test_the_rate_holds_however_the_calls_come(per_minute: int, pauses: list[float]) -> None:
    sleeper = Sleeper()
    rate = ImageRate(per_minute, monotonic=sleeper.monotonic, sleep=sleeper.sleep)
    starts = []
    for pause in pauses:
        sleeper.now += pause
        rate.wait()
        starts.append(sleeper.now)

    assert all(b >= a for a, b in pairwise(starts))
    windows = zip(starts, starts[per_minute:], strict=False)
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in windows)
