"""A MariaDB server of the tests' own: a fresh data directory, a free port, gone afterwards.

    python -m tests.support.mariadb -- CMD...

runs a command with PPW_TEST_MYSQL_URL naming such a server, and exits with the command's code.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

URL_VARIABLE = "PPW_TEST_MYSQL_URL"
PORT_TRIES = 3
START_SECONDS = 60

# A server for tests need not outlive a power cut.
FAST = (
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--innodb-doublewrite=OFF",
    "--key-buffer-size=1M",
    "--performance-schema=OFF",
    "--max-connections=400",
    "--skip-log-bin",
    "--skip-name-resolve",
)


@contextmanager
def throwaway_mariadb() -> Iterator[str]:
    """Yields the root URL of an empty server on 127.0.0.1: mysql+pymysql://root@127.0.0.1:PORT/"""
    with tempfile.TemporaryDirectory(
        prefix="ppwdb", dir="/tmp"
    ) as directory:  # short: sockets allow 107 bytes
        home = Path(directory)
        _install(home)
        server, port = _start(home)
        try:
            yield f"mysql+pymysql://root@127.0.0.1:{port}/"
        finally:
            _stop(server)


def _start(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A server that answers, and its port. Another program may take the port first, so there are more tries."""
    for _ in range(PORT_TRIES):
        port = _free_port()
        with (home / "server.log").open("wb") as log:
            server = subprocess.Popen(_command(home, port), stdout=log, stderr=log)
        if _answers(server, port, home):
            return server, port
        _stop(server)
    raise RuntimeError(f"MariaDB did not start:\n{(home / 'server.log').read_text(errors='replace')}")


def _program(*names: str) -> str:
    """The first of the programs that is installed; servers often stand in sbin, outside a user's path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise RuntimeError(f"{names[0]} is not installed. On Debian or Ubuntu: apt-get install mariadb-server")


def _as_root() -> list[str]:
    """The server refuses to run as root unless told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _own_tmpdir(home: Path) -> str:
    """A server that starts removes the temporary tables in its tmpdir, those of other servers too."""
    return f"--tmpdir={home}"


def _install(home: Path) -> None:
    done = subprocess.run(
        [
            _program("mariadb-install-db", "mysql_install_db"),
            "--no-defaults",
            f"--datadir={home / 'data'}",
            _own_tmpdir(home),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *_as_root(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"MariaDB could not be set up:\n{done.stdout}{done.stderr}")


def _command(home: Path, port: int) -> list[str]:
    return [
        _program("mariadbd", "mysqld"),
        "--no-defaults",
        f"--datadir={home / 'data'}",
        _own_tmpdir(home),
        f"--socket={home / 's'}",
        f"--pid-file={home / 'pid'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        *FAST,
        *_as_root(),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: subprocess.Popen[bytes], port: int, home: Path) -> bool:
    """Waits until our own server answers; False where it has ended or another one has the port."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root", connect_timeout=2) as connection:
                return _folder_of(connection) == home / "data"
        except pymysql.err.OperationalError:
            time.sleep(0.05)
    return False


def _folder_of(connection: pymysql.Connection[Any]) -> Path:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@datadir")
        (folder,) = cursor.fetchone()
    return Path(folder)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(arguments: list[str]) -> int:
    """Runs the command after `--` beside a server; its exit code."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then, too
    with throwaway_mariadb() as url:
        return subprocess.run(command, env=os.environ | {URL_VARIABLE: url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
