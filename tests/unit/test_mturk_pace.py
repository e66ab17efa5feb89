"""The rate of calls against a marketplace that throttles, played through without any waiting."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.adapters.mturk_pace import CallRate

LATENCY = 0.02


@dataclass
class Marketplace:
    """A token bucket that holds a tenth of a second."""

    limit: float
    tokens: float = 0.0
    at: float = 0.0
    passed: list[float] = field(default_factory=list)
    refused: int = 0

    def takes(self, now: float) -> bool:
        self.tokens = min(max(1.0, self.limit / 10), self.tokens + (now - self.at) * self.limit)
        self.at = now
        if self.tokens < 1:
            self.refused += 1
            return False
        self.tokens -= 1
        self.passed.append(now)
        return True


def play(limit: float, *, threads: int, seconds: float) -> tuple[Marketplace, CallRate]:
    """So many threads call as fast as they may; a refused call is made again after botocore's pause (0 to 2 s)."""
    rate, market, random = CallRate(), Marketplace(limit), Random(1)
    queue = [(0.0, number, "asks") for number in range(threads)]
    while queue:
        now, thread, event = heapq.heappop(queue)
        if now > seconds:
            continue
        if event == "asks":
            then = (rate.slot(now) + LATENCY / 2, thread, "arrives")
        elif event == "arrives":
            then = (now + LATENCY / 2, thread, "passed" if market.takes(now) else "refused")
        elif event == "passed":
            rate.passed(now)
            then = (now, thread, "asks")
        else:
            rate.refused(now)
            then = (now + random.uniform(0, 2), thread, "asks")
        heapq.heappush(queue, then)
    return market, rate


@pytest.mark.parametrize("threads", [4, 16, 64])
@pytest.mark.parametrize("limit", [30.0, 100.0, 300.0])
def test_threads_share_nine_tenths_of_what_a_marketplace_allows(limit: float, threads: int) -> None:
    market, _rate = play(limit, threads=threads, seconds=120)
    assert len(market.passed) / 120 >= 0.9 * min(limit, threads / LATENCY)


@pytest.mark.parametrize("threads", [4, 16, 64])
def test_few_calls_are_refused_once_the_limit_is_known(threads: int) -> None:
    market, _rate = play(100.0, threads=threads, seconds=60)
    known = market.refused
    longer, _rate = play(100.0, threads=threads, seconds=180)
    assert longer.refused - known <= 0.05 * (len(longer.passed) - len(market.passed))


def test_nothing_waits_before_anything_was_refused() -> None:
    rate = CallRate()
    assert [rate.slot(1.0) for _ in range(1_000)] == [1.0] * 1_000
    assert rate.rate is None


def test_one_thread_that_is_slower_than_the_limit_is_never_held_up() -> None:
    market, rate = play(100.0, threads=1, seconds=30)
    assert rate.rate is None
    assert len(market.passed) == pytest.approx(30 / LATENCY, rel=0.01)


def test_calls_that_were_under_way_together_cut_the_rate_once() -> None:
    rate = CallRate()
    rate.refused(0.0)
    slots = [rate.slot(2.0) for _ in range(5)]
    rate.refused(slots[-1] + 1)
    once = rate.rate
    rate.refused(slots[-1] + 1)
    assert rate.rate == once


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(["slot", "passed", "refused"])), max_size=200))
def test_slots_never_lie_in_the_past_and_come_in_order(steps: list[tuple[float, str]]) -> None:
    rate, now, last = CallRate(), 0.0, 0.0
    for pause, act in steps:
        now += pause
        if act == "slot":
            slot = rate.slot(now)
            assert slot >= now
            assert slot >= last or rate.rate is None
            last = slot
        else:
            getattr(rate, act)(now)
        assert rate.rate is None or rate.rate > 0
