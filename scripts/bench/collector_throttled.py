"""How near a collector comes to the rate that a marketplace allows, with 1, 4, 16 and 64 calls at once.

A served marketplace runs in a process of its own, answers every call 20 ms late, and refuses what comes faster than
`--rate` calls a second with MTurk's ThrottlingException (a token bucket that holds a tenth of a second). A study for
each number of calls at once publishes, nine workers do every HIT, and `collect` takes in and approves their answers.
The rate alone is the ideal: the figure is the calls that were let through a second, as a share of it.

Run: python -m scripts.bench.collector_throttled [--rate 100] [--hits 600] [--workers 1 4 16 64] [--latency-ms 20]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.domain.model import HitId
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.services import Services
from scripts.bench.marketplace_calls import (
    ACCESS_KEY,
    ANSWER,
    SECRET_KEY,
    do_hits,
    far_marketplace,
    publish_all,
    study,
    timed,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GOAL = 0.90
RUNS = 20
"""How often a collector runs again for what a throttle has kept it from."""


@dataclass
class Throttle:
    """A token bucket before the API. `rate` in calls a second; 0 lets everything through."""

    app: WSGIApplication
    latency: float
    rate: float = 0.0
    passed: int = 0
    refused: int = 0
    tokens: float = 0.0
    filled_at: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The API's answer or its refusal, late."""
        time.sleep(self.latency)
        if self._takes():
            return self.app(environ, start_response)
        body = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
        start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [body]

    def _takes(self) -> bool:
        with self.lock:
            now = time.monotonic()
            self.tokens = min(max(1.0, self.rate / 10), self.tokens + (now - self.filled_at) * self.rate)
            self.filled_at = now
            taken = not self.rate or self.tokens >= 1
            self.tokens -= taken
            self.passed += taken
            self.refused += not taken
            return taken

    def reset(self, rate: float) -> None:
        """From now on at `rate`, counted anew."""
        with self.lock:
            self.rate, self.passed, self.refused, self.tokens = rate, 0, 0, 0.0
            self.filled_at = time.monotonic()


def throttled_process(pipe: Connection, folder: str, latency: float, threads: int) -> None:
    """Serves; does the HITs or changes the rate, as the pipe says, and ends with None."""
    app = create_app(
        Hosting(database_url=f"sqlite:///{folder}/marketplace.db", requesters={ACCESS_KEY: SECRET_KEY})
    )
    throttle = Throttle(app.wsgi_app, latency)
    with running(throttle, threads=threads) as url:
        pipe.send(url)
        while (ordered := pipe.recv()) is not None:
            if isinstance(ordered, float):
                pipe.send((throttle.passed, throttle.refused))
                throttle.reset(ordered)
            else:
                do_hits(app.extensions["marketplace"], *ordered)
                pipe.send(None)


@dataclass(frozen=True, kw_only=True)
class Market:
    """The marketplace in the other process, as the measurement needs it."""

    url: str
    pipe: Connection

    def do(self, hit_ids: list[HitId], answer: list[tuple[str, str]] = ANSWER) -> None:
        """Nine workers hand in every HIT."""
        self.pipe.send((list(hit_ids), answer))
        self.pipe.recv()

    def limit(self, rate: float) -> tuple[int, int]:
        """Sets the rate; gives the calls that were let through and refused since the last time."""
        self.pipe.send(rate)
        passed, refused = self.pipe.recv()
        return passed, refused


def collect_to_the_end(services: Services) -> int:
    """`ppw collect`, again while the throttle has kept it from something; gives the answers paid."""
    paid = 0
    for _ in range(RUNS):
        done: Collected = collect(services, owner="benchmark", may_spend=lambda _amount, _what: False)
        paid += done.paid
        if not done.unpaid and not done.unread:
            return paid
    raise RuntimeError(f"the throttle still refuses after {RUNS} runs: {done.first_failure}")


def measure(market: Market, folder: Path, *, workers: int, hits: int, rate: float) -> float:
    """One collector against the throttle: prints its line and gives its share of the rate."""
    client = mturk_client(
        endpoint_url=market.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, max_connections=workers
    )
    services = study(MTurkCrowd(client), folder, f"with-{workers}", hits=hits, workers=workers)
    market.do(publish_all(services))
    market.limit(rate)
    paid, seconds = timed(lambda: collect_to_the_end(services))
    passed, refused = market.limit(0.0)
    share = passed / seconds / rate
    print(
        f"{workers:>3} at once: {paid:,} answers in {seconds:6.1f} s, {passed / seconds:6.1f} calls a second"
        f" ({refused:,} more refused): {share:4.0%} of the rate",
        flush=True,
    )
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=100.0, help="calls a second that are let through")
    parser.add_argument("--hits", type=int, default=600)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--latency-ms", type=float, default=20.0)
    chosen = parser.parse_args()
    print(
        f"{chosen.latency_ms:.0f} ms of latency, {chosen.rate:.0f} calls a second; goal: {GOAL:.0%} of that rate",
        flush=True,
    )
    with (
        far_marketplace(chosen.latency_ms / 1000, 2 * max(chosen.workers), throttled_process) as (url, pipe),
        TemporaryDirectory() as folder,
    ):
        market = Market(url=url, pipe=pipe)
        for workers in chosen.workers:
            measure(market, Path(folder), workers=workers, hits=chosen.hits, rate=chosen.rate)


if __name__ == "__main__":
    main()
