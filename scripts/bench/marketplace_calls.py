"""How much faster a round is published and collected with many calls at once than with one after another.

A served marketplace runs in a process of its own and answers every call 20 ms late, as if it stood far away. A study
publishes and collects one call after another, a sample whose time is extrapolated to the whole; another publishes and
collects the whole with many calls at once. Both are the workflows that `ppw publish-round` and `ppw collect` run, on
SQLite. Between the two, nine workers do every HIT (directly in the marketplace's database, for how fast they are is
not the question).

Run: python scripts/bench/marketplace_calls.py [--hits 1000] [--workers 10] [--latency-ms 20] [--sample 40]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.founding import default_seed, found, plan_folder, write_folder
from pixelpatchwork.marketplace import people, work
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.served import running
from pixelpatchwork.wiring import Wiring, real_world
from pixelpatchwork.workflow.collect import collect
from pixelpatchwork.workflow.publish import plan_round, publish
from pixelpatchwork.workflow.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Result = TypeVar("Result")

GOAL = 8.0
ASSIGNMENTS = 9
ACCESS_KEY, SECRET_KEY = "BENCHMARK", "benchmark-secret"
ANSWER = [("mask", "x" * 4_000), ("prompt", ""), ("consent", "yes")]
"""Cannot be used, so that no edit is made: how fast pictures are painted is not the question."""


# ---- the marketplace, in a process of its own -----------------------------------------------------------


def late(app: WSGIApplication, seconds: float) -> WSGIApplication:
    """The application, `seconds` further away."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(seconds)
        return app(environ, start_response)

    return answer


def marketplace_process(pipe: Connection, folder: str, latency: float, threads: int) -> None:
    """Serves; sends its URL, does the HITs whose ids come through the pipe, and ends with None."""
    app = create_app(
        Hosting(database_url=f"sqlite:///{folder}/marketplace.db", requesters={ACCESS_KEY: SECRET_KEY})
    )
    with running(late(app, latency), threads=threads) as url:
        pipe.send(url)
        while (hit_ids := pipe.recv()) is not None:
            do_hits(app.extensions["marketplace"], hit_ids)
            pipe.send(len(hit_ids))


def do_hits(market: Market, hit_ids: list[str], answer: list[tuple[str, str]] = ANSWER) -> None:
    """Nine workers accept and hand in every HIT, all with the same answer."""
    names = [f"ABENCHMARK{number}" for number in range(ASSIGNMENTS)]

    def do_one(moment: Moment, hit_id: str) -> None:
        for name in names:
            work.submit(moment, work.accept(moment, hit_id, name).assignment_id, answer_xml(answer))

    for name in names:
        market.write(partial(people.remember, worker=people.NewWorker(worker_id=name, name=name)))
    for hit_id in hit_ids:
        market.write(partial(do_one, hit_id=hit_id))


@contextmanager
def far_marketplace(
    latency: float,
    threads: int,
    serve: Callable[[Connection, str, float, int], None] = marketplace_process,
) -> Iterator[tuple[str, Connection]]:
    """The URL of a marketplace in another process, which `serve` runs, and the pipe to it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with TemporaryDirectory() as folder:
        process = context.Process(target=serve, args=(theirs, folder, latency, threads))
        process.start()
        theirs.close()  # so that a process that dies is noticed
        try:
            yield ours.recv(), ours
        finally:
            ours.send(None)
            process.join()


# ---- the study ------------------------------------------------------------------------------------------


def study(crowd: MTurkCrowd, folder: Path, name: str, *, hits: int, workers: int) -> Services:
    """A study whose generation round has so many HITs, and makes so many calls at once."""
    folder = folder / name
    settings = load_settings(
        write_folder(
            plan_folder(
                folder,
                seed=default_seed(),
                overrides={
                    "study": name,
                    "parallel_calls": workers,
                    "generation.reward_usd": "0.05",  # the marketplace begins with 10,000 dollars
                    "generation.assignments": hits * ASSIGNMENTS,
                    "generation.assignments_per_hit": ASSIGNMENTS,
                },
                environ={},
            )
        ),
        {},
    )
    found(settings, now=real_world().clock.now())
    return replace(Wiring(settings).services, crowd=crowd)


def publish_all(services: Services) -> list[HitId]:
    """`ppw publish-round`."""
    publish(plan_round(services), services)
    hits = services.store.hits(services.store.rounds()[-1].round_id)
    return [hit.hit_id for hit in hits if hit.hit_id]


def collect_all(services: Services) -> int:
    """`ppw collect`; gives how many answers were kept, judged and approved."""
    done = collect(services, owner="benchmark", may_spend=lambda _amount, _what: False)
    assert done.new_answers == done.judged == done.paid == done.unusable, done
    return done.paid


def timed(job: Callable[[], Result]) -> tuple[Result, float]:
    """What the job gives, and the seconds it took."""
    begun = perf_counter()
    result = job()
    return result, perf_counter() - begun


# ---- the comparison -------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--sample", type=int, default=40, help="HITs that go out and come in one by one")
    chosen = parser.parse_args()
    with far_marketplace(chosen.latency_ms / 1000, 2 * chosen.workers) as (url, pipe):
        compare(url, pipe, chosen)


def compare(url: str, pipe: Connection, chosen: argparse.Namespace) -> None:
    """Runs the sample and the whole, and prints the figures."""
    client = mturk_client(
        endpoint_url=url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, max_connections=chosen.workers
    )
    share = chosen.hits / chosen.sample
    with TemporaryDirectory() as folder:
        crowd = MTurkCrowd(client)
        slow = study(crowd, Path(folder), "sample", hits=chosen.sample, workers=1)
        fast = study(crowd, Path(folder), "whole", hits=chosen.hits, workers=chosen.workers)
        sampled, slow_out = timed(lambda: publish_all(slow))
        published, fast_out = timed(lambda: publish_all(fast))
        pipe.send([*sampled, *published])
        pipe.recv()
        _, slow_in = timed(lambda: collect_all(slow))
        answers, fast_in = timed(lambda: collect_all(fast))

    print(f"{chosen.latency_ms:.0f} ms of added latency; {chosen.workers} calls at once")
    show(f"publish {len(published):,} HITs", slow_out * share, fast_out)
    show(f"collect {answers:,} assignments", slow_in * share, fast_in)
    show("both", (slow_out + slow_in) * share, fast_out + fast_in)
    print(f"one after another: extrapolated from {chosen.sample} HITs; goal: {GOAL:.0f} times faster")


def show(what: str, slow: float, fast: float) -> None:
    print(f"{what:<26} one by one {slow:7.1f} s   at once {fast:6.1f} s   {slow / fast:5.1f} times faster")


if __name__ == "__main__":
    main()
