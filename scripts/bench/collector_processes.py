"""Whether four collectors on one MariaDB are quicker than one, and how much of their work is done twice.

A marketplace in a process of its own answers every call 20 ms late. A study on MariaDB publishes, nine workers do every
HIT, and `collect` runs: once in one process, and, with a study of its own, in four that start at the same moment. Each
makes ten calls at once. What is paid is checked; calls beyond one for each answer are work that two did.

Run: python -m scripts.bench.collector_processes [--hits 100] [--processes 1 4] [--latency-ms 20]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.founding import default_seed, found, plan_folder, write_folder
from pixelpatchwork.wiring import real_world, wired
from pixelpatchwork.workflow.collect import collect
from scripts.bench.collector_throttled import Market, throttled_marketplace
from scripts.bench.marketplace_calls import ACCESS_KEY, ASSIGNMENTS, SECRET_KEY, publish_all
from tests.support.stores import fresh_database, mysql_server_url

if TYPE_CHECKING:
    pass

CALLS_AT_ONCE = 10


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one measurement gave. `calls` were answered by the marketplace, for `answers` that were paid."""

    answers: int
    calls: int
    seconds: float


def settings_of(folder: Path, url: str, database_url: str, *, hits: int) -> tuple[Path, Mapping[str, str]]:
    """A study's settings file, and the environment that goes with it."""
    environ = {
        "PPW_MARKETPLACE": url,
        "PPW_DATABASE": database_url,
        "PPW_MARKETPLACE_ACCESS_KEY_ID": ACCESS_KEY,
        "PPW_MARKETPLACE_SECRET_ACCESS_KEY": SECRET_KEY,
        "PPW_PARALLEL_CALLS": str(CALLS_AT_ONCE),
        "PPW_GENERATION__ASSIGNMENTS": str(hits * ASSIGNMENTS),
    }
    plan = plan_folder(folder, seed=default_seed(), overrides={"study": folder.name}, environ=environ)
    return write_folder(plan), environ


def collector(file: Path, environ: Mapping[str, str], number: int, start: Barrier) -> None:
    """`ppw collect` in a process of its own."""
    with wired(load_settings(file, environ)) as wiring:
        services = wiring.services
        services.crowd.balance()  # connected, as a collector is that lives for days
        start.wait()
        collect(services, owner=f"collector-{number}", may_spend=lambda _amount, _what: False)
        start.wait()


def collected_by(processes: int, file: Path, environ: Mapping[str, str]) -> float:
    """The seconds until so many collectors have done with a round."""
    context = get_context("spawn")
    barrier = context.Barrier(processes + 1)
    running = [
        context.Process(target=collector, args=(file, environ, number, barrier))
        for number in range(processes)
    ]
    for one in running:
        one.start()
    barrier.wait()
    begun = perf_counter()
    barrier.wait()
    seconds = perf_counter() - begun
    for one in running:
        one.join()
    return seconds


def paid(settings: Settings) -> int:
    """How many answers are settled."""
    with wired(settings) as wiring:
        (round_,) = wiring.store.rounds()
        answers = wiring.store.assignments(round_.round_id, with_answers=False)
        return sum(answer.settled_at is not None for answer in answers)


def measure(market: Market, folder: Path, *, processes: int, hits: int) -> Figures:
    """One study, collected by so many processes."""
    with fresh_database(mysql_server_url()) as database_url:
        file, environ = settings_of(folder / f"by-{processes}", market.url, database_url, hits=hits)
        settings = load_settings(file, environ)
        found(settings, now=real_world().clock.now())
        with wired(settings) as wiring:
            market.do(publish_all(wiring.services))
        market.limit(0.0)
        seconds = collected_by(processes, file, environ)
        calls, _refused = market.limit(0.0)
        return Figures(answers=paid(settings), calls=calls, seconds=seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=100)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--latency-ms", type=float, default=20.0)
    chosen = parser.parse_args()
    threads = 2 * CALLS_AT_ONCE * max(chosen.processes)
    with (
        throttled_marketplace(chosen.latency_ms / 1000, threads) as (url, pipe),
        TemporaryDirectory() as folder,
    ):
        market = Market(url=url, pipe=pipe)
        job = partial(measure, market, Path(folder), hits=chosen.hits)
        show({processes: job(processes=processes) for processes in chosen.processes}.items())


def show(measured: Iterable[tuple[int, Figures]]) -> None:
    """Prints a line for each measurement; the first is what the others are compared with."""
    alone: Figures | None = None
    for processes, one in measured:
        alone = alone or one
        print(
            f"{processes} collecting: {one.answers:,} answers paid in {one.seconds:6.1f} s"
            f" ({alone.seconds / one.seconds:4.2f} times as fast), {one.calls:,} calls"
            f" ({one.calls / alone.calls:4.2f} times as many)"
        )


if __name__ == "__main__":
    main()
