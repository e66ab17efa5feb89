"""Founding a study: its folder with settings and seed, its database, its first Day. What `ppw init` does."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from pixelpatchwork import resources
from pixelpatchwork.adapters.database import open_store, upgrade
from pixelpatchwork.config import Settings, render_settings
from pixelpatchwork.domain.errors import PatchworkError, SeedError
from pixelpatchwork.domain.model import Study, StudyId
from pixelpatchwork.domain.pictures import read_seed
from pixelpatchwork.wiring import open_images
from pixelpatchwork.workflow.begin import Beginning, begin_study

SETTINGS_FILE = "study.yaml"
DEFAULT_SEED = "coffee.png"
"""Of the photographs in `config/seeds`; their provenance stands beside them."""

_SQLITE_FILE = re.compile(r"sqlite(?:\+pysqlite)?:///([^?]+)")
_CAPTION = "The photograph that everything starts from"


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
    """A photograph that can be a seed: its bytes as they came, and the ending of its file's name."""

    data: bytes
    suffix: str


def default_seed() -> Path:
    """The photograph that travels with the program."""
    return resources.config() / "seeds" / DEFAULT_SEED


def pick_seed(path: Path) -> SeedFile:
    """Reads a file that is to be a seed. Raises SeedError where it is no picture that can be used."""
    data = read_file(path)
    read_seed(data)
    return SeedFile(data=data, suffix=path.suffix.lower())


def write_folder(directory: Path, *, seed: SeedFile, overrides: Mapping[str, object]) -> Path:
    """Makes a study's folder: commented settings, `.env.example` and a copy of the seed. Gives the settings' path.

    Nothing that is there is overwritten. Raises PatchworkError where another seed is in the way.
    """
    kept = directory / f"seed{seed.suffix}"
    settings = render_settings({**overrides, "seed": kept.name})
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_new(kept, seed.data)
        if kept.read_bytes() != seed.data:
            raise PatchworkError(
                f"{kept} is there already, and another picture. Move it away, or give it as --seed."
            )
        _write_new(directory / ".env.example", resources.env_example().read_bytes())
        _write_new(directory / SETTINGS_FILE, settings.encode())
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
    file = _sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        pick_seed(settings.seed_path)  # while there is nothing: a bad seed leaves nothing behind
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
                caption=_CAPTION,
                timezone=settings.zone,
            )
            is_new = begin_study(beginning, store=store, images=open_images(settings), now=now)
        seed = next(image for image in store.images() if image.creator_id is None)
    finally:
        store.close()
    return Founded(is_new=is_new, seed_size=(seed.width, seed.height), schema_from=before, schema_to=after)


def read_file(path: Path) -> bytes:
    """A seed's bytes. Raises SeedError where the file cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SeedError(
            f"Cannot read the seed {path}: {error.strerror}. Name a JPEG, PNG or WebP file."
        ) from error


def _new_study(settings: Settings, now: datetime, random: Random | None) -> Study:
    slug = re.sub(r"[^a-z0-9]+", "-", settings.study.lower()).strip("-")[:40] or "study"
    return Study(
        study_id=StudyId(f"{slug}-{_hex(4, random)}"),
        name=settings.study,
        pseudonym_key=_hex(32, random),
        created_at=now,
    )


def _hex(size: int, random: Random | None) -> str:
    return (random.randbytes(size) if random else secrets.token_bytes(size)).hex()


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return


def _sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite database, or None for a database on a server."""
    found = _SQLITE_FILE.match(database_url)
    return Path(found[1]) if found else None
