"""How long 200 people who work at once wait for the marketplace's pages.

Each of them signs in, and then again and again, with two seconds of thinking between the steps: looks at the list,
accepts the next task, loads the work page and the task in its frame, and hands in. The server is what docs/deploy.md
describes: processes of gunicorn over MariaDB (or one process of waitress). The people are coroutines of this process,
one connection for each request, as a web server in front would make them at worst; they begin at different times, and
what is precomputed or parsed is little, for they share the machine with the server. Whatever is not the answer that a
person should see is an error. The first ten seconds, in which everybody signs in and starts, are not counted.

Run: python -m scripts.bench.marketplace_workers [--people 200] [--seconds 30] [--server gunicorn] [--processes 4]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import boto3

from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting
from scripts.bench.marketplace_api import QUESTION, database, free_port
from tests.support.ppw import environment

GOAL_MS = 250.0
STEPS = ("list", "accept", "work", "frame", "submit")
START_SECONDS = 60
WARM_SECONDS = 10.0
ANSWER_SECONDS = 30.0
MASK = "data:image/png;base64," + "iVBORw0KGgo" * 400
_TOKEN = re.compile(
    rb'action="(/types/[^"]+/next)">\s*<input type="hidden" name="csrf_token" value="([^"]+)"'
)
_SIGN_IN = re.compile(rb'name="csrf_token" value="([^"]+)"')
_FRAME = re.compile(rb'<iframe class="work[^>]* src="([^"]+)"')


# ---- the server -----------------------------------------------------------------------------------------


def server_command(chosen: argparse.Namespace, port: int) -> list[str]:
    """The command line of docs/deploy.md, on a port of its own."""
    if chosen.server == "gunicorn":
        size = ["--workers", str(chosen.processes), "--threads", str(chosen.threads)]
        return ["gunicorn", "--bind", f"127.0.0.1:{port}", *size, "pixelpatchwork.wsgi:application()"]
    listen = ["--listen", f"127.0.0.1:{port}", "--threads", str(chosen.threads)]
    return ["waitress", *listen, "--call", "pixelpatchwork.wsgi:application"]


@contextmanager
def served(chosen: argparse.Namespace, folder: Path, database_url: str) -> Iterator[int]:
    """Serves while the block runs; yields the port."""
    study = folder / "study"
    environ = environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [sys.executable, "-m", "pixelpatchwork", "init", study], env=environ, check=True, stdout=-3
    )
    environ |= {
        "PPW_CONFIG": str(study / "study.yaml"),
        "PPW_MARKETPLACE_DATABASE": database_url,
        "PPW_SERVE__SIGNUP": "name",
    }
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *server_command(chosen, port)], env=environ, stdout=log, stderr=log
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/signin", server, folder / "log")
        yield port
    finally:
        server.terminate()
        server.wait(timeout=60)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=START_SECONDS):
                return
        except URLError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text())


def publish(database_url: str, hits: int) -> None:
    """So many HITs of one type, nine assignments each."""
    app = create_app(Hosting(database_url=database_url, opening_balance=Decimal(100_000)))
    client = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://embedded.invalid")
    attach(client, app)
    for _ in range(hits):
        client.create_hit(
            Title="Paint",
            Description="Paint a part of a picture.",
            Reward="0.15",
            LifetimeInSeconds=86_400,
            AssignmentDurationInSeconds=600,
            MaxAssignments=9,
            Question=QUESTION,
        )
    app.extensions["marketplace"].database.close()


# ---- the people -----------------------------------------------------------------------------------------


class WrongAnswerError(Exception):
    """An answer that a person should not see."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP response. `cookie` is what the site wants kept, or empty."""

    status: int
    location: str
    cookie: str
    body: bytes


@dataclass(kw_only=True)
class Tally:
    """What everybody has seen. Waits in seconds, by step."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """What came so far was the start."""
        self.waits.clear()


@dataclass(kw_only=True)
class Person:
    """One worker with a browser that knows just enough HTML."""

    name: str
    port: int
    tally: Tally
    _cookie: str = ""

    async def sign_in(self) -> None:
        """By name."""
        form = await self._get("sign in", "/signin")
        token = _SIGN_IN.search(form.body)
        if token is None:
            raise WrongAnswerError("no form to sign in")
        await self._post("sign in", "/signin", 303, {"csrf_token": token[1].decode(), "name": self.name})

    async def work(self, think: float) -> None:
        """One task from the list to the submit, and a pause after each step."""
        action, token = self._found(_TOKEN, await self._get("list", "/"))
        await asyncio.sleep(think)
        accepted = await self._post("accept", action, 303, {"csrf_token": token})
        await asyncio.sleep(think)
        (frame,) = self._found(_FRAME, await self._get("work", accepted.location))
        source = urlsplit(frame.replace("&amp;", "&"))
        await self._get("frame", f"{source.path}?{source.query}")
        await asyncio.sleep(think)
        query = {name: values[0] for name, values in parse_qs(source.query).items()}
        target = urlsplit(query["turkSubmitTo"]).path + "/mturk/externalSubmit"
        answer = {"assignmentId": query["assignmentId"], "mask": MASK, "prompt": "a red kite"}
        await self._post("submit", target, 200, answer)
        await asyncio.sleep(think)

    @staticmethod
    def _found(pattern: re.Pattern[bytes], reply: Reply) -> Sequence[str]:
        match = pattern.search(reply.body)
        if match is None:
            raise WrongAnswerError("the page lacks what comes next")
        return [part.decode() for part in match.groups()]

    async def _get(self, step: str, path: str) -> Reply:
        return await self._ask(step, "GET", path, 200, b"")

    async def _post(self, step: str, path: str, expected: int, fields: Mapping[str, str]) -> Reply:
        return await self._ask(step, "POST", path, expected, urlencode(fields).encode())

    async def _ask(self, step: str, method: str, path: str, expected: int, body: bytes) -> Reply:
        begun = time.perf_counter()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
            f"Cookie: {self._cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        reply = await exchange(self.port, head.encode() + body)
        self.tally.waits[step].append(time.perf_counter() - begun)
        self._cookie = reply.cookie or self._cookie
        if reply.status != expected:
            raise WrongAnswerError(f"{step}: status {reply.status}")
        return reply


async def exchange(port: int, request: bytes) -> Reply:
    """Sends a request on a connection of its own and reads the whole response."""
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            data = await reader.read(-1)
        finally:
            writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Reply(
        status=int(first.split(" ")[1]) if first else 0,
        location=urlsplit(headers.get("location", "")).path,
        cookie=headers.get("set-cookie", "").partition(";")[0],
        body=body,
    )


async def live(person: Person, *, late: float, think: float, until: float) -> None:
    """Comes `late` seconds late and works until the time is over. An error ends one task, not the person."""
    await asyncio.sleep(late)
    is_in = False
    while time.monotonic() < until:
        try:
            if not is_in:
                await person.sign_in()
                is_in = True
            await person.work(think)
        except (WrongAnswerError, OSError, TimeoutError) as error:
            person.tally.errors.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(think)


async def crowd(port: int, chosen: argparse.Namespace) -> Tally:
    """Everybody at once."""
    tally, random = Tally(), Random(1)
    until = time.monotonic() + WARM_SECONDS + chosen.seconds
    people = [
        live(
            Person(name=f"Worker {number}", port=port, tally=tally),
            late=random.uniform(0, WARM_SECONDS - chosen.think),
            think=chosen.think,
            until=until,
        )
        for number in range(chosen.people)
    ]

    async def start_counting() -> None:
        await asyncio.sleep(WARM_SECONDS)
        tally.forget()

    await asyncio.gather(start_counting(), *people)
    return tally


# ---- the figures ----------------------------------------------------------------------------------------


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all are not above, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[math.ceil(share * len(ordered)) - 1]


def show(tally: Tally, busy: float) -> None:
    """Prints the figures and whether the goal was reached."""
    for step in STEPS:
        waits = tally.waits[step]
        at = "  ".join(
            f"p{100 * share:.0f} {percentile(waits, share):5.0f}" for share in (0.5, 0.95, 0.99, 1)
        )
        print(f"  {step:<7} {len(waits):5}   {at} ms")
    asked = sum(len(waits) for waits in tally.waits.values())
    p99 = percentile(tally.waits["submit"], 0.99)
    is_reached = p99 < GOAL_MS and not tally.errors
    print(f"  {asked} requests, {len(tally.errors)} errors {sorted(set(tally.errors))[:3]}")
    print(
        f"  the people took {busy:.0%} of one core; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()}"
    )
    print(
        f"  p99 of submit {p99:.0f} ms, goal {GOAL_MS:.0f} ms and no error: {'reached' if is_reached else 'MISSED'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=2.0, help="seconds between the steps")
    parser.add_argument("--server", choices=["gunicorn", "waitress"], default="gunicorn")
    parser.add_argument("--processes", type=int, default=4, help="of gunicorn")
    parser.add_argument("--threads", type=int, default=16, help="of each process")
    parser.add_argument("--on", choices=["sqlite", "mariadb"], default="mariadb")
    chosen = parser.parse_args()
    jobs = chosen.people * (WARM_SECONDS + chosen.seconds) / (4 * chosen.think) * 1.2
    with database(chosen.on) as database_url, TemporaryDirectory() as folder:
        publish(database_url, math.ceil(jobs / 9) + 20)
        with served(chosen, Path(folder), database_url) as port:
            size = f"{chosen.processes} processes" if chosen.server == "gunicorn" else "1 process"
            print(f"{chosen.people} people; {chosen.server}, {size} of {chosen.threads} threads, {chosen.on}")
            begun, used = time.perf_counter(), time.process_time()
            tally = asyncio.run(crowd(port, chosen))
            busy = (time.process_time() - used) / (time.perf_counter() - begun)
    show(tally, busy)


if __name__ == "__main__":
    main()
