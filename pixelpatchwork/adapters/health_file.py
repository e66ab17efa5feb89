"""A file that says how a process does, for a supervisor: always whole, and always the latest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock


class HealthFile:
    """Rewrites one small JSON file. A disk that is full ends no study: `trouble` is told once, and work goes on."""

    def __init__(self, path: Path, *, trouble: Callable[[str], None]) -> None:
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
