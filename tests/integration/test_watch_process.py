"""`ppw collect --watch` and `ppw run` as processes: messages, signals, and what they depend on gone for a while."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import make_url

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.crowd.browser import HttpBrowser
from pixelpatchwork.crowd.simulation import Simulation
from pixelpatchwork.crowd.workers import draw_personas
from pixelpatchwork.domain.model import EditState, RoundId
from tests.support.gates import gate_before
from tests.support.images_api import KEY, ImagesApi, Reply
from tests.support.ppw import ppw, serving, started
from tests.support.sqs import sqs_service
from tests.support.studies import WORKERS, copied, crowd_works, new_study, records

SECONDS_TO_END = 10
GENERATION = RoundId("day-1-generation")
KEYS = {
    "PPW_MARKETPLACE_ACCESS_KEY_ID": "AKIDOFTHEWATCHTEST",
    "PPW_MARKETPLACE_SECRET_ACCESS_KEY": "a-secret-of-the-watch-test",
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on its first Day. Copy it."""
    return new_study(tmp_path_factory.mktemp("watched") / "study")


@dataclass(kw_only=True)
class Watcher:
    """A running process that logs JSON lines. `ran` is there once it has ended."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def until(self, is_so: Callable[[], object], *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert self.process.poll() is None, (
                self.lines,
                self.process.stderr and self.process.stderr.read(),
            )
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> float:
        """Tells it to end. The seconds that it took; its exit code must be 0."""
        asked = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(timeout=SECONDS_TO_END)
        finally:
            self.process.kill()
        took = time.monotonic() - asked
        self._reader.join(5)
        assert self.process.stderr is not None
        assert (code, self.process.stderr.read()) == (0, ""), self.lines
        return took


@contextmanager
def watching(study: Path, *arguments: object, **environ: str) -> Iterator[Watcher]:
    """`ppw collect --watch`, or another command, in a process of its own; it is gone at the end."""
    command = arguments or ("collect", "--watch")
    process = started("--config", study, *command, "--log-format", "json", cwd=study.parent, environ=environ)
    watcher = Watcher(process=process)
    try:
        watcher.until(lambda: watcher.said("started"))
        yield watcher
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def people_come(url: str, *, workers: int, random_seed: int) -> int:
    """People do HITs at a served marketplace. How many answers they sent."""
    simulation = Simulation(
        browsers=lambda: HttpBrowser(url),
        personas=draw_personas(workers, Random(random_seed)),
        random_seed=random_seed,
    )
    return simulation.work().submitted


def test_a_queue_brings_answers_in_seconds_and_an_edit_under_way_does_not_hold_up_the_end(
    fresh: Path, tmp_path: Path
) -> None:
    """A served marketplace, a queue, and an images API that hangs just when the process is told to end."""
    study = copied(fresh, tmp_path / "study")
    with sqs_service() as sqs, ImagesApi() as images:
        told = {"PPW_SERVE__NOTIFICATIONS": sqs.endpoint_url, **sqs.environment}
        with serving("--config", study, cwd=tmp_path, environ=KEYS | told) as served:
            there = KEYS | {"PPW_MARKETPLACE": served.url}
            ppw("--config", study, "publish-round", cwd=tmp_path, environ=there).well()
            queue = sqs.fresh_queue()
            environ = {
                **there,
                **sqs.environment,
                "PPW_WATCH__QUEUE": queue,
                "PPW_WATCH__QUEUE_ENDPOINT_URL": sqs.endpoint_url,
                "PPW_WATCH__SWEEP_MINUTES": "600",
                "PPW_WATCH__HEALTH_FILE": "health.json",
                "PPW_EDITOR": "openai",
                "PPW_OPENAI__BASE_URL": images.base_url,
                "PPW_OPENAI__MODERATION": "false",
                "PPW_OPENAI__IMAGES_PER_MINUTE": "600",
                "OPENAI_API_KEY": KEY,
            }
            command = ("collect", "--watch", "--yes-spend", "5")
            with watching(study, *command, **environ) as watcher:
                watcher.until(lambda: watcher.said("notifications"))
                sent = people_come(served.url, workers=2, random_seed=1)
                watcher.until(lambda: sum(line["new_answers"] for line in watcher.said("collected")) == sent)
                watcher.until(lambda: sqs.count(queue) == 0)
                health = study.parent / "health.json"  # rewritten after a turn's messages are forgotten
                watcher.until(lambda: json.loads(health.read_text())["totals"].get("paid") == sent)

                images.replies.append(Reply(holds=True))
                made = len(images.calls)
                people_come(served.url, workers=3, random_seed=2)
                watcher.until(lambda: len(images.calls) > made)
                took = watcher.end()
    with records(study) as store:
        states = [edit.state for edit in store.edits(GENERATION)]
        events = [event.kind for event in store.events()]
    assert 5 < took < SECONDS_TO_END
    assert [line["event"] for line in watcher.lines][-2:] == ["stopping", "cut_off"]
    assert states.count(EditState.SUBMITTED) == 1
    assert events.count("edit_submitted") == len(images.calls)
    assert KEY not in str(watcher.lines)
    assert KEYS["PPW_MARKETPLACE_SECRET_ACCESS_KEY"] not in str(watcher.lines)


@pytest.mark.mysql
def test_a_database_that_is_gone_for_a_while_costs_nothing(
    fresh: Path, tmp_path: Path, mysql_url: str
) -> None:
    """The records on MariaDB, behind a gate that is shut while people work."""
    study = copied(fresh, tmp_path / "study")
    url = make_url(mysql_url)
    with gate_before(str(url.host), int(url.port or 3306)) as gate:
        behind = url.set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
        environ = {"PPW_DATABASE": behind, "PPW_WATCH__SWEEP_MINUTES": "0.005"}
        for command in (("init", "--json"), ("publish-round",)):
            ppw("--config", study, *command, cwd=tmp_path, environ=environ).well()
        with watching(study, **environ) as watcher:
            gate.shut()
            watcher.until(lambda: watcher.said("failed"))
            assert crowd_works(study, workers=WORKERS).submitted == WORKERS
            gate.open()
            watcher.until(lambda: watcher.said("recovered"))
            watcher.until(lambda: sum(line["rounds_closed"] for line in watcher.said("collected")) == 1)
            assert watcher.end() < 5
    store = open_store(mysql_url)
    try:
        answers = store.assignments(GENERATION)
        events = [event.kind for event in store.events()]
    finally:
        store.close()
    assert len(answers) == WORKERS
    assert {answer.state.value for answer in answers} == {"settled"}
    assert events.count("assignment_settled") == WORKERS
    assert events.count("edit_submitted") == events.count("image_made")
    assert {line["level"] for line in watcher.said("failed")} == {"warning"}
