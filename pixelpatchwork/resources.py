"""Where the files are that are not code: the HIT templates and the default settings.

In a checkout they stand at the top, where people look for them; in a wheel they travel inside the package
(pyproject.toml's `force-include`). Nothing else needs to know the difference.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def hit_templates() -> Path:
    """The folder of the workers' pages: templates, scripts, style and locales."""
    return _found("hit_templates")


def config() -> Path:
    """The folder of the default settings and seeds."""
    return _found("config")


def env_example() -> Path:
    """The file that says which secrets `.env` may hold."""
    return _found(".env.example")


def _found(name: str) -> Path:
    """The file or folder of this name. Raises FileNotFoundError where the installation is incomplete."""
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{name} is missing: install PixelPatchwork again")
