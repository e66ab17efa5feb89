"""`ppw run` as people and supervisors use it, and what a program that lives for days writes to its log."""

from __future__ import annotations

import json
import logging
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import click
import pytest

from pixelpatchwork.adapters.clocks import SystemClock
from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.cli import main
from pixelpatchwork.cli.service import logging_as
from pixelpatchwork.domain.signals import NoSignals
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running
from pixelpatchwork.workflow.alarm import Alarm
from pixelpatchwork.workflow.loop import Loop, Pace
from pixelpatchwork.workflow.notes import Note
from pixelpatchwork.workflow.watch import Watch
from tests.support.gates import gate_before
from tests.support.ppw import ended, first_line, started
from tests.support.studies import WORKERS, crowd_works, new_study, records, run
from tests.support.study import Stage, open_stage

ALWAYS = {"schedule.generation_at": "00:00", "schedule.voting_at": "00:00", "schedule.advance_at": "00:00"}
"""Each step at midnight: what is due today has been due since, and the next one is tomorrow's."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_study(tmp_path_factory.mktemp("run") / "study", ALWAYS)


def test_once_does_what_is_due_and_ends(study: Path) -> None:
    first = run(study, "run", "--once").well()
    assert "Day 1: the generation round is published" in first.stdout
    assert "ppw --config" in first.stdout  # how people reach it, as it can be typed
    assert crowd_works(study, workers=WORKERS).submitted == WORKERS
    second = run(study, "run", "--once", "--log-format", "json").well()
    lines = [json.loads(line) for line in second.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["started", "needs_serve", "waiting", "collected", "waiting"]
    assert {line["level"] for line in lines} == {"info"}
    assert lines[3]["new_answers"] == WORKERS
    tomorrow = datetime.fromisoformat(lines[4]["until"])
    assert timedelta(0) < tomorrow - datetime.now(UTC) <= timedelta(days=1)
    with records(study) as store:
        assert len(store.rounds()) == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_process_ends_at_once_and_well(study: Path, end: signal.Signals) -> None:
    process = started("--config", study, "run", cwd=study.parent)
    assert "Running the study" in first_line(process)
    time.sleep(0.3)
    asked = time.monotonic()
    process.send_signal(end)
    ran = ended(process, seconds=10)
    assert time.monotonic() - asked < 5
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.endswith("Started again, it goes on where it stopped.\n")


@pytest.mark.parametrize("options", [["--close"], ["--json"]])
def test_watching_goes_neither_with_closing_nor_with_one_document(study: Path, options: list[str]) -> None:
    ran = run(study, "collect", "--watch", *options)
    assert ran.code == 2
    assert "--watch goes with neither" in ran.stderr


def test_what_needs_a_person_at_the_start_ends_it_with_its_code(tmp_path: Path, study: Path) -> None:
    (tmp_path / "study.yaml").write_text("seed: seed.jpg\n")
    missing = run(tmp_path / "study.yaml", "collect", "--watch")
    assert (missing.code, "ppw --config" in missing.stderr) == (1, True)
    elsewhere = run(study, "collect", "--watch", PPW_MARKETPLACE="http://127.0.0.1:1")
    assert elsewhere.code == 2
    assert "PPW_MARKETPLACE_ACCESS_KEY_ID" in elsewhere.stderr


def test_edits_that_cost_money_wait_unless_an_amount_is_stated(study: Path) -> None:
    ran = run(study, "run", "--once", PPW_EDITOR="openai", OPENAI_API_KEY="sk-test").well()
    assert "start again with --yes-spend USD" in ran.stdout
    ran = run(study, "run", "--once", "--yes-spend", "7.5", PPW_EDITOR="openai", OPENAI_API_KEY="sk-test")
    assert "At most $7.50 is spent in the whole life of this process." in ran.well().stdout
    assert "sk-test" not in ran.text


# ---- log lines ------------------------------------------------------------------------------------------


def test_lines_of_libraries_are_lines_of_the_same_log_without_what_errors_quote(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for log_format in ("json", "text"):
        with click.Context(main).scope(), logging_as(log_format) as tell:
            tell(Note(event="collected", text="2 new\nanswers", fields={"new_answers": 2}))
            error = ValueError("A3WORKERID wrote this")
            logging.getLogger("pixelpatchwork.marketplace").error("A call failed.", exc_info=error)
    out = capsys.readouterr().out
    first, second, third, fourth = out.splitlines()
    assert json.loads(first)["message"] == "2 new\nanswers"
    assert json.loads(second)["error"] == "ValueError"
    assert third.endswith("Z 2 new answers")
    assert fourth.endswith("Z error: A call failed. (ValueError)")
    assert "A3WORKERID" not in out


# ---- a marketplace that is gone -------------------------------------------------------------------------


def test_a_marketplace_that_is_gone_for_a_while_costs_nothing(tmp_path: Path) -> None:
    """Real sockets: a served marketplace behind a gate that is shut while somebody hands in an answer."""
    stage = open_stage(tmp_path)
    app = create_app(
        Hosting(
            database_url="sqlite://",
            clock=lambda: datetime.now(UTC),
            requesters={"AKIDOFTHEGATETEST": "secret"},
            secret_key="test",
            random=Random(1),
        )
    )
    with running(app) as url, gate_before("127.0.0.1", int(url.rpartition(":")[2])) as gate:
        client = mturk_client(
            endpoint_url=f"http://127.0.0.1:{gate.port}",
            access_key="AKIDOFTHEGATETEST",
            secret_key="secret",
            max_connections=4,
            attempts=1,
        )
        stage = Stage(
            services=stage.with_services(crowd=MTurkCrowd(client), clock=SystemClock()).services,
            app=app,
            clock=stage.clock,
            editor=stage.editor,
        )
        stage.publish()
        alarm, notes = Alarm(), list[Note]()
        turns = 0

        def happens(note: Note) -> None:
            notes.append(note)
            if note.event == "failed":
                stage.paint("Bob", "a star")
                gate.open()

        watch = Watch(
            services=stage.services,
            owner="test",
            may_spend=lambda _amount, _what: True,
            stops=alarm.is_stopped,
            tell=happens,
        )

        def turn(named: object) -> object:
            nonlocal turns
            turns += 1
            if turns == 1:
                stage.paint("Ada", "a moon")
            elif turns == 2:
                gate.shut()
            done = watch.turn(named)  # type: ignore[arg-type]
            if len(stage.editor.requests) == 2:
                alarm.stop()
            return done

        loop = Loop(
            clock=SystemClock(),
            random=Random(1),
            waits=Quick(alarm),
            signals=NoSignals(),
            tell=happens,
            record=lambda _health: None,
            pace=Pace(hearing=timedelta(milliseconds=10), deaf=timedelta(milliseconds=10)),
        )
        loop.run(turn)  # type: ignore[arg-type]
        client.close()
    stage.services.store.close()  # type: ignore[attr-defined]
    assert [note.event for note in notes] == ["collected", "failed", "collected", "recovered"]
    assert [note.fields.get("paid") for note in notes if note.event == "collected"] == [1, 1]


class Quick:
    """Waiting, a hundred times as fast."""

    def __init__(self, alarm: Alarm) -> None:
        self.is_stopped = alarm.is_stopped
        self._alarm = alarm

    def rest(self, seconds: float) -> None:
        self._alarm.rest(seconds / 100)

    def listen(self, seconds: float) -> None:
        self._alarm.listen(seconds / 100)
