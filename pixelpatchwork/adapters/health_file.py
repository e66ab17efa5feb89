"""A file that says how a process does, for a supervisor: always whole, and always the latest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from pixelpatchwork.domain.errors import ConfigurationError

_NAME_ANOTHER = "Name another file in the setting watch.health_file."
_ITS_KEYS = frozenset({"at", "state", "started_at", "turns"})
"""By which a health file is known, whichever version of the program wrote it."""
_LARGEST = 65_536
"""Bytes; a health file has less than a thousand."""


class HealthFile:
    """Rewrites one small JSON file. A disk that is full ends no study: `trouble` is told once, and work goes on."""

    def __init__(self, path: Path, *, trouble: Callable[[str], None]) -> None:
        """Raises ConfigurationError where a file of another kind stands there."""
        _require_own(path)
        self._path = path
        self._trouble = trouble
        self._is_failing = False
        self._lock = Lock()

    def write(self, content: Mapping[str, object]) -> None:
        """Puts `content`, of JSON's own types, in the place of what is there, in one step."""
        with self._lock:  # several threads come on at once
            try:
                self._replace(json.dumps(content, indent=2) + "\n")
            except OSError as error:
                self._fail(error)
            else:
                self._is_failing = False

    def _replace(self, text: str) -> None:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(self._path)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._trouble(f"{self._path} cannot be written: {error.strerror}.")


def _require_own(path: Path) -> None:
    """Nothing but an earlier health file, or an empty file, is ever replaced."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. {_NAME_ANOTHER}") from error
    if data and not _is_health(data):
        raise ConfigurationError(
            f"{path} is there and is no health file, so it is not replaced. {_NAME_ANOTHER}"
        )


def _is_health(data: bytes) -> bool:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):  # the latter: brackets within brackets, thousands deep
        return False
    return len(data) <= _LARGEST and isinstance(content, dict) and content.keys() >= _ITS_KEYS
