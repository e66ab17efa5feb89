"""Served for real: several processes of a production WSGI server over one MariaDB, as docs/deploy.md has it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pixelpatchwork.config import load_settings
from pixelpatchwork.crowd.browser import CrowdTrouble, Form, HttpBrowser
from tests.support.marketplace import hit_request, socket_client
from tests.support.ppw import environment, here

CROWD = 100
START_SECONDS = 30


@contextmanager
def gunicorn(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Two processes that share a listening socket; the base URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, (folder / "log").open("wb") as log:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        bind = ["--bind", f"fd://{listener.fileno()}", "--workers", "2", "--threads", "16"]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *bind, "pixelpatchwork.wsgi:application()"],
            env=environment(environ) | {"PYTHONPATH": str(Path(__file__).parents[2])},
            pass_fds=[listener.fileno()],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url + "/signin", timeout=START_SECONDS):
                return
        except URLError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def environ(tmp_path: Path, mysql_url: str) -> dict[str, str]:
    here("init", tmp_path / "study").well()
    return {
        "PPW_CONFIG": str(tmp_path / "study" / "study.yaml"),
        "PPW_MARKETPLACE_DATABASE": mysql_url,
        "PPW_SERVE__SIGNUP": "name",
    }


@pytest.mark.mysql
def test_a_hundred_who_accept_the_last_assignment_at_once_leave_it_to_one(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    key = (
        here("marketplace", "add-requester", "Lab", "--balance", "10", "--json", environ=environ).well().json
    )
    with gunicorn(tmp_path, environ) as url:
        client = socket_client(url, key["key_id"], key["secret"])
        hit_id = client.create_hit(**hit_request(MaxAssignments=1))["HIT"]["HITId"]
        start = threading.Barrier(CROWD)
        with ThreadPoolExecutor(CROWD) as crowd:
            outcomes = Counter(crowd.map(lambda number: accept(url, hit_id, number, start), range(CROWD)))
        hit = client.get_hit(HITId=hit_id)["HIT"]

    assert outcomes == {"accepted": 1, "refused": CROWD - 1}
    assert (hit["HITStatus"], hit["NumberOfAssignmentsPending"]) == ("Unassignable", 1)
    assert here("marketplace", "ledger", "--check", environ=environ).well()


def accept(url: str, hit_id: str, number: int, start: threading.Barrier) -> str:
    """One worker, who has the task's page open when all click at once."""
    browser = HttpBrowser(url)
    sign_in = required(browser.get("/signin").form("form.signin"))
    browser.submit(sign_in, {"name": f"Worker {number}"})
    form = required(browser.get(f"/hits/{hit_id}").form("form.accept"))
    start.wait(timeout=60)
    try:
        browser.submit(form, {})
    except CrowdTrouble as trouble:
        if trouble.is_refusal:
            return "refused"
        raise
    return "accepted"


def required(form: Form | None) -> Form:
    assert form is not None
    return form


def test_a_marketplace_is_not_opened_to_others_before_somebody_said_who_may_come_in(tmp_path: Path) -> None:
    here("init", tmp_path / "study").well()
    done = subprocess.run(
        [sys.executable, "-c", "from pixelpatchwork.wsgi import application; application()"],
        env=environment({"PPW_CONFIG": str(tmp_path / "study" / "study.yaml")}),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Set `serve.signup`" in done.stderr


def test_the_settings_that_the_page_on_deployment_shows_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "study.yaml").write_text(shown, encoding="utf-8")
    settings = load_settings(tmp_path / "study.yaml", {})

    assert (settings.serve.signup, settings.serve.proxies, settings.serve.notifications) == (
        "invite",
        1,
        "off",
    )
    assert page.count("pixelpatchwork.wsgi:application") == 2
