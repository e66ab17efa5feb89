"""Keys of the settings that are right each by itself and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pixelpatchwork.config_faults import Conflict
from pixelpatchwork.config_types import sqlite_file

if TYPE_CHECKING:
    from pixelpatchwork.config import Settings

_HEALTH_FILE = "watch.health_file"
_ANOTHER_FILE = "give a file of its own, such as watch-health.json"
_SQLITE_ENDINGS = frozenset({"", "-wal", "-shm", "-journal"})


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """Every such pair, with what would be right."""
    generation, images_url = settings.generation, settings.images_url
    if generation.min_coverage >= generation.max_coverage:
        yield Conflict(
            keys=("generation.min_coverage", "generation.max_coverage"),
            message="leaves no mask possible; make min_coverage smaller than max_coverage",
        )
    if (
        settings.is_mturk
        and not (images_url or "").startswith("https://")
        and (images_url or not settings.bucket)
    ):
        yield Conflict(
            keys=("images_url", "images", "marketplace"),
            message=f"{settings.marketplace} needs pictures that any browser reaches by https; give an"
            " https:// address here, or keep them in s3://BUCKET/PREFIX",
        )
    if settings.editor == "openai" and settings.openai.profile == "dall-e-2" and generation.max_prompt > 1000:
        yield Conflict(
            keys=("generation.max_prompt", "openai.profile", "editor"),
            message="is more than a dall-e-2 server reads; give 1000 at most",
        )
    if settings.bucket and images_url is None:
        yield from _early_links(settings)
    if settings.watch.health_file is not None:
        yield from _health_over_another(settings, settings.watch.health_file)


def _early_links(settings: Settings) -> Iterator[Conflict]:
    """Signed links that die while a worker may still look at the picture."""
    for name, rules in (("generation", settings.generation), ("voting", settings.voting)):
        if rules.lifetime_hours + rules.duration_minutes / 60 > settings.s3.presign_hours:
            yield Conflict(
                keys=(f"{name}.lifetime_hours", f"{name}.duration_minutes", "s3.presign_hours", "images"),
                message=f"with {name}.duration_minutes is longer than a link to a picture works"
                f" ({settings.s3.presign_hours} hours); shorten it, raise s3.presign_hours, or give"
                " images_url",
            )


def _health_over_another(settings: Settings, name: str) -> Iterator[Conflict]:
    """A health file, rewritten with each turn, in the place of something that the study needs."""
    health = settings.path(name)
    for key, url in (
        ("database", settings.database),
        ("marketplace_database", settings.marketplace_database),
    ):
        if (file := sqlite_file(url)) and _belongs_to(settings.path(str(file)), health):
            yield _health_conflict(key, "would overwrite a database")
    if health == settings.seed_path:
        yield _health_conflict("seed", "would overwrite the seed")
    if not settings.bucket and health.is_relative_to(settings.path(settings.images)):
        yield _health_conflict("images", "is in the folder of the pictures")
    if health in {settings.path(one) for one in ("study.yaml", ".env")}:
        yield Conflict(keys=(_HEALTH_FILE,), message=f"would overwrite the settings; {_ANOTHER_FILE}")


def _belongs_to(database: Path, file: Path) -> bool:
    """Whether it is the database, or what SQLite keeps beside it."""
    return file.parent == database.parent and file.name.removeprefix(database.name) in _SQLITE_ENDINGS


def _health_conflict(key: str, fault: str) -> Conflict:
    return Conflict(keys=(_HEALTH_FILE, key), message=f"{fault}; {_ANOTHER_FILE}")
