"""Writes an access key where the AWS tools look, so that `aws --profile NAME mturk ...` reaches a marketplace.

Both files of the AWS tools are only added to: what stands in them stays as it is, comments included, and a profile
that exists is never touched. Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and
"Service-specific endpoints" (the `services` section).
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REGION = "us-east-1"


class ProfileError(Exception):
    """The profile cannot be written; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A profile's name, and the two files in which the AWS tools look for it."""

    name: str
    credentials: Path
    config: Path

    def require_new(self) -> None:
        """Raises ProfileError where the name cannot be used, or is in use in one of the files."""
        if not _NAME.fullmatch(self.name) or self.name == "default":
            raise ProfileError(
                "A profile's name is made of letters, digits, '.', '_' and '-', and is not `default`."
            )
        for path, section in (
            (self.credentials, self.name),
            (self.config, f"profile {self.name}"),
            (self.config, f"services {self._services}"),
        ):
            if section in _sections(path):
                raise ProfileError(
                    f"{path} has a section [{section}] already, which is left as it is. Use it (without this option), "
                    "choose another name, or remove it first."
                )

    def write(self, *, key_id: str, secret: str, endpoint_url: str) -> None:
        """Adds the profile to both files. Raises ProfileError."""
        self.require_new()
        _append(
            self.config,
            f"[profile {self.name}]\nregion = {_REGION}\nservices = {self._services}\n\n"
            f"[services {self._services}]\nmturk =\n  endpoint_url = {endpoint_url}\n",
        )
        _append(
            self.credentials,
            f"[{self.name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n",
        )

    @property
    def _services(self) -> str:
        return f"{self.name}-marketplace"


def profile(name: str, environ: Mapping[str, str]) -> Profile:
    """The profile of that name in the files that the AWS tools would read in this environment."""
    home = Path(environ.get("HOME") or Path.home()) / ".aws"
    return Profile(
        name=name,
        credentials=Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials").expanduser(),
        config=Path(environ.get("AWS_CONFIG_FILE") or home / "config").expanduser(),
    )


def _sections(path: Path) -> set[str]:
    """The names of a file's sections, read as the AWS tools do. Raises ProfileError where they could not either."""
    reader = configparser.RawConfigParser(default_section="")
    try:
        reader.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise ProfileError(f"{path} cannot be read ({type(error).__name__}). Mend it first.") from error
    return {" ".join(section.replace('"', " ").split()) for section in reader.sections()}


def _append(path: Path, text: str) -> None:
    """Adds to the end of a file, which from now on only its owner may read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            before = file.read()
            gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
            file.write(gap + text)
    except OSError as error:
        raise ProfileError(f"{path} cannot be written: {error.strerror}.") from error
