"""Small studies at every step of their first Day, and what tests ask of them through `ppw`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image as Pillow

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.config import load_settings
from pixelpatchwork.crowd.browser import WsgiBrowser
from pixelpatchwork.crowd.simulation import Simulation, Worked
from pixelpatchwork.crowd.workers import draw_personas
from pixelpatchwork.wiring import wired
from tests.support.ppw import Ran, here

SETTINGS_FILE = "study.yaml"
WORKERS = 6
"""Of a small study, in each of its rounds."""
_SIZES = {"generation.assignments": str(WORKERS), "voting.assignments": str(WORKERS)}


def write_seed(path: Path, size: tuple[int, int] = (240, 160)) -> Path:
    """A picture without any repetition, of colours that no editor would guess."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    grain = np.random.default_rng(5).integers(-12, 13, (height, width))
    pixels = np.stack([x + grain, y - grain, 255 - (x + y) / 2], axis=-1).clip(0, 255).astype(np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


def settings_with(file: Path, changes: Mapping[str, str]) -> None:
    """Changes settings in a study's own file: top-level keys by name, others by their dotted name."""
    lines = file.read_text(encoding="utf-8").splitlines()
    section = ""
    for index, line in enumerate(lines):
        key = line.partition(":")[0].strip()
        if line and not line[0].isspace() and line.endswith(":"):
            section = key
        name = f"{section}.{key}" if line.startswith("  ") else key
        if name in changes and not key.startswith("#"):
            indent = line[: len(line) - len(line.lstrip())]
            lines[index] = f"{indent}{key}: {changes[name]}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def new_study(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """A small study in `folder`, with some of its settings changed; its settings file."""
    seed = write_seed(folder.with_name(f"{folder.name}-seed.png"))
    here("init", folder, "--seed", seed, "--name", "A small study").well()
    settings_with(folder / SETTINGS_FILE, _SIZES | dict(changes or {}))
    return folder / SETTINGS_FILE


def copied(file: Path, folder: Path) -> Path:
    """A study of a test's own, as another one stands; its settings file."""
    shutil.copytree(file.parent, folder)
    return folder / file.name


def crowd_works(file: Path, *, workers: int, random_seed: int = 1) -> Worked:
    """A simulated crowd does the open HITs of a study with an embedded marketplace."""
    with wired(load_settings(file, {})) as wiring:
        simulation = Simulation(
            browsers=lambda: WsgiBrowser(wiring.site),
            personas=draw_personas(workers, Random(random_seed)),
            random_seed=random_seed,
        )
        return simulation.work()


def answered_study(fresh: Path, folder: Path) -> Path:
    """A copy of a new study with its generation round answered and not collected; its settings file."""
    study = copied(fresh, folder)
    run(study, "publish-round").well()
    assert crowd_works(study, workers=WORKERS).submitted == WORKERS
    return study


def voted_study(answered: Path, folder: Path) -> Path:
    """A copy of an answered study at the end of its Day, which only has to be closed; its settings file."""
    study = copied(answered, folder)
    for command in ("collect", "publish-round"):
        run(study, command).well()
    crowd_works(study, workers=WORKERS)
    run(study, "collect", "--close").well()
    return study


def run(study: Path, *arguments: object, **environ: str) -> Ran:
    """Runs `ppw --config STUDY` in this process."""
    return here("--config", study, *arguments, environ=environ)


def run_next(study: Path, name: str) -> str:
    """How a command is named where it comes next: as it can be typed, for this study."""
    return f"Run: ppw --config {study} {name}\n"


@contextmanager
def records(study: Path) -> Iterator[SqlStore]:
    """What is on record."""
    store = open_store(load_settings(study, {}).database_url)
    try:
        yield store
    finally:
        store.close()
