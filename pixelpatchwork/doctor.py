"""The doctor: tries every part of a study, and says of each that fails what to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from pixelpatchwork.adapters.database import check as check_database
from pixelpatchwork.config import Settings, shown
from pixelpatchwork.config_texts import ENGLISH, default_texts
from pixelpatchwork.domain.errors import ImageMissing, PatchworkError, StoreError
from pixelpatchwork.domain.model import ImageState
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.founding import pick_seed
from pixelpatchwork.serving import notes
from pixelpatchwork.wiring import Wiring
from pixelpatchwork.workflow.pages import generation_question


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: whether it works, and what was found, or what to do.

    `warnings` tell of what works and may not be what its owner thinks.
    """

    part: str
    is_well: bool
    finding: str
    warnings: tuple[str, ...] = ()


Found: TypeAlias = tuple[str, ...]
"""What a trial found, and its warnings."""


def examine(wiring: Wiring) -> Iterator[Check]:
    """Tries one part after the other; a part that fails does not keep the others from being tried."""
    parts: tuple[tuple[str, Callable[[Wiring], Found]], ...] = (
        ("seed", _seed),
        ("database", _database),
        ("study", _study),
        ("images", _images),
        ("pictures", _pictures),
        ("marketplace", _marketplace),
        ("editor", _editor),
        ("pages", _pages),
    )
    for part, trial in parts:
        yield _tried(part, trial, wiring)


def _tried(part: str, trial: Callable[[Wiring], Found], wiring: Wiring) -> Check:
    try:
        finding, *warnings = trial(wiring)
    except PatchworkError as error:
        return Check(part=part, is_well=False, finding=str(error))
    return Check(part=part, is_well=True, finding=finding, warnings=tuple(warnings))


def _seed(wiring: Wiring) -> Found:
    settings = wiring.settings
    if _has_begun(wiring):
        return ("the study has begun from it; the file is read no more",)
    width, height = pick_seed(settings.seed_path, max_side=settings.max_seed_side).size
    return (f"{settings.seed_path.name}, {width} x {height} pixels",)


def _has_begun(wiring: Wiring) -> bool:
    """Whether there is a Day 1. What is wrong with the database is said of the database."""
    try:
        return wiring.store.current_day() is not None
    except StoreError:
        return False


def _database(wiring: Wiring) -> Found:
    url = wiring.settings.database_url
    return (f"{shown(url)}: {check_database(url)}",)


def _study(wiring: Wiring) -> Found:
    recorded, named = wiring.exhibition.study().name, wiring.settings.study
    finding = f"{recorded}, Day {wiring.exhibition.current_day().number}"
    if named == recorded:
        return (finding,)
    return finding, (
        f"The settings say `study: {named}`; workers see the name with which the study began. "
        "Is this the study that you mean?"
    )


def _images(wiring: Wiring) -> Found:
    wiring.images.check()
    return (wiring.settings.images,)


def _pictures(wiring: Wiring) -> Found:
    keys = _shown_keys(wiring)
    missing = [key for key in keys if not wiring.images.exists(key)]
    if missing:
        raise ImageMissing(
            f"{len(missing)} of the {counted(len(keys), 'picture')} of this Day's pages cannot be found, such as"
            f" {missing[0]}. Restore them from a backup, or set `images` to where they are."
        )
    wiring.require_shown_pictures()
    return (f"{counted(len(keys), 'picture')} of this Day's pages, all there",)


def _shown_keys(wiring: Wiring) -> list[str]:
    """The keys of what the current Day's pages show: its seed, its images, and the latest winners."""
    exhibition = wiring.exhibition
    store, day = exhibition.store, exhibition.current_day()
    images = {image.image_id: image for image in store.images()}
    winners = [day.winner_image_id for day in store.days() if day.winner_image_id is not None]
    latest = winners[::-1][: exhibition.rules.past_winners]
    painted = [one for one in store.images(day_number=day.number) if one.state is ImageState.VISIBLE]
    return [
        images[day.seed_image_id].s3_path,
        *(image.s3_path for image in painted),
        *(images[winner].thumbnail_path for winner in dict.fromkeys(latest)),
    ]


def _marketplace(wiring: Wiring) -> Found:
    settings = wiring.settings
    finding = f"{settings.marketplace}, balance ${wiring.crowd.balance():,.2f}"
    # Who publishes at a marketplace that is served elsewhere serves none.
    return finding, *(notes(settings, settings.serve.host) if settings.marketplace == "embedded" else ())


def _editor(wiring: Wiring) -> Found:
    return (wiring.check_editor(),)


def _pages(wiring: Wiring) -> Found:
    size = len(generation_question(wiring.exhibition).encode())
    return f"the generation page takes {size:,} of 65,535 bytes", *_left_english(wiring.settings)


def _left_english(settings: Settings) -> Iterator[str]:
    """Pages in another language that hold texts which nobody has translated."""
    english, ours = default_texts(ENGLISH), default_texts(settings.language)
    keys = [key for key in english if key != "study" and _text(settings, key) == english[key] != ours[key]]
    if keys:
        yield (
            f"The pages are in another language (`language: {settings.language}`), and these texts in English:"
            f" {', '.join(keys)}. Take their lines out of the settings, and they are in the pages' language."
        )


def _text(settings: Settings, key: str) -> object:
    return reduce(getattr, key.split("."), settings)
