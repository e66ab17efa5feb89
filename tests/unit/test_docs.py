"""The documents say what the program says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pixelpatchwork.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_generated_documents_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_docs", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_commands_help_shows_an_example_of_it(name: str) -> None:
    epilog = COMMANDS[name].load().epilog or ""
    assert epilog.startswith("\b\nExample:\n")
    assert name in epilog


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_the_one_it_is_called(name: str) -> None:
    assert COMMANDS[name].load().name == name


def test_what_the_readmes_commands_make_is_ignored_by_git() -> None:
    made = re.findall(r"ppw (?:init|rehearse) ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(made) == {"my-study", "my-rehearsal"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"/{name}/" for name in made} <= set(ignored)


def test_every_variable_of_the_example_is_a_key_of_the_settings() -> None:
    from pixelpatchwork.config import describe

    known = {key.variable for key in describe()} | {"OPENAI_API_KEY"}
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {
        line.lstrip("#").partition("=")[0]
        for line in lines
        if "=" in line and line.startswith("#") and " " not in line
    }
    assert named
    assert named <= known
