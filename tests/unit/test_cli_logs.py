"""What the program's log says on the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from pixelpatchwork.cli.logs import show_log

LOG = logging.getLogger("pixelpatchwork.somewhere")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    logger = logging.getLogger("pixelpatchwork")
    before = list(logger.handlers)
    yield
    logger.handlers = before


def fail() -> None:
    answers: dict[str, str] = {}
    try:
        answers["Ann's answer"]
    except KeyError:
        LOG.exception("An API call\nfailed.")


def test_a_fault_takes_one_line_that_quotes_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    show_log(debug=False)

    fail()

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("An API call failed. (KeyError in test_cli_logs.py, line ")
    assert "ppw --debug" in line
    assert "Ann" not in line


def test_with_debug_the_traceback_follows(capsys: pytest.CaptureFixture[str]) -> None:
    show_log(debug=False)
    show_log(debug=True)

    fail()

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "An API call failed."
    assert lines[1] == "Traceback (most recent call last):"
    assert [line for line in lines if line.startswith("KeyError")] == ['KeyError: "Ann\'s answer"']


def test_what_is_no_warning_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_log(debug=False)

    LOG.info("All is well.")

    assert capsys.readouterr().err == ""
