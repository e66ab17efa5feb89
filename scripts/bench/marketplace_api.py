"""How many API calls a second one server process answers, beside an operation that does nothing.

A marketplace runs in a process of its own; ten threads of one boto3 client call it. What the ten threads reach at
most depends on them and on the machine, so two idle answers are measured in every round, next to what is judged:

- *bare*: the server (waitress) answers `{}` before the marketplace sees the call: the limit of client and socket.
- *nothing*: an operation that only this benchmark registers, and that answers without having done anything. It
  passes through all that every operation passes through: the signature, the check for replays, a transaction.

Create (CreateHIT with a new request token), get (GetHIT), list (ListAssignmentsForHIT, nine answers) and approve
(ApproveAssignment) are each compared with *nothing*. Rounds are short and interleaved, and each figure is the median
of its rounds, so that other work on the machine falls on all alike.

Run: python -m scripts.bench.marketplace_api [--rounds 5] [--calls 400] [--threads 10] [--on sqlite --on mariadb]
"""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

import boto3
import pymysql
from botocore.config import Config

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.served import running
from tests.support.mariadb import throwaway_mariadb

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GOAL = 0.60
ASSIGNMENTS = 9
KEY_ID, SECRET = "BENCHMARK", "benchmark-secret"
BARE = "/bare"
ANSWER = answer_xml([("mask", "x" * 400), ("prompt", "a red kite")])
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form><input name="prompt"></form>'
    "</body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


# ---- the marketplace, in a process of its own -----------------------------------------------------------


def does_nothing(_call: Call) -> dict[str, Any]:
    """Takes the place of GetAccountBalance in the benchmark's server."""
    return {"AvailableBalance": "0.00"}


def with_bare(app: WSGIApplication) -> WSGIApplication:
    """The application, beside an address that answers at once."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(BARE):
            return app(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", "2")])
        return [b"{}"]

    return answer


def marketplace_process(pipe: Connection, database_url: str) -> None:
    """Serves; sends its URL, answers each list of HIT ids with the assignments handed in, and ends with None."""
    operation("GetAccountBalance", writes=False)(does_nothing)
    app = create_app(Hosting(database_url=database_url, requesters={KEY_ID: SECRET}))
    with running(with_bare(app)) as url:
        pipe.send((url, os.getpid()))
        while (hit_ids := pipe.recv()) is not None:
            pipe.send([done for hit_id in hit_ids for done in do_hit(app.extensions["marketplace"], hit_id)])


def do_hit(market: Market, hit_id: str) -> list[str]:
    """Nine workers accept and hand in; the ids of their assignments."""

    def job(moment: Moment) -> list[str]:
        done = [work.accept(moment, hit_id, f"AWORKER{number}") for number in range(ASSIGNMENTS)]
        return [work.submit(moment, one.assignment_id, ANSWER).assignment_id for one in done]

    return market.write(job)


@contextmanager
def served(database_url: str) -> Iterator[tuple[str, int, Connection]]:
    """The URL of a marketplace in another process, that process's id, and the pipe to it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=marketplace_process, args=(theirs, database_url))
    process.start()
    try:
        yield (*ours.recv(), ours)
    finally:
        ours.send(None)
        process.join()


# ---- the requester --------------------------------------------------------------------------------------


class Requester:
    """Ten threads with one client, and a supply of HITs and answers."""

    def __init__(self, url: str, pipe: Connection, threads: int) -> None:
        self._client = new_client(url, threads)
        self._bare = new_client(url + BARE, threads)
        self._pipe = pipe
        self._pool = ThreadPoolExecutor(threads)
        self._tokens = count()
        self._hits = [self._create() for _ in range(threads)]
        self._hand_in(self._hits)

    def round(self, calls: int) -> dict[str, float]:
        """Calls a second of each kind."""
        waiting = self._hand_in([self._create() for _ in range(-(-calls // ASSIGNMENTS))])[:calls]
        hits = [self._hits[number % len(self._hits)] for number in range(calls)]
        return {
            "bare": self._rate(lambda _: self._bare.get_account_balance(), hits),
            "nothing": self._rate(lambda _: self._client.get_account_balance(), hits),
            "create": self._rate(lambda _: self._create(), hits),
            "get": self._rate(lambda hit: self._client.get_hit(HITId=hit), hits),
            "list": self._rate(lambda hit: self._client.list_assignments_for_hit(HITId=hit), hits),
            "approve": self._rate(lambda one: self._client.approve_assignment(AssignmentId=one), waiting),
        }

    def _rate(self, call: Callable[[str], object], items: Sequence[str]) -> float:
        begun = perf_counter()
        for _ in self._pool.map(call, items):
            pass
        return len(items) / (perf_counter() - begun)

    def _create(self) -> str:
        made = self._client.create_hit(
            Title="Paint",
            Description="Paint a part of a picture.",
            Reward="0.15",
            LifetimeInSeconds=86_400,
            AssignmentDurationInSeconds=600,
            MaxAssignments=ASSIGNMENTS,
            Question=QUESTION,
            UniqueRequestToken=f"benchmark-{next(self._tokens)}",
        )
        return str(made["HIT"]["HITId"])

    def _hand_in(self, hit_ids: Sequence[str]) -> list[str]:
        self._pipe.send(hit_ids)
        assignment_ids: list[str] = self._pipe.recv()
        return assignment_ids


def new_client(url: str, threads: int) -> Any:
    return boto3.client(
        "mturk",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(max_pool_connections=threads, retries={"total_max_attempts": 1}),
    )


# ---- the figures ----------------------------------------------------------------------------------------


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database(kind: str) -> Iterator[str]:
    """An empty database of that kind, for as long as the block runs."""
    if kind == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'marketplace.db'}"
        return
    with throwaway_mariadb() as root:
        port = int(root.rstrip("/").rpartition(":")[2])
        with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
            connection.cursor().execute("CREATE DATABASE bench CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        yield f"{root}bench"


def measure(kind: str, chosen: argparse.Namespace) -> None:
    """Runs the rounds on one kind of database and prints each figure."""
    with database(kind) as url, served(url) as (address, pid, pipe):
        print(
            f"{kind}: {chosen.threads} threads, {chosen.rounds} rounds of {chosen.calls} calls, server {pid}"
        )
        requester = Requester(address, pipe, chosen.threads)
        requester.round(chosen.threads * 3)  # warm
        rounds = [requester.round(chosen.calls) for _ in range(chosen.rounds)]
    for name in rounds[0]:
        rate = median(each[name] for each in rounds)
        of_nothing = median(each[name] / each["nothing"] for each in rounds)
        of_bare = median(each[name] / each["bare"] for each in rounds)
        verdict = "" if name in {"bare", "nothing"} else "reached" if of_nothing >= GOAL else "MISSED"
        print(
            f"  {name:<8} {rate:6.0f} a second   {of_nothing:4.0%} of nothing   {of_bare:4.0%} of bare   {verdict}"
        )
    print(f"  goal: {GOAL:.0%} of nothing; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400, help="of each kind in each round")
    parser.add_argument("--threads", type=int, default=10)
    parser.add_argument("--on", action="append", choices=["sqlite", "mariadb"], help="both without it")
    chosen = parser.parse_args()
    for kind in chosen.on or ["sqlite", "mariadb"]:
        measure(kind, chosen)


if __name__ == "__main__":
    main()
