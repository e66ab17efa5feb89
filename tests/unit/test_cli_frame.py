"""The frame of `ppw`: what it imports, how errors end, and how results are printed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pixelpatchwork import __version__
from pixelpatchwork.cli import COMMANDS, main
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option, plain, table
from pixelpatchwork.cli.program import Invocation, LazyCommand, Program, pass_invocation
from pixelpatchwork.domain.errors import ConfigurationError, CrowdError, NothingToDo
from pixelpatchwork.domain.model import RoundKind

HEAVY = {"boto3", "botocore", "openai", "PIL", "numpy", "sqlalchemy", "flask", "pydantic", "yaml", "jinja2"}


# ---- start-up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["colect"]])
def test_help_imports_no_heavy_package(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom pixelpatchwork.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("[]\n")


def test_the_module_runs_as_the_program_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixelpatchwork", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: ppw [OPTIONS] COMMAND")


def test_help_lists_every_command_in_the_order_of_a_study() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    places = [output.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"ppw, version {__version__}\n"


def test_a_mistyped_command_is_bad_usage_with_the_one_that_was_meant() -> None:
    result = CliRunner().invoke(main, ["colect"])
    assert result.exit_code == 2
    assert "Did you mean collect?" in result.stderr


# ---- errors ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ready(LazyCommand):
    """A command that is there already."""

    command: click.Command

    def load(self) -> click.Command:
        return self.command


def failing(error: BaseException) -> Program:
    """A program like `ppw` with one command, `work`, which raises `error`."""

    @click.command
    @json_option
    @pass_invocation
    def work(invocation: Invocation, as_json: bool) -> None:
        del invocation, as_json
        raise error

    table_of_one = {"work": Ready("nowhere:nothing", "Work.", work)}
    return Program(commands_table=table_of_one, params=main.params, callback=main.callback)


def run(error: BaseException, *arguments: str) -> Result:
    return CliRunner().invoke(failing(error), arguments)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            CrowdError("The marketplace is away. Try again."),
            1,
            "Error: The marketplace is away. Try again.\n",
        ),
        (ConfigurationError("2 faults:\n  a: b"), 2, "Error: 2 faults:\n  a: b\n"),
        (NothingToDo("Day 1 is open until noon."), 3, "Day 1 is open until noon.\n"),
        (FileNotFoundError(2, "No such file or directory", "seed.jpg"), 1, "Error: seed.jpg: No such file"),
        (OSError(28, "No space left on device"), 1, "Error: No space left on device\n"),
        (KeyboardInterrupt(), 130, "the same command may be run again"),
        (click.Abort(), 1, "Error: Not confirmed"),
    ],
)
def test_every_error_ends_in_its_exit_code_and_a_message(error: BaseException, code: int, text: str) -> None:
    result = run(error, "work")
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_with_json_the_error_is_json_on_stdout_too() -> None:
    result = run(NothingToDo("Day 1 is open."), "work", "--json")
    assert json.loads(result.stdout) == {"error": "Day 1 is open.", "exit_code": 3}
    assert result.stderr == "Day 1 is open.\n"


def test_with_json_bad_usage_is_json_on_stdout_too() -> None:
    result = run(NothingToDo(""), "work", "--jsn", "--json")
    assert json.loads(result.stdout)["exit_code"] == result.exit_code == 2


def test_an_unexpected_error_shows_where_it_happened_and_not_what_it_holds() -> None:
    result = run(KeyError("hunter2"), "work")
    assert result.exit_code == 1
    assert "KeyError in test_cli_frame.py, line" in result.stderr
    assert "ppw --debug" in result.stderr
    assert "hunter2" not in result.output


def test_debug_shows_the_traceback() -> None:
    result = run(CrowdError("away"), "--debug", "work")
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("Error: away\n")


def test_settings_are_read_from_the_file_that_was_named(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("study: Mine")
    assert Invocation(config=tmp_path / "study.yaml", debug=False).settings().study == "Mine"


def test_faulty_settings_end_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("studdy: Mine")
    with pytest.raises(ConfigurationError, match="did you mean study"):
        Invocation(config=tmp_path / "study.yaml", debug=False).settings()


# ---- output ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sample:
    kind: RoundKind
    cost_usd: Decimal
    at: datetime
    on: date
    file: Path
    took: timedelta
    names: tuple[str, ...]
    tally: dict[RoundKind, int]
    nothing: None = None


def test_json_holds_our_own_types_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json(
        Sample(
            kind=RoundKind.VOTING,
            cost_usd=Decimal("1.10"),
            at=datetime(2026, 11, 21, 12, tzinfo=UTC),
            on=date(2026, 11, 21),
            file=Path("a/b"),
            took=timedelta(seconds=90),
            names=("ä",),
            tally={RoundKind.GENERATION: 2},
        )
    )
    assert json.loads(capsys.readouterr().out) == {
        "kind": "voting",
        "cost_usd": "1.10",
        "at": "2026-11-21T12:00:00+00:00",
        "on": "2026-11-21",
        "file": "a/b",
        "took": 90.0,
        "names": ["ä"],
        "tally": {"generation": 2},
        "nothing": None,
    }


def test_a_type_without_a_form_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain({"a": [b"x"]})


def test_a_table_aligns_words_left_and_numbers_right() -> None:
    rows = [("cat", 7, Decimal("1.50")), ("elephant", 12, None)]
    assert table(rows, ["image", "up", "usd"]).splitlines() == [
        "image     up   usd",
        "--------  --  ----",
        "cat        7  1.50",
        "elephant  12",
    ]


def test_a_table_is_aligned_in_columns_of_the_terminal() -> None:
    rows = [("日本語", "x"), ("e\u0301te\u0301", "x"), ("ete", "x")]
    lines = table(rows, ["word", "mark"]).splitlines()[2:]
    assert lines == ["日本語  x", "e\u0301te\u0301     x", "ete     x"]


def test_a_table_without_rows_is_its_headers() -> None:
    assert table([], ["image", "up"]).splitlines() == ["image  up", "-----  --"]


def test_help_shows_the_example_as_it_was_written() -> None:
    command = click.Command("work", epilog=example("ppw work --json", "ppw work"))
    output = CliRunner().invoke(command, ["--help"]).output
    assert output.endswith("  Example:\n    ppw work --json\n    ppw work\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def counted(step: float) -> Callable[[], float]:
    """A clock that moves `step` seconds at each look."""
    times = iter(range(1000))
    return lambda: next(times) * step


def test_off_a_terminal_progress_is_a_line_now_and_then() -> None:
    stream = io.StringIO()
    with Progress(stream=stream, seconds=counted(2.0)) as progress:
        for done in range(1, 9):
            progress("Painting", done, 8)
    assert stream.getvalue().splitlines() == [
        "Painting: 3 of 8",
        "Painting: 6 of 8",
        "Painting: 8 of 8",
    ]


def test_on_a_terminal_progress_is_a_bar_for_each_piece_of_work() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress("Publishing", 1, 2)
        progress("Publishing", 2, 2)
        progress("Painting", 1, 1)
    assert "Publishing" in stream.getvalue()
    assert stream.getvalue().count("100%") == 2


def test_a_bar_that_is_ended_leaves_a_line_of_its_own_to_what_follows() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress("Painting", 1, 2)
        progress.end()
        stream.write("Day 1 is done.\n")
        progress("Painting", 2, 2)
    assert "\nDay 1 is done.\n" in stream.getvalue()


def test_quiet_progress_says_nothing() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Progress(quiet=True, stream=stream) as progress:
            progress("Painting", 1, 1)
        assert stream.getvalue() == ""


def test_work_without_steps_says_nothing() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        progress("Painting", 0, 0)
    assert stream.getvalue() == ""
