"""Whether a server's memory stays flat while 100,000 assignments pass through it.

A marketplace is served by a process of its own. A requester publishes HITs through the API, lists all of their answers
and approves some; the accepts, the submits and the other approvals are made by the serving process itself, without
the detour of a socket, for 100,000 of each would take long. After each tenth the process's resident memory is read.
The first two tenths fill caches and connection pools; what comes after may add a tenth of their memory at most.

Run: python -m scripts.bench.marketplace_memory [--assignments 100000] [--on sqlite]
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from pixelpatchwork.marketplace import verdicts, work
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment, find_assignment
from pixelpatchwork.marketplace.served import running
from scripts.bench.marketplace_api import ANSWER, KEY_ID, QUESTION, SECRET, database, new_client

STAGES = 10
SLOTS = 100
GROWTH = 0.10


def marketplace_process(pipe: Connection, database_url: str) -> None:
    """Serves; does each HIT whose id comes through the pipe, and ends with None."""
    app = create_app(Hosting(database_url=database_url, requesters={KEY_ID: SECRET}))
    market: Market = app.extensions["marketplace"]
    with running(app) as url:
        pipe.send((url, os.getpid()))
        while (ordered := pipe.recv()) is not None:
            act, ids = ordered
            for each in ids:
                market.write(partial(ACTS[act], subject=each))
            pipe.send(None)


def do_hit(moment: Moment, *, subject: str) -> None:
    """A hundred workers accept and hand in."""
    for number in range(SLOTS):
        work.submit(moment, work.accept(moment, subject, f"AWORKER{number}").assignment_id, ANSWER)


def approve(moment: Moment, *, subject: str) -> None:
    """The requester pays."""
    assignment = find_assignment(moment, subject, lock=True)
    if assignment is None:
        raise LookupError(subject)
    verdicts.approve(moment, assignment, at=moment.now)


ACTS = {"do": do_hit, "approve": approve}


def stage(client: Any, pipe: Connection, hits: int) -> int:
    """One stage: publish, do, list, approve. How many assignments were listed."""
    hit_ids = [create(client) for _ in range(hits)]
    order(pipe, "do", hit_ids)
    pages = client.get_paginator("list_assignments_for_hit")
    listed = [
        str(found["AssignmentId"])
        for hit_id in hit_ids
        for page in pages.paginate(HITId=hit_id, PaginationConfig={"PageSize": SLOTS})
        for found in page["Assignments"]
    ]
    by_api = len(listed) // 20
    for assignment_id in listed[:by_api]:
        client.approve_assignment(AssignmentId=assignment_id)
    order(pipe, "approve", listed[by_api:])
    return len(listed)


def order(pipe: Connection, act: str, ids: list[str]) -> None:
    """Has the serving process act, and waits until it has."""
    pipe.send((act, ids))
    pipe.recv()


def create(client: Any) -> str:
    made = client.create_hit(
        Title="Paint",
        Description="Paint a part of a picture.",
        Reward="0.01",
        LifetimeInSeconds=86_400,
        AssignmentDurationInSeconds=600,
        MaxAssignments=SLOTS,
        Question=QUESTION,
    )
    return str(made["HIT"]["HITId"])


def resident_mib(pid: int) -> float:
    """The process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assignments", type=int, default=100_000)
    parser.add_argument("--on", choices=["sqlite", "mariadb"], default="sqlite")
    chosen = parser.parse_args()
    context = get_context("spawn")
    pipe, theirs = context.Pipe()
    with database(chosen.on) as url:
        process = context.Process(target=marketplace_process, args=(theirs, url))
        process.start()
        try:
            address, pid = pipe.recv()
            measure(new_client(address, threads=1), pipe, pid, chosen)
        finally:
            pipe.send(None)
            process.join()


def measure(client: Any, pipe: Connection, pid: int, chosen: argparse.Namespace) -> None:
    """Runs the stages and prints the memory after each."""
    begun, total, sizes = perf_counter(), 0, []
    print(f"{chosen.on}: at the start {resident_mib(pid):.1f} MiB")
    for _ in range(STAGES):
        total += stage(client, pipe, max(1, chosen.assignments // (STAGES * SLOTS)))
        sizes.append(resident_mib(pid))
        print(f"  {total:7,} assignments  {sizes[-1]:6.1f} MiB  {perf_counter() - begun:5.0f} s", flush=True)
    growth = sizes[-1] / sizes[1] - 1
    verdict = "flat" if growth <= GROWTH else "NOT FLAT"
    print(f"  {growth:+.1%} since the second stage: {verdict}; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
