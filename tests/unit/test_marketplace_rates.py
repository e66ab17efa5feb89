"""The token buckets that keep one access key from taking all of a process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.rates import Buckets, Rate


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    clock = Seconds()
    buckets = Buckets(Rate(per_second=2, burst=3), clock)

    assert [buckets.take("key") for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [buckets.take("key") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [buckets.take("key") for _ in range(4)] == [True, True, True, False]


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), Seconds())

    assert [buckets.take(key) for key in ("one", "other", "one")] == [True, True, False]


def test_many_threads_take_no_more_than_there_is() -> None:
    buckets = Buckets(Rate(per_second=1, burst=50), Seconds())

    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _number: buckets.take("key"), range(200)))

    assert sum(allowed) == 50


@hypothesis_settings(max_examples=50)
@given(
    pauses=st.lists(st.floats(min_value=0, max_value=5), max_size=60),
    burst=st.integers(1, 10),
    per_second=st.floats(min_value=0.1, max_value=20),
)
def test_in_any_stretch_of_time_no_more_than_the_burst_and_the_rate_together(
    pauses: list[float], burst: int, per_second: float
) -> None:
    clock = Seconds()
    buckets = Buckets(Rate(per_second=per_second, burst=burst), clock)
    allowed = 0
    for pause in pauses:
        clock.now += pause
        allowed += buckets.take("key")

    assert allowed <= burst + per_second * sum(pauses) + 1e-6
