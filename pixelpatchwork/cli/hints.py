"""The commands that messages name, as they must be typed here.

Messages say `Run: ppw collect`. Where the settings were named on the command line, that would reach another study; so
the option is put in before a message is shown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click

COMMANDS = (
    "init",
    "doctor",
    "publish-round",
    "collect",
    "review",
    "users",
    "images",
    "cancel-round",
    "advance-day",
    "bonus",
    "run",
    "status",
    "reconcile",
    "report",
    "rehearse",
    "serve",
    "marketplace",
)
"""Every command, because every one goes by the settings. Told apart from other words after the program's name."""
_COMMAND = re.compile(rf"\bppw (?=(?:{'|'.join(COMMANDS)})\b)")


def say(text: str, *, err: bool = False) -> None:
    """Prints a message of a command."""
    click.echo(hinted(text), err=err)


def hinted(text: str) -> str:
    """A message of a command, with the commands in it as they must be typed here."""
    return with_config(text, typed_config())


def typed_config() -> str | None:
    """The value of `--config` where it was typed. PPW_CONFIG does not count: the next command finds it again."""
    root = click.get_current_context().find_root()
    named = root.get_parameter_source("config") is click.core.ParameterSource.COMMANDLINE
    return str(root.params["config"]) if named else None


def with_config(text: str, config: str | None) -> str:
    """`text` with `--config` in each command that it names."""
    if config is None:
        return text
    return _COMMAND.sub(lambda _match: f"ppw --config {shlex.quote(config)} ", text)


def config_in(argv: Sequence[str]) -> str | None:
    """The value of `--config` on a command line, where it stands before the command."""
    for index, word in enumerate(argv):
        if word == "--config":
            return argv[index + 1] if index + 1 < len(argv) else None
        if word.startswith("--config="):
            return word.removeprefix("--config=")
        if not word.startswith("-"):
            return None
    return None
