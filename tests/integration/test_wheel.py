"""The wheel works by itself: installed into an empty environment, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "scripts" / "constraints.txt"

pytestmark = pytest.mark.timeout(900)  # packages may have to be fetched first

Ppw = Callable[..., str]


def run(*command: str | Path, cwd: Path) -> str:
    """A command's stdout, in an environment that knows nothing of the checkout; fails with its output."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PPW_", "VIRTUAL"))
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def ppw(wheel: Path, tmp_path: Path) -> Ppw:
    """Runs the installed `ppw` in an empty folder."""
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--quiet", wheel, "--constraint", CONSTRAINTS, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    return lambda *arguments: run(python.with_name("ppw"), *arguments, cwd=empty)


def test_the_wheel_carries_templates_and_settings_and_no_private_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "pixelpatchwork/py.typed",
        "pixelpatchwork/_data/config/local.yaml",
        "pixelpatchwork/_data/hit_templates/generation.html.j2",
        "pixelpatchwork/_data/hit_templates/voting.html.j2",
    } <= names
    assert any(name.startswith("pixelpatchwork/_data/config/seeds/") for name in names)
    assert not [name for name in names if name.endswith((".db", ".env", ".pyc")) or name.startswith("tests/")]


def test_the_wheel_works_alone_in_an_empty_environment(ppw: Ppw) -> None:
    assert "publish-round" in ppw("--help")

    ppw("init", "study")
    assert json.loads(ppw("--config", "study/study.yaml", "status", "--json"))

    ppw("rehearse", "--days", "1", "--workers", "4")
    assert json.loads(ppw("status", "--json")), "the default settings name the study that a rehearsal leaves"
