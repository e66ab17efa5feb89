"""Whatever the package imports is declared: what arrives only with something else may be gone tomorrow."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
TYPES_ONLY = {"_typeshed", "mypy_boto3_mturk", "mypy_boto3_s3"}
"""Imported for the type checker only."""


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {_normal(re.split(r"[<>=\[;~! ]", line, maxsplit=1)[0]) for line in project["dependencies"]}


def imported() -> dict[str, set[str]]:
    """Top-level modules imported by the package's files, and by which."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "pixelpatchwork").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _modules(node):
                found.setdefault(name.partition(".")[0], set()).add(path.name)
    return found


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_imported_is_declared() -> None:
    ours = {"pixelpatchwork", *TYPES_ONLY, *sys.stdlib_module_names}
    names = packages_distributions()
    missing = {
        module: sorted(files)
        for module, files in imported().items()
        if module not in ours and not {_normal(one) for one in names.get(module, [module])} & declared()
    }
    assert missing == {}


def test_every_declared_package_is_imported() -> None:
    """tzdata and pymysql are found by others: by zoneinfo, and by SQLAlchemy from the database's address."""
    names = packages_distributions()
    used = {_normal(one) for module in imported() for one in names.get(module, [])}
    assert declared() - used <= {"tzdata", "pymysql"}
