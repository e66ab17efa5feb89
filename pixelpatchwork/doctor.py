"""The doctor: tries every part of a study, and says of each that fails what to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pixelpatchwork.adapters.database import check as check_database
from pixelpatchwork.config import Settings, shown
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.pictures import read_seed
from pixelpatchwork.founding import read_file
from pixelpatchwork.wiring import Wiring
from pixelpatchwork.workflow.pages import generation_question


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: whether it works, and what was found, or what to do."""

    part: str
    is_well: bool
    finding: str


def examine(wiring: Wiring) -> Iterator[Check]:
    """Tries one part after the other; a part that fails does not keep the others from being tried."""
    settings = wiring.settings
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("seed", lambda: _seed(settings)),
        ("database", lambda: f"{shown(settings.database_url)}: {check_database(settings.database_url)}"),
        ("study", lambda: _study(wiring)),
        ("images", lambda: _images(wiring)),
        ("marketplace", lambda: _marketplace(wiring)),
        ("editor", lambda: _editor(wiring)),
        ("pages", lambda: _pages(wiring)),
    )
    for part, trial in parts:
        yield _tried(part, trial)


def _tried(part: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(part=part, is_well=True, finding=trial())
    except PatchworkError as error:
        return Check(part=part, is_well=False, finding=str(error))


def _seed(settings: Settings) -> str:
    picture = read_seed(read_file(settings.seed_path))
    return f"{settings.seed_path.name}, {picture.width} x {picture.height} pixels"


def _study(wiring: Wiring) -> str:
    day = wiring.exhibition.current_day()
    return f"{wiring.exhibition.study().name}, Day {day.number}"


def _images(wiring: Wiring) -> str:
    wiring.images.check()
    return wiring.settings.images


def _marketplace(wiring: Wiring) -> str:
    return f"{wiring.settings.marketplace}, balance ${wiring.crowd.balance():,.2f}"


def _editor(wiring: Wiring) -> str:
    return wiring.check_editor()


def _pages(wiring: Wiring) -> str:
    size = len(generation_question(wiring.exhibition).encode())
    return f"the generation page takes {size:,} of 65,535 bytes"
