"""Where settings are written: a YAML file, `.env` beside it, and the environment, all read as text.

Every value stays the text that was written until the model reads it, whatever its source. So `0.25` is never
a binary float, a study named `No` is never False, and a file means what the same words mean in a variable.
The files are treated as hostile: bounded in size and depth, no aliases, no second meaning for a repeated key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TypeAlias

import yaml
from dotenv.parser import Original, parse_stream

from pixelpatchwork.domain.errors import ConfigurationError

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
KeyPath: TypeAlias = tuple[str, ...]

PREFIX = "PPW_"
DELIMITER = "__"
MAX_BYTES = 256 * 1024
MAX_KEYS = 1000
MAX_DEPTH = 8
NOT_SETTINGS = ("PPW_CONFIG", "PPW_TEST_")
"""Starts of names that are ours but no keys: the settings file itself, and the tests' servers."""

UNPREFIXED = {"OPENAI_API_KEY": "PPW_OPENAI_API_KEY"}
"""Names that other tools use for the same secret."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong: the dotted `key` (or "" for a whole file), and what would be right."""

    key: str
    message: str
    origin: str = ""


@dataclass(kw_only=True)
class Layer:
    """What one source says: nested values, where each was written, and what could not be read."""

    values: dict[str, Value] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def put(self, path: KeyPath, value: Value, origin: str) -> None:
        """Sets the value at `path`, its sections made on the way."""
        place = self.values
        for part in path[:-1]:
            section = place.setdefault(part, {})
            if not isinstance(section, dict):
                self.faults.append(
                    Fault(key=".".join(path), message=f"{part} has no keys of its own", origin=origin)
                )
                return
            place = section
        place[path[-1]] = value
        self.origins[path] = origin


def overlay(lower: Mapping[str, Value], upper: Mapping[str, Value]) -> dict[str, Value]:
    """`lower` with every value of `upper` over it, section by section."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def without(values: Mapping[str, Value], keys: Iterable[str]) -> dict[str, Value]:
    """`values` without the dotted `keys`, a section's name standing for all of it."""
    left: dict[str, Value] = {}
    gone = set(keys)
    for name, value in values.items():
        if name in gone:
            continue
        inner = {key.partition(".")[2] for key in gone if key.startswith(f"{name}.")}
        left[name] = without(value, inner) if isinstance(value, dict) and inner else value
    return left


# ---- the environment ------------------------------------------------------------------------------------


def environment_layer(variables: Mapping[str, str | None], *, source: str) -> Layer:
    """The settings among environment variables: `PPW_GENERATION__REWARD_USD` is `generation.reward_usd`.

    An empty value counts as not set. `source` names the place in messages.
    """
    layer = Layer()
    named = {name.upper(): value for name, value in variables.items() if value}
    for other, ours in UNPREFIXED.items():
        if other in named:
            named.setdefault(ours, named[other])
    for name, value in sorted(named.items()):
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS):
            path = tuple(name.removeprefix(PREFIX).lower().split(DELIMITER))
            layer.put(path, value, f"{name} in {source}")
    return layer


def dotenv_layer(path: Path) -> Layer:
    """The settings in a `.env` file, or nothing where there is none. Raises ConfigurationError."""
    if not path.is_file():
        return Layer()
    variables: dict[str, str] = {}
    faults = []
    # python-dotenv's parser rather than its reader: that one substitutes variables, and only logs what it cannot read.
    for line in parse_stream(StringIO(_text(path))):
        if line.error or (line.key is not None and line.value is None):
            message = "is no line of the form NAME=VALUE"
            faults.append(Fault(key=f"line {_number(line.original)}", message=message, origin=path.name))
        elif line.key is not None and line.value is not None:
            variables[line.key] = line.value
    layer = environment_layer(variables, source=path.name)
    layer.faults += faults
    return layer


def _number(original: Original) -> int:
    """The number of a line; the parser counts the blank lines before it as its own."""
    text = original.string
    return original.line + text[: len(text) - len(text.lstrip())].count("\n")


# ---- YAML -----------------------------------------------------------------------------------------------


def yaml_layer(path: Path, text: str | None = None) -> Layer:
    """The settings in a YAML file, or in the `text` that is to be written into it.

    Raises ConfigurationError where it cannot be read as a mapping at all.
    """
    text = _text(path) if text is None else text
    try:
        root = _Loader(text).get_single_node()
    except (yaml.YAMLError, _Refused) as error:
        raise ConfigurationError(f"{path} is no YAML that can be read: {_problem(error)}") from None
    layer = Layer()
    if root is None or (isinstance(root, yaml.ScalarNode) and _scalar(root) is None):
        return layer
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(f"{path} holds no settings: write lines of the form `key: value`")
    for key_path, value, origin in _entries(root, (), path.name, layer.faults):
        layer.put(key_path, value, origin)
        if len(layer.origins) > MAX_KEYS:
            raise ConfigurationError(f"{path} holds more than {MAX_KEYS} keys: that is no settings file")
    return layer


class _Refused(Exception):  # noqa: N818  # never leaves this module
    """YAML that is well-formed and has no place in a settings file."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases (which can grow without bound) and deep nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node, within the bounds."""
        line = self.line + 1
        if self.check_event(yaml.AliasEvent):
            raise _Refused("an alias (*name); write the value out", line)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused("nested too deeply", line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _entries(
    node: yaml.MappingNode, prefix: KeyPath, file: str, faults: list[Fault]
) -> Iterator[tuple[KeyPath, Value, str]]:
    """Every key of a mapping with its text and its line; sections are walked, repeated keys are faults."""
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        origin = f"{file}, line {line}"
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        path = (*prefix, key)
        if key in seen:
            message = f"stands here a second time (first in line {seen[key]}); keep one"
            faults.append(Fault(key=".".join(path), message=message, origin=origin))
            continue
        seen[key] = line
        if isinstance(value_node, yaml.MappingNode):
            yield from _entries(value_node, path, file, faults)
        else:
            yield path, _plain(value_node), origin


def _plain(node: yaml.Node) -> Value:
    """A node as text, None or a list; what stands inside a list is never used, only refused."""
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else []


def _scalar(node: yaml.ScalarNode) -> str | None:
    """The text as written; an unquoted nothing is None."""
    return None if node.style is None and node.value in _NULLS else str(node.value)


def _problem(error: yaml.YAMLError | _Refused) -> str:
    """What is wrong and where, without quoting the file: it may hold what nobody should see."""
    if isinstance(error, _Refused):
        return f"line {error.line}: {error.reason}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return "it holds characters that are no text"


def _text(path: Path) -> str:
    """A small UTF-8 file. Raises ConfigurationError for anything else."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it cannot be opened"
        raise ConfigurationError(f"{path} cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES // 1024} kB: that is no settings file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path} is not UTF-8 text (line {line}): save it as UTF-8") from None
