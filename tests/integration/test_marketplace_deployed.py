"""The servers' lines of docs/deploy.md, started as they stand there behind a proxy that speaks TLS (this test)."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest
from bs4 import BeautifulSoup, Tag

from pixelpatchwork.config import load_settings
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.wiring import wired
from tests.support.marketplace import hit_request
from tests.support.ppw import environment, here

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


def documented(server: str) -> list[str]:
    """The command line of a server, as the page has it; its program is the one beside the tests' interpreter."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(rf"^(?:ExecStart=)?\S*bin/{server} .*$", page, re.MULTILINE)
    assert found is not None
    return [str(Path(sys.executable).parent / server), *shlex.split(found[0])[1:]]


@contextmanager
def started(line: list[str], environ: Mapping[str, str], folder: Path) -> Iterator[int]:
    """The server on a free port of this machine; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [part.replace("127.0.0.1:8765", f"127.0.0.1:{port}") for part in line],
            env=environment(environ) | {"PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(port, server, folder / "log")
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


@dataclass(frozen=True, kw_only=True)
class Answer:
    headers: Message
    body: str

    @property
    def cookie(self) -> str:
        return self.headers["Set-Cookie"].partition(";")[0]


def through_proxy(port: int, path: str, *, cookie: str = "", form: Mapping[str, str] | None = None) -> Answer:
    """One request as a proxy in front passes it on, which speaks TLS with a browser."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Host": "market.example.org",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        connection.request("POST" if form else "GET", path, urlencode(form or {}), headers)
        answer = connection.getresponse()
        return Answer(headers=answer.headers, body=answer.read().decode())
    finally:
        connection.close()


def one(body: str, selector: str) -> Tag:
    found = BeautifulSoup(body, "html.parser").select_one(selector)
    assert found is not None, body
    return found


@pytest.fixture
def study(tmp_path: Path) -> Path:
    here("init", tmp_path / "study").well()
    return tmp_path / "study" / "study.yaml"


@pytest.fixture
def hit_id(study: Path) -> str:
    with wired(load_settings(study, {})) as wiring:
        client = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://embedded.invalid")
        attach(client, wiring.marketplace)
        return str(client.create_hit(**hit_request())["HIT"]["HITId"])


@pytest.mark.parametrize("server", ["gunicorn", "waitress-serve"])
def test_the_documented_server_knows_that_the_browser_speaks_tls(
    server: str, study: Path, hit_id: str, tmp_path: Path
) -> None:
    environ = {"PPW_CONFIG": str(study), "PPW_SERVE__SIGNUP": "name"}
    with started(documented(server), environ, tmp_path) as port:
        asked = through_proxy(port, "/signin")
        fields = {
            str(field["name"]): str(field.get("value", ""))
            for field in one(asked.body, "form.signin").select("input[name]")
        }
        entered = through_proxy(port, "/signin", cookie=asked.cookie, form=fields | {"name": "Ann"})
        preview = through_proxy(port, f"/hits/{hit_id}", cookie=entered.cookie)

    for answer in (asked, entered):
        assert "; secure" in answer.headers["Set-Cookie"].lower()
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    query = parse_qs(urlsplit(str(one(preview.body, "iframe")["src"])).query)
    assert query["turkSubmitTo"] == ["https://market.example.org"]
