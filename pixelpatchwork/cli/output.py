"""How commands speak: progress on stderr, tables and JSON on stdout, and an example in every `--help`."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, TypeVar

import click

QUIET_SECONDS = 5.0
"""Off a terminal, a line of progress is written this often, and at the end."""

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def json_option(command: Decorated) -> Decorated:
    """Adds `--json`, as the parameter `as_json`: one JSON document on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")(
        command
    )


def example(*lines: str) -> str:
    """The epilog of a command's help: an example that is shown as written."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


def table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """Rows under their headers, columns aligned: numbers to the right, all else to the left; None is empty."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(headers, *cells, strict=True)]
    rights = [
        bool(rows) and all(isinstance(row[index], int | float | Decimal | None) for row in rows)
        for index in range(len(headers))
    ]
    lines = [headers, ["-" * width for width in widths], *cells]
    return "\n".join(_aligned(line, widths, rights) for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Columns of a terminal: two for wide characters, none for those that stand on or join others."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _aligned(line: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    padded = (
        " " * (width - _width(text)) + text if right else text + " " * (width - _width(text))
        for text, width, right in zip(line, widths, rights, strict=True)
    )
    return "  ".join(padded).rstrip()


# ---- JSON -----------------------------------------------------------------------------------------------


def emit_json(value: object) -> None:
    """Prints `value` as one JSON document; see `plain` for what becomes of our own types."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: object) -> Any:
    """`value` in JSON's types: dataclasses by field, money as text (exact), times in ISO 8601, enums by value.

    Raises TypeError for a type that is not listed here.
    """
    if value is None or isinstance(value, bool | int | float) or type(value) is str:
        return value
    for kinds, convert in _PLAIN:
        if isinstance(value, kinds):
            return convert(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    ((str, Path), str),
    (Decimal, lambda value: f"{value:f}"),
    ((datetime, date), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    (dict, lambda value: {str(plain(key)): plain(item) for key, item in value.items()}),
    ((list, tuple), lambda value: [plain(item) for item in value]),
    ((set, frozenset), lambda value: sorted(plain(item) for item in value)),
)


# ---- progress -------------------------------------------------------------------------------------------


class Progress:
    """Shows how far long work has come: `progress("Publishing HITs", 3, 40)`, as often as one likes.

    A bar on a terminal, a plain line now and then elsewhere, nothing when `quiet` (with `--json`). Use it in a
    `with` block, so that a bar is ended whatever happens.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._seconds = seconds
        self._bar: Any = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` steps of `what` are behind us."""
        if self._quiet or total <= 0:
            return
        if what != self._what:
            self.end()
            self._what = what
            self._last_line = self._seconds()
        if self._stream.isatty():
            self._draw(done, total)
        else:
            self._write(done, total)

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._what, file=self._stream)
            self._bar.__enter__()
        self._bar.length = total
        self._bar.update(done - self._bar.pos)

    def _write(self, done: int, total: int) -> None:
        now = self._seconds()
        if done >= total or now - self._last_line >= QUIET_SECONDS:
            self._last_line = now
            click.echo(f"{self._what}: {done} of {total}", file=self._stream)

    def end(self) -> None:
        """Ends the bar, so that a line of text can follow it; the next call begins another."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        self._bar = None
        self._what = ""
