"""Whether four collectors on one MariaDB are quicker than one, and how much of their work is done twice.

A marketplace in a process of its own answers every call 20 ms late. A study on MariaDB publishes, nine workers do every
HIT, and `collect` runs: once in one process, and, with a study of its own, in four that start at the same moment. Each
makes ten calls at once. Calls beyond those of one collector alone are work that two did.

Then the same with answers that ask for a picture, from an editor that takes two seconds for each and makes two at a
time: what a collector spends its life with.

Run: python -m scripts.bench.collector_processes [--hits 100] [--pictures 36] [--processes 1 4] [--latency-ms 20]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from pixelpatchwork.adapters.offline_editor import OfflineEditor
from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.money import NO_MONEY
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.founding import default_seed, found, plan_folder, write_folder
from pixelpatchwork.wiring import real_world, wired
from pixelpatchwork.workflow.collect import collect
from scripts.bench.collector_throttled import Market, throttled_process
from scripts.bench.marketplace_calls import (
    ACCESS_KEY,
    ANSWER,
    ASSIGNMENTS,
    SECRET_KEY,
    far_marketplace,
    publish_all,
)
from tests.support.stores import fresh_database, mysql_server_url

if TYPE_CHECKING:
    pass

CALLS_AT_ONCE = 10
EDIT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one measurement gave. `calls` were answered by the marketplace, for `answers` that were paid."""

    answers: int
    pictures: int
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


class SlowEditor(OfflineEditor):
    """Takes as long as a model on another machine, without this one's cores."""

    parallel = 2

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        """A picture, two seconds later."""
        sending()
        time.sleep(EDIT_SECONDS)
        return EditResult(image=request.image_png, usage=None, cost_usd=NO_MONEY, request_id=None)


def collector(file: Path, environ: Mapping[str, str], number: int, start: Barrier) -> None:
    """`ppw collect` in a process of its own."""
    with wired(load_settings(file, environ)) as wiring:
        services = replace(wiring.services, editor=SlowEditor())
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


def done(settings: Settings) -> tuple[int, int]:
    """How many answers are settled, and how many pictures are made."""
    with wired(settings) as wiring:
        (round_,) = wiring.store.rounds()
        answers = wiring.store.assignments(round_.round_id, with_answers=False)
        return sum(answer.settled_at is not None for answer in answers), len(wiring.store.images()) - 1


def painting(settings: Settings) -> list[tuple[str, str]]:
    """An answer that asks for a small picture in the corner of the seed."""
    with wired(settings) as wiring:
        (seed,) = wiring.store.images()
    pixels = np.zeros((seed.height, seed.width), dtype=np.bool_)
    pixels[: seed.height // 8, : seed.width // 8] = True
    return [("mask", Mask(pixels=pixels).to_rle()), ("prompt", "a kite"), ("consent", "yes")]


def measure(market: Market, folder: Path, *, processes: int, hits: int, paints: bool) -> Figures:
    """One study, collected by so many processes. `paints`: its answers ask for pictures."""
    with fresh_database(mysql_server_url()) as database_url:
        file, environ = settings_of(
            folder / f"{'paint' if paints else 'read'}-{processes}", market.url, database_url, hits=hits
        )
        settings = load_settings(file, environ)
        found(settings, now=real_world().clock.now())
        with wired(settings) as wiring:
            market.do(publish_all(wiring.services), painting(settings) if paints else ANSWER)
        market.limit(0.0)
        seconds = collected_by(processes, file, environ)
        calls, _refused = market.limit(0.0)
        answers, pictures = done(settings)
        return Figures(answers=answers, pictures=pictures, calls=calls, seconds=seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=36)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--latency-ms", type=float, default=20.0)
    chosen = parser.parse_args()
    threads = 2 * CALLS_AT_ONCE * max(chosen.processes)
    with (
        far_marketplace(chosen.latency_ms / 1000, threads, throttled_process) as (url, pipe),
        TemporaryDirectory() as folder,
    ):
        market = Market(url=url, pipe=pipe)
        job = partial(measure, market, Path(folder))
        for hits, paints in ((chosen.hits, False), (-(-chosen.pictures // ASSIGNMENTS), True)):
            show({some: job(processes=some, hits=hits, paints=paints) for some in chosen.processes}.items())


def show(measured: Iterable[tuple[int, Figures]]) -> None:
    """Prints a line for each measurement; the first is what the others are compared with."""
    alone: Figures | None = None
    for processes, one in measured:
        alone = alone or one
        print(
            f"{processes} collecting: {one.answers:,} answers paid, {one.pictures} pictures in {one.seconds:6.1f} s"
            f" ({alone.seconds / one.seconds:4.2f} times as fast), {one.calls:,} calls"
            f" ({one.calls / alone.calls:4.2f} times as many)"
        )


if __name__ == "__main__":
    main()
