"""Pictures as files below one folder: the image store of a study on a single machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixelpatchwork.domain.errors import ImageMissing, ImageStoreError
from pixelpatchwork.domain.image_keys import checked_key


class FolderImages:
    """The `ImageStore` port over a folder; may be shared by threads and by processes.

    A picture is written under a hidden name, flushed to the disk, and then linked to its key, which the file
    system does once and as a whole. So a crash leaves at most a hidden leftover, never half a picture, and
    of two writers exactly one wins.
    """

    def __init__(self, root: Path, *, public_url: str = "/pictures") -> None:
        """`public_url` is where the workers' site shows `root`: a path of its own, or an absolute URL."""
        self._root = root
        self._public_url = public_url.rstrip("/")

    def put(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Stores `data` unless the key is taken; True where it was stored."""
        del content_type  # a file system keeps none: the key's ending tells
        path = self._path(key)
        with self._translated(key):
            return not path.exists() and _write_once(path, data)

    def replace(self, key: str, data: bytes, *, content_type: str) -> None:
        """Stores `data` in the place of what is there."""
        del content_type
        path = self._path(key)
        with self._translated(key):
            _make_folder(path.parent)
            with _hidden_beside(path, data) as hidden:
                hidden.replace(path)
            _sync_folder(path.parent)

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises ImageMissing."""
        path = self._path(key)
        with self._translated(key):
            try:
                return path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                raise ImageMissing(f"There is no picture {key} in {self._root}.") from error

    def exists(self, key: str) -> bool:
        """Whether there is a picture under `key`."""
        path = self._path(key)
        with self._translated(key):
            return path.is_file()

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that begins so, in their order; what a writer has not finished is none."""
        folder = self._path(prefix.removesuffix("/")) if prefix else self._root
        with self._translated(prefix or "pictures"):
            found = sorted(path.relative_to(self._root).as_posix() for path in _files(folder))
        yield from found

    def url(self, key: str) -> str:
        """Where a worker's browser finds the picture; a key has no character that needs quoting."""
        return f"{self._public_url}/{checked_key(key)}"

    def check(self) -> None:
        """Raises ImageStoreError where pictures cannot be kept here; leaves nothing but the folder behind."""
        trial = self._root / f".{secrets.token_hex(8)}.trial"
        with self._translated("a trial file"):
            _write_once(trial, b"trial")
            trial.unlink()

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        """Turns the file system's faults into ours."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ImageStoreError(
                f"Cannot keep or read {key} in {self._root}: {reason}. Check the folder's permissions "
                "and the space left, or set `images` to another folder."
            ) from error


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder that are not hidden, nor in anything hidden."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _write_once(path: Path, data: bytes) -> bool:
    """Brings a whole file into being on the disk, its folders included; False where the name is taken."""
    _make_folder(path.parent)
    try:
        with _hidden_beside(path, data) as hidden:
            path.hardlink_to(hidden)
    except FileExistsError:
        return False
    _sync_folder(path.parent)
    return True


@contextmanager
def _hidden_beside(path: Path, data: bytes) -> Iterator[Path]:
    """A whole file on the disk under a hidden name, which is gone in the end."""
    hidden = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with hidden.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each of them durable in the one that holds it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Waits until the disk has the folder's list of names."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
