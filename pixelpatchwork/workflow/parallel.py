"""Many slow calls at once, with the results in one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice, takewhile
from typing import TypeVar

BATCH = 50
"""Results that are committed as one: what a stopped run repeats at most, all of it harmless."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    stops: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Item, Result]]:
    """`(item, function(item))` for every item, in the order in which the calls end.

    At most `workers` calls run at once, and no more than twice as many are queued, however long `items` is.
    The first error ends it: nothing new is started, what runs is waited for, and the error is raised after the
    results that came with it. Once `stops`, what is queued is still done, and nothing else.
    """
    waiting: dict[Future[Result], Item] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for item in takewhile(lambda _: not stops(), items):
                waiting[pool.submit(function, item)] = item
                if len(waiting) >= 2 * workers:
                    yield from _ended(waiting)
            while waiting:
                yield from _ended(waiting)
        finally:
            for future in waiting:
                future.cancel()


def _ended(waiting: dict[Future[Result], Item]) -> Iterator[tuple[Item, Result]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    items = [(future, waiting.pop(future)) for future in done]
    for future, item in sorted(items, key=lambda ended: ended[0].exception() is not None):
        yield item, future.result()


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one perhaps shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
