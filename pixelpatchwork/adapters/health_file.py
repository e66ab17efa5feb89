"""A file that says how a process does, for a supervisor: always whole, and always the latest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path


class HealthFile:
    """Rewrites one small JSON file. A disk that is full ends no study: `trouble` is told once, and work goes on."""

    def __init__(self, path: Path, *, trouble: Callable[[str], None]) -> None:
        self._path = path
        self._trouble = trouble
        self._is_failing = False

    def write(self, content: Mapping[str, object]) -> None:
        """Puts `content`, of JSON's own types, in the place of what is there, in one step."""
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            self._fail(error)
        else:
            self._is_failing = False

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._trouble(f"{self._path} cannot be written: {error.strerror}.")
