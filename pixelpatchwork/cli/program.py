"""What `ppw` adds to Click: commands that load late, and errors that end in one line and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixelpatchwork.cli.hints import config_in, with_config
from pixelpatchwork.domain.errors import ConfigurationError, NothingToDo, PatchworkError
from pixelpatchwork.marketplace.traces import place_of

if TYPE_CHECKING:
    from pixelpatchwork.config import Settings

FAILED = 1
BAD_USAGE = 2
NOTHING_TO_DO = 3
INTERRUPTED = 130
"""The shell's own number for a program ended by Ctrl-C."""

INTERRUPTED_TEXT = "Interrupted. Nothing that was recorded is lost; the same command may be run again."


@dataclass(frozen=True)
class LazyCommand:
    """A command's place below `pixelpatchwork.cli`, as "module:attribute", and its line in `ppw --help`."""

    place: str
    help: str

    def load(self) -> click.Command:
        """The command itself; its module is imported now."""
        module, attribute = self.place.split(":")
        command = getattr(import_module(f"pixelpatchwork.cli.{module}"), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.place} is no command")
        return command


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What stands before the command's name: `ppw --config FILE --debug`."""

    config: Path | None
    debug: bool

    def settings(self) -> Settings:
        """The study's settings. Raises ConfigurationError, which lists every fault."""
        from pixelpatchwork.config import load_settings  # noqa: PLC0415  # `ppw --help` does without pydantic

        return load_settings(self.config, os.environ)


pass_invocation = click.make_pass_decorator(Invocation)
"""Gives a command the Invocation as its first argument."""


class Program(click.Group):
    """A group whose commands are imported when they are used, and whose errors are all turned here."""

    def __init__(self, *args: Any, commands_table: Mapping[str, LazyCommand], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.table = commands_table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a study needs them."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded now."""
        if cmd_name in self.table:
            return self.table[cmd_name].load()
        if near := get_close_matches(cmd_name, self.table, n=1):
            ctx.fail(f"No such command '{cmd_name}'. Did you mean {near[0]}?")
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, out of the table: none is loaded for it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.table.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs the program and ends the process with its exit code."""
        argv = list(sys.argv[1:] if args is None else args)
        extra |= {"prog_name": "ppw", "standalone_mode": False}
        try:
            code = super().main(argv, *rest, **extra)
        except (Exception, KeyboardInterrupt) as error:  # the program's edge: every error is answered
            code = _answer(error, as_json="--json" in argv, debug="--debug" in argv, config=config_in(argv))
        sys.exit(code if isinstance(code, int) else 0)


def _answer(error: BaseException, *, as_json: bool, debug: bool, config: str | None) -> int:
    """Says what went wrong, on stderr and, where JSON was asked for, as JSON on stdout. Gives the exit code."""
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    code, text = _outcome(error)
    message = with_config(text, config)
    if isinstance(error, click.ClickException):
        error.show()
    else:
        click.echo(message if isinstance(error, NothingToDo) else f"Error: {message}", err=True)
    if as_json:
        click.echo(json.dumps({"error": message, "exit_code": code}, ensure_ascii=False))
    return code


def _outcome(error: BaseException) -> tuple[int, str]:
    """Exit code and message of an error."""
    match error:
        case NothingToDo():
            return NOTHING_TO_DO, str(error)
        case ConfigurationError():
            return BAD_USAGE, str(error)
        case PatchworkError():
            return FAILED, str(error)
        case click.ClickException():
            return error.exit_code, error.format_message()
        case click.Abort() | KeyboardInterrupt():
            return _interruption(error)
        case _:
            return FAILED, _unexpected(error)


def _unexpected(error: BaseException) -> str:
    """What is said of an error that nobody foresaw. Its own text is not shown: it may hold secrets."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"{place_of(error)}: a defect of this program. Nothing that was recorded is lost;"
        " `ppw --debug COMMAND` shows the traceback"
    )


def _interruption(error: BaseException) -> tuple[int, str]:
    """Ctrl-C, or a "no" where the program asked whether to go on (Click raises Abort for both)."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, KeyboardInterrupt | EOFError):
        return INTERRUPTED, INTERRUPTED_TEXT
    return FAILED, "Not confirmed: nothing was done"
