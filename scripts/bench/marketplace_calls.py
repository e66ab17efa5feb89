"""How much faster a round is published and collected with many calls at once than with one after another.

A served marketplace runs in a process of its own and answers every call 20 ms late, as if it stood far away. First a
sample goes out and comes in one call after another, and its time is extrapolated to the whole; then the whole goes
out and comes in over threads. Between the two, nine workers do every HIT (directly in the marketplace's database,
for how fast they are is not the question).

Run: python scripts/bench/marketplace_calls.py [--hits 1000] [--workers 16] [--latency-ms 20] [--sample 40]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.domain.model import AssignmentId, HitId, Token
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec
from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.served import running
from pixelpatchwork.workflow.parallel import each

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Item = TypeVar("Item")
Result = TypeVar("Result")

GOAL = 8.0
ASSIGNMENTS = 9
ACCESS_KEY, SECRET_KEY = "BENCHMARK", "benchmark-secret"
QUESTION_BYTES = 40_000
ANSWER = [("mask", "x" * 4_000), ("prompt", "a red door in the wall")]
SPEC = HitTypeSpec(
    title="Repaint a patch",
    description="Mask a part and say what to paint",
    keywords="art, image",
    reward_usd=Decimal("0.15"),
    assignment_duration=timedelta(minutes=20),
    auto_approval_delay=timedelta(days=3),
)


# ---- the marketplace, in a process of its own -----------------------------------------------------------


def late(app: WSGIApplication, seconds: float) -> WSGIApplication:
    """The application, `seconds` further away."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(seconds)
        return app(environ, start_response)

    return answer


def marketplace_process(pipe: Connection, folder: str, latency: float, threads: int) -> None:
    """Serves; sends its URL, does the HITs whose ids come through the pipe, and ends with None."""
    app = create_app(database_url=f"sqlite:///{folder}/marketplace.db", requesters={ACCESS_KEY: SECRET_KEY})
    with running(late(app, latency), threads=threads) as url:
        pipe.send(url)
        while (hit_ids := pipe.recv()) is not None:
            do_hits(app.extensions["marketplace"], hit_ids)
            pipe.send(len(hit_ids))


def do_hits(market: Market, hit_ids: list[str]) -> None:
    """Nine workers accept and hand in every HIT."""
    names = [f"ABENCHMARK{number}" for number in range(ASSIGNMENTS)]

    def do_one(moment: Moment, hit_id: str) -> None:
        for name in names:
            work.submit(moment, work.accept(moment, hit_id, name).assignment_id, ANSWER)

    for name in names:
        market.write(partial(work.sign_up, worker_id=name, name=name))
    for hit_id in hit_ids:
        market.write(partial(do_one, hit_id=hit_id))


@contextmanager
def far_marketplace(latency: float, threads: int) -> Iterator[tuple[str, Connection]]:
    """The URL of a marketplace in another process, and the pipe to it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with TemporaryDirectory() as folder:
        process = context.Process(target=marketplace_process, args=(theirs, folder, latency, threads))
        process.start()
        try:
            yield ours.recv(), ours
        finally:
            ours.send(None)
            process.join()


# ---- the two jobs ---------------------------------------------------------------------------------------


def question() -> str:
    """An HTMLQuestion of the size of this study's pages."""
    filler = "<p>The light falls on the wall.</p>" * (QUESTION_BYTES // 35)
    return (
        '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
        'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><head><title>Paint</title></head><body>'
        f"<form>{filler}</form></body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )


def publish(crowd: MTurkCrowd, tokens: list[str], *, workers: int) -> list[HitId]:
    """Publishes one HIT for each token."""
    hit_type_id, page = crowd.ensure_hit_type(SPEC), question()

    def one(token: str) -> HitId:
        request = HitRequest(
            hit_type_id=hit_type_id,
            token=Token(token),
            annotation=f"benchmark:{token}",
            question=page,
            max_assignments=ASSIGNMENTS,
            lifetime=timedelta(hours=24),
        )
        return crowd.create_hit(request)

    return [hit_id for _, hit_id in over(one, tokens, workers)]


def collect(crowd: MTurkCrowd, hit_ids: list[HitId], *, workers: int) -> int:
    """Reads every answer of these HITs and approves it; gives how many."""

    def answers(hit_id: HitId) -> list[AssignmentId]:
        return [answer.assignment_id for answer in crowd.assignments(hit_id)]

    read = [one for _, found in over(answers, hit_ids, workers) for one in found]
    return sum(1 for _ in over(crowd.approve, read, workers))


def over(
    function: Callable[[Item], Result], items: list[Item], workers: int
) -> Iterable[tuple[Item, Result]]:
    """One after another, or so many at once."""
    if workers == 1:
        return ((item, function(item)) for item in items)
    return each(function, items, workers=workers)


def timed(job: Callable[[], Result]) -> tuple[Result, float]:
    """What the job gives, and the seconds it took."""
    begun = perf_counter()
    result = job()
    return result, perf_counter() - begun


# ---- the comparison -------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=16)
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
    crowd, share = MTurkCrowd(client), chosen.hits / chosen.sample
    sample = [f"sample-{number}" for number in range(chosen.sample)]
    whole = [f"whole-{number}" for number in range(chosen.hits)]

    sampled, slow_out = timed(lambda: publish(crowd, sample, workers=1))
    published, fast_out = timed(lambda: publish(crowd, whole, workers=chosen.workers))
    pipe.send([*sampled, *published])
    pipe.recv()
    _, slow_in = timed(lambda: collect(crowd, sampled, workers=1))
    answers, fast_in = timed(lambda: collect(crowd, published, workers=chosen.workers))

    print(f"{chosen.latency_ms:.0f} ms of added latency; {chosen.workers} calls at once")
    show(f"publish {len(published):,} HITs", slow_out * share, fast_out)
    show(f"collect {answers:,} assignments", slow_in * share, fast_in)
    show("both", (slow_out + slow_in) * share, fast_out + fast_in)
    print(f"one after another: extrapolated from {chosen.sample} HITs; goal: {GOAL:.0f} times faster")


def show(what: str, slow: float, fast: float) -> None:
    print(f"{what:<26} one by one {slow:7.1f} s   at once {fast:6.1f} s   {slow / fast:5.1f} times faster")


if __name__ == "__main__":
    main()
