"""Each threat names a test, and each of these tests exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8").splitlines()
THREATS = [line for line in LINES if line.startswith("|") and not line.startswith(("| Threat", "|---"))]
NAMED = re.compile(r"`(?P<file>tests/[a-z_/]+\.py)::(?P<test>test_[a-z0-9_]+)`")


@pytest.mark.parametrize("line", THREATS, ids=lambda line: line.split("|")[1].strip()[:50])
def test_every_threat_is_shown_by_a_test_that_exists(line: str) -> None:
    named = NAMED.findall(line)

    assert named, line
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
