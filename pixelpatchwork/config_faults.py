"""What is wrong with the settings, in lines that name the key, the value and what would be right.

Nothing here may show a secret: values of secret and of unknown keys are never quoted, and passwords in
addresses are masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from pixelpatchwork.config_keys import Key, keys_of, variable_of
from pixelpatchwork.config_sources import UNPREFIXED, Fault, KeyPath, Layer

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_QUOTED = 60

_QUERY_SECRET = re.compile(r"(?P<name>[?&](?:password|passwd|pwd|secret|token|key)=)[^&]*", re.IGNORECASE)
_COMMA = re.compile(r"-?[0-9]*,[0-9]+")
_SERVICE_KEY = re.compile(r"\b(?:sk-|AKIA)[\w-]{6,}")


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Keys that are right each by itself and wrong together; the message speaks of the first."""

    keys: tuple[str, ...]
    message: str


class Conflicts(ValueError):  # noqa: N818  # what pydantic carries from the model to `faults_of`
    """All conflicts of one model."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__("; ".join(f"{conflict.keys[0]} {conflict.message}" for conflict in conflicts))
        self.conflicts = conflicts


def masked(text: str) -> str:
    """`text` with passwords in addresses, and what looks like a service's key, replaced by ***."""
    before, at, host = text.rpartition("@")
    colon = before.find(":", before.find("://") + 1)
    if at and colon >= 0:
        text = f"{before[:colon]}:***@{host}"
    text = _QUERY_SECRET.sub(lambda match: f"{match['name']}***", text)
    return _SERVICE_KEY.sub("***", text)


def report(faults: Sequence[Fault], file: Path) -> str:
    """All faults, one a line, under a line that names the file."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join([f"The settings have {count} ({file}):", *(f"  {_line(fault)}" for fault in faults)])


def faults_of(
    error: ValidationError, model: type[BaseModel], origins: Mapping[KeyPath, str], *, skip: Collection[str]
) -> list[Fault]:
    """The faults that pydantic found, in our words; none that concerns a key of `skip`."""
    keys = {key.name: key for key in keys_of(model)}
    faults: list[Fault] = []
    for details in error.errors(include_url=False):
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, Conflicts):
            faults += _conflict_faults(cause, origins, skip)
            continue
        name = ".".join(str(part) for part in details["loc"])
        if details["type"] == "extra_forbidden":
            faults.append(unknown_key(name, model, origins))
        else:
            faults.append(
                Fault(key=name, message=_wrong_value(details, keys.get(name)), origin=_origin(name, origins))
            )
    return [fault for fault in faults if fault.key not in skip]


def unknown_key(name: str, model: type[BaseModel], origins: Mapping[KeyPath, str]) -> Fault:
    """A key that the model does not know, with the one that was perhaps meant."""
    known = [key.name for key in keys_of(model)]
    sections = sorted({key.partition(".")[0] for key in known if "." in key})
    tidy = name.lower().replace("-", "_")
    moved = [key for key in known if key.rpartition(".")[2] == tidy.rpartition(".")[2]]
    siblings = [key for key in known if key.rpartition(".")[0] == tidy.rpartition(".")[0]]
    near = moved or get_close_matches(tidy, siblings if "." in tidy else siblings + sections, n=1)
    hint = (
        f"; did you mean {' or '.join(near)}?" if near else "; take it out (docs/settings.md lists all keys)"
    )
    return Fault(key=name, message=f"is no key of the settings{hint}", origin=_origin(name, origins))


def secrets_written_in(layer: Layer, model: type[BaseModel]) -> list[Fault]:
    """A fault for each secret that stands in a settings file."""
    short = {ours: other for other, ours in UNPREFIXED.items()}
    return [
        Fault(
            key=key.name,
            message=f"is a secret: move it to .env as {short.get(key.variable, key.variable)}=...",
            origin=layer.origins[path],
        )
        for key in keys_of(model)
        if key.is_secret and (path := tuple(key.name.split("."))) in layer.origins
    ] + [
        Fault(
            key=".".join(path),
            message=f"is a secret: move it to .env as {variable_of('.'.join(path))}=...",
            origin=origin,
        )
        for path, origin in layer.origins.items()
        if path[:2] == ("serve", "panels") and path[3:] == ("secret",)
    ]


def _conflict_faults(
    conflicts: Conflicts, origins: Mapping[KeyPath, str], skip: Collection[str]
) -> list[Fault]:
    return [
        Fault(key=conflict.keys[0], message=conflict.message, origin=_origin(conflict.keys[0], origins))
        for conflict in conflicts.conflicts
        if not set(conflict.keys) & set(skip)
    ]


def _wrong_value(details: ErrorDetails, key: Key | None) -> str:
    """What a value is, and what it should be."""
    if key is None:
        return "is a section: write its keys below it, indented"
    cause = details.get("ctx", {}).get("error")
    wrong = str(cause) if isinstance(cause, ValueError) else "is not allowed here"
    near = _with_a_point(details) or get_close_matches(str(details["input"]).lower(), key.choices, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{_quoted(details['input'], key)} {wrong}; allowed: {key.allowed}{hint}"


def _with_a_point(details: ErrorDetails) -> list[str]:
    """A number that was written with a decimal comma, as it is read here."""
    text = str(details["input"])
    is_number = details["type"] in ("decimal_parsing", "float_parsing") and _COMMA.fullmatch(text)
    return [text.replace(",", ".")] if is_number else []


def _quoted(value: object, key: Key) -> str:
    """The value on one line, shortened, with nothing in it that nobody should see."""
    if key.is_secret:
        return "***"
    if not isinstance(value, str):
        return "a list or section" if isinstance(value, list | dict) else str(value)
    text = masked(value)
    return json.dumps(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "...", ensure_ascii=False)


def _origin(name: str, origins: Mapping[KeyPath, str]) -> str:
    """Where a key, or the first key of a section, was written; "" for a default."""
    path = tuple(name.split("."))
    if path in origins:
        return origins[path]
    return next((origin for place, origin in origins.items() if place[: len(path)] == path), "")


def _line(fault: Fault) -> str:
    place = f" ({fault.origin})" if fault.origin else ""
    return f"{fault.key}{place}: {fault.message}"
