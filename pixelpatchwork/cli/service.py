"""What commands need that live for days: log lines for people or programs, and an end within ten seconds."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from types import FrameType
from typing import Any, TypeVar

import click

from pixelpatchwork.cli.hints import typed_config, with_config
from pixelpatchwork.cli.output import plain
from pixelpatchwork.cli.program import INTERRUPTED
from pixelpatchwork.marketplace.traces import place_of
from pixelpatchwork.workflow.alarm import Alarm
from pixelpatchwork.workflow.notes import Level, Note, Tell

GRACE_SECONDS = 8.0
"""How long what is under way may take once the program was told to end. Supervisors kill after ten seconds or more."""
_LOOK_SECONDS = 0.5
_OURS = "pixelpatchwork"
_LOGGER = "pixelpatchwork.service"
_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING}

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def log_format_option(command: Decorated) -> Decorated:
    """Adds `--log-format`, as the parameter `log_format`."""
    return click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How a program that lives for days logs: lines for people, or one JSON object a line.",
    )(command)


# ---- log lines ------------------------------------------------------------------------------------------


@contextmanager
def logging_as(log_format: str) -> Iterator[Tell]:
    """Writes log lines to stdout while the block runs; gives the way to write notes, which any thread may."""
    config = typed_config()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLine() if log_format == "json" else _TextLine())
    root, ours, logger = logging.getLogger(), logging.getLogger(_OURS), logging.getLogger(_LOGGER)
    before, ours.handlers = ours.handlers, []  # what else would write the same lines to the terminal
    root.addHandler(handler)
    logger.setLevel(logging.INFO)

    def tell(note: Note) -> None:
        hinted = replace(note, text=with_config(note.text, config))
        logger.log(_LEVELS[note.level], "%s", hinted.text, extra={"note": hinted})

    try:
        yield tell
    finally:
        ours.handlers = before
        root.removeHandler(handler)


class _JsonLine(logging.Formatter):
    """One JSON object: ts, level, event, message, and a note's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {"ts": _time(record, "milliseconds"), "level": record.levelname.lower(), **_contents(record)}
        return json.dumps(plain(line), ensure_ascii=False)


class _TextLine(logging.Formatter):
    """Time, level where it matters, and a sentence."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        contents = _contents(record)
        error = f" ({contents['error']})" if "error" in contents else ""
        return " ".join(f"{_time(record, 'seconds')} {level}{contents['message']}{error}".split())


def _time(record: logging.LogRecord, timespec: str) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


def _contents(record: logging.LogRecord) -> dict[str, object]:
    """A note, or a line of a library; of an error that comes with it kind and place, for its text may hold secrets."""
    note = getattr(record, "note", None)
    if isinstance(note, Note):
        return {"event": note.event, "message": note.text, **note.fields}
    contents: dict[str, object] = {"event": "log", "logger": record.name, "message": record.getMessage()}
    if record.exc_info and record.exc_info[1]:
        contents["error"] = place_of(record.exc_info[1])
    return contents


# ---- the end --------------------------------------------------------------------------------------------


def supervised(work: Callable[[Alarm], None], *, tell: Tell) -> None:
    """Runs `work` until it ends or SIGTERM or SIGINT comes; then it gets `GRACE_SECONDS` to end by itself.

    It runs in a thread, so that signals are heard whatever it waits for: some waits (SQLite's for its turn, a name
    server's answer) let no handler run. What has not ended by then is left as if the process had been killed: the
    records say how far it has come, and the next run goes on from there. A second signal ends the process at once.
    """
    alarm = Alarm()
    raised: list[BaseException] = []

    def body() -> None:
        try:
            work(alarm)
        except BaseException as error:  # it is raised again by the thread that was waited in
            raised.append(error)

    thread = Thread(target=body, name="work", daemon=True)
    with _signals_to(alarm):
        thread.start()
        while thread.is_alive() and not alarm.is_stopped():
            thread.join(_LOOK_SECONDS)
        if thread.is_alive():
            tell(
                Note(
                    event="stopping", text="Told to end: nothing new is begun, what is under way is finished."
                )
            )
            thread.join(GRACE_SECONDS)
        if thread.is_alive():
            tell(Note(event="cut_off", text=_CUT_OFF, level=Level.WARNING))
            _leave(0)
    if raised:
        raise raised[0]
    if alarm.is_stopped():
        tell(Note(event="stopped", text="Ended as it was told. Started again, it goes on where it stopped."))


_CUT_OFF = (
    "Ended with something still under way, such as a picture that takes minutes. Started again, the program finds out"
    " what became of it; an edit whose answer is lost is made once more."
)


@contextmanager
def _signals_to(alarm: Alarm) -> Iterator[None]:
    """SIGTERM and SIGINT stop the work while the block runs; a second one ends the process."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if alarm.is_stopped():
            _leave(INTERRUPTED)
        alarm.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(code: int) -> None:
    """Ends the process at once: an ordinary exit would wait for every thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
