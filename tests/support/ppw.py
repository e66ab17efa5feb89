"""`ppw` as people run it: a process of its own, in an environment that says nothing about studies or accounts.

`here` runs the same program inside the test's process, where a start-up of a second would be too much.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pixelpatchwork.cli import main

SECONDS_TO_END = 10
"""How long a served marketplace may take to end once it was asked to."""

_OURS = ("PPW_", "AWS_", "OPENAI_")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of one run of `ppw`."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.stdout + self.stderr

    def well(self) -> Ran:
        """Itself, where it ended with exit code 0."""
        assert self.code == 0, self.text
        return self


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would decide something for a study, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | dict(more or {})


def command(*arguments: object) -> list[str]:
    """The command line of `ppw`; every warning in it is an error, as in the tests."""
    return [sys.executable, "-W", "error", "-m", "pixelpatchwork", *map(str, arguments)]


def started(*arguments: object, cwd: Path, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`ppw` as a process that has just begun."""
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """What a process says first, byte by byte: a buffer would keep what follows from `ended`."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(process.stdout.fileno(), 1)):
        line += byte
    return line.decode()


def ended(process: subprocess.Popen[str], *, seconds: float = 120) -> Ran:
    """Waits for a process that was `started`; one that takes longer is killed, and the test fails."""
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(f"ppw did not end within {seconds} seconds:\n{stdout}{stderr}") from None
    return Ran(code=process.returncode, stdout=stdout, stderr=stderr)


def ppw(*arguments: object, cwd: Path, environ: Mapping[str, str] | None = None) -> Ran:
    """Runs `ppw` in a process of its own."""
    return ended(started(*arguments, cwd=cwd, environ=environ))


def here(*arguments: object, environ: Mapping[str, str] | None = None) -> Ran:
    """Runs `ppw` in this process."""
    hidden = {name: None for name in os.environ if name.startswith(_OURS)}
    result = CliRunner().invoke(main, [str(one) for one in arguments], env={**hidden, **(environ or {})})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(code=result.exit_code, stdout=result.stdout, stderr=result.stderr)


# ---- serving --------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Served:
    """A running `ppw serve`. `ran` is there once it has ended."""

    url: str
    process: subprocess.Popen[str]
    ran: Ran | None = None


@contextmanager
def serving(
    *options: object,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    end: int = signal.SIGTERM,
    more: Sequence[object] = (),
) -> Iterator[Served]:
    """Runs `ppw OPTIONS serve --port 0 MORE` meanwhile; it must end well, and soon, when it gets the signal `end`."""
    process = started(*options, "serve", "--port", 0, *more, cwd=cwd, environ=environ)
    first = first_line(process)
    if not first.startswith("Workers: http://127.0.0.1:"):
        raise AssertionError(f"ppw serve did not start: {first}{ended(process).text}")
    served = Served(url=first.removeprefix("Workers: ").strip().rstrip("/"), process=process)
    try:
        yield served
    finally:
        if process.poll() is None:
            process.send_signal(end)
        served.ran = ended(process, seconds=SECONDS_TO_END)
    served.ran.well()


@contextmanager
def dead_proxy() -> Iterator[Watch]:
    """An environment whose way into the net leads to a listener that only notices that somebody came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Watch(listener=listener)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Sees whether a program tried to leave this machine."""

    listener: socket.socket

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program is told of the proxy."""
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        return {"HTTPS_PROXY": url, "https_proxy": url, "HTTP_PROXY": url, "http_proxy": url}

    @property
    def saw_somebody(self) -> bool:
        """Whether anybody came."""
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True
