"""Settings out of texts, and what is said of those that are wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.domain.errors import ConfigurationError

_KEY_LINE = re.compile(r"  (?P<key>[a-z0-9_.?<]+)(?: \((?P<origin>[^)]*)\))?: (?P<message>.+)")


@dataclass(frozen=True)
class Load:
    """Loads settings from a YAML text, variables and a `.env`, in a folder of its own."""

    folder: Path

    def __call__(
        self, text: str | bytes = "", environ: Mapping[str, str] | None = None, dotenv: str = ""
    ) -> Settings:
        file = self.folder / "study.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        if dotenv:
            (self.folder / ".env").write_text(dotenv)
        return load_settings(file, environ or {})

    def faults(self, text: str = "", environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """The message of each key that is at fault."""
        with pytest.raises(ConfigurationError) as caught:
            self(text, environ)
        lines = str(caught.value).splitlines()[1:]
        found = [_KEY_LINE.fullmatch(line) for line in lines]
        assert all(found), lines
        return {match["key"]: match["message"] for match in found if match}
