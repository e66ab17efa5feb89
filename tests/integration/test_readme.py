"""The README's commands work as they stand there, one after the other, for somebody who has just cloned the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ctrl_c

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:<!-- (?P<note>[^\n]*) -->\n)?```sh\n(?P<commands>.*?)```", re.DOTALL)
ENDLESS = "runs until Ctrl-C"
TESTS = "scripts/test"


def blocks() -> list[tuple[str | None, list[str]]]:
    """The shell blocks of the README: the note before each, and its lines."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [(match["note"], match["commands"].strip().splitlines()) for match in BLOCK.finditer(text)]


def as_typed(note: str | None, line: str) -> str:
    """A line as this test runs it: what only Ctrl-C ends gets its Ctrl-C as soon as it is ready."""
    return shlex.join([sys.executable, ctrl_c.__file__]) + f" {line}" if note == ENDLESS else line


def copy_of_the_checkout(target: Path) -> Path:
    """What a clone would hold: the files that git tracks, or would, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.mark.timeout(400)
def test_the_commands_of_the_readme_work_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    lines = [as_typed(note, line) for note, commands in blocks() for line in commands if line != TESTS]
    script = "set -euxo pipefail\n" + "\n".join(lines) + "\n"
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PPW_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=clean,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "See the Days in a browser" in done.stdout
    assert "Workers: http://127.0.0.1:" in done.stdout
    assert (clone / "my-study/report.html").is_file()


def test_ci_runs_the_readmes_test_command() -> None:
    assert [TESTS] in [commands for _, commands in blocks()]
    assert re.search(rf"^check \S+ {TESTS}$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_file_that_the_readme_links_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(linked) > 5
    assert [link for link in linked if "://" not in link and not (ROOT / link).exists()] == []
