"""Files with what only the operator may read: new, his alone, and gone where writing them failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pixelpatchwork.domain.errors import PatchworkError


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A file that nobody else may read and that was not there, so that no earlier list is lost; gone on failure."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise PatchworkError(f"{path} exists already. Name a new file.") from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise


def begin_again(file: TextIO) -> None:
    """Empties it: a transaction that has to be repeated writes it once more."""
    file.seek(0)
    file.truncate()


def finish(file: TextIO) -> None:
    """Sees to it that what was written outlasts the power."""
    file.flush()
    os.fsync(file.fileno())
