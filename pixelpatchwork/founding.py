"""Founding a study: its folder with settings and seed, its database, its first Day. What `ppw init` does."""

from __future__ import annotations

import re
import secrets
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from pixelpatchwork import resources
from pixelpatchwork.adapters.database import open_store, upgrade
from pixelpatchwork.config import SETTINGS_FILE, Settings, load_settings, render_settings
from pixelpatchwork.config_texts import seed_caption
from pixelpatchwork.config_types import sqlite_file
from pixelpatchwork.domain.errors import PatchworkError, SeedError
from pixelpatchwork.domain.model import Study, StudyId
from pixelpatchwork.domain.pictures import MAX_SEED_BYTES, read_seed, reduced
from pixelpatchwork.wiring import open_images
from pixelpatchwork.workflow.begin import Beginning, begin_study

DEFAULT_SEED = "coffee.png"
"""Of the photographs in `config/seeds`; their provenance stands beside them."""


@dataclass(frozen=True, kw_only=True)
class Founded:
    """What `found` did. `is_new`: Day 1 was opened now. `schema_from` is None for a new database.

    `seed_size` is the size of the first seed in pixels, after a large photograph was reduced.
    """

    is_new: bool
    seed_size: tuple[int, int]
    schema_from: str | None
    schema_to: str


@dataclass(frozen=True, kw_only=True)
class SeedFile:
    """A photograph that can be a seed: its bytes as they came, and the ending of its file's name.

    `size` is that of the seed in pixels, after a large photograph was reduced.
    """

    data: bytes
    suffix: str
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class PlannedFolder:
    """A study's folder before it is made; its settings and its seed are known to be good."""

    directory: Path
    settings: str
    seed: SeedFile


def default_seed() -> Path:
    """The photograph that travels with the program."""
    return resources.config() / "seeds" / DEFAULT_SEED


def pick_seed(path: Path, *, max_side: int) -> SeedFile:
    """Reads a file that is to be a seed of at most `max_side` pixels on its longer side.

    Raises SeedError where it is no picture that can be used.
    """
    data = read_file(path)
    with _naming(path):
        picture = reduced(read_seed(data), longest=max_side)
    return SeedFile(data=data, suffix=path.suffix.lower(), size=picture.size)


def plan_folder(
    directory: Path, *, seed: Path, overrides: Mapping[str, object], environ: Mapping[str, str]
) -> PlannedFolder:
    """Plans a study's folder with `overrides` in its settings, by dotted key. Nothing is written.

    Raises:
        ConfigurationError: with these settings, and those of `environ`, the study would not run.
        SeedError: the seed is no picture that can be used.
    """
    text = render_settings({**overrides, "seed": _seed_name(seed.suffix.lower())})
    settings = load_settings(directory / SETTINGS_FILE, environ, text=text)
    # Asked for because they speak up where the folder's name fits no address of a database.
    _ = settings.database_url, settings.marketplace_database_url
    picked = pick_seed(seed, max_side=settings.max_seed_side)
    return PlannedFolder(directory=directory, settings=text, seed=picked)


def write_folder(planned: PlannedFolder) -> Path:
    """Makes a study's folder: commented settings, `.env.example` and a copy of the seed. Gives the settings' path.

    Nothing that is there is overwritten. Raises PatchworkError where another seed is in the way.
    """
    directory, seed = planned.directory, planned.seed
    kept = directory / _seed_name(seed.suffix)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_new(kept, seed.data)
        if read_file(kept) != seed.data:
            raise PatchworkError(
                f"{kept} is there already, and another picture. Move it away, or give it as --seed."
            )
        _write_new(directory / ".env.example", resources.env_example().read_bytes())
        _write_new(directory / SETTINGS_FILE, planned.settings.encode())
    except OSError as error:
        raise PatchworkError(
            f"Cannot write into {directory}: {error.strerror}. Choose another folder."
        ) from error
    return directory / SETTINGS_FILE


def found(settings: Settings, *, now: datetime, random: Random | None = None) -> Founded:
    """Brings the database up to date and opens Day 1 where there is none. Safe to run again.

    `random` stands in for the machine's randomness in a rehearsal, so that its story can be told again.

    Raises:
        SeedError: the seed of the settings cannot be used, and there is no Day 1 yet.
    """
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        # While there is nothing: a bad seed leaves nothing behind.
        pick_seed(settings.seed_path, max_side=settings.max_seed_side)
        file.parent.mkdir(parents=True, exist_ok=True)
    before, after = upgrade(settings.database_url)
    store = open_store(settings.database_url)
    try:
        is_new = store.current_day() is None
        if is_new:
            beginning = Beginning(
                study=_new_study(settings, now, random),
                seed=read_file(settings.seed_path),
                max_side=settings.max_seed_side,
                caption=seed_caption(settings.language),
                timezone=settings.zone,
            )
            with _naming(settings.seed_path):
                is_new = begin_study(beginning, store=store, images=open_images(settings), now=now)
        seed = next(image for image in store.images() if image.creator_id is None)
    finally:
        store.close()
    return Founded(is_new=is_new, seed_size=(seed.width, seed.height), schema_from=before, schema_to=after)


def read_file(path: Path) -> bytes:
    """A seed's bytes, or as many as show that there are too many. Raises SeedError where there is no file to be read.

    A device or a pipe might never end.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SeedError(f"The seed {path} is no file. Name a JPEG, PNG or WebP file.")
        with path.open("rb") as file:
            return file.read(MAX_SEED_BYTES + 1)
    except OSError as error:
        raise SeedError(
            f"Cannot read the seed {path}: {error.strerror}. Name a JPEG, PNG or WebP file."
        ) from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Says of which file it is that a picture cannot be the seed."""
    try:
        yield
    except SeedError as error:
        raise SeedError(f"{path}: {error}") from error


def _new_study(settings: Settings, now: datetime, random: Random | None) -> Study:
    return Study(
        study_id=StudyId(f"{_slug(settings.study)}-{_hex(4, random)}"),
        name=settings.study,
        pseudonym_key=_hex(32, random),
        created_at=now,
    )


def _slug(name: str) -> str:
    """A name as the beginning of an id: a letter with an accent becomes the letter."""
    letters = (
        one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one)
    )
    return re.sub(r"[^a-z0-9]+", "-", "".join(letters)).strip("-")[:40] or "study"


def _hex(size: int, random: Random | None) -> str:
    return (random.randbytes(size) if random else secrets.token_bytes(size)).hex()


def _seed_name(suffix: str) -> str:
    """The name of the seed's copy in the study's folder."""
    return f"seed{suffix}"


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return
