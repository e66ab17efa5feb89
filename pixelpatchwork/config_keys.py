"""What the settings model says of itself: every key with its meaning, its default and what it may hold.

The documentation, the commented settings of a new study and the messages about wrong values all come from
here, so none of them can say anything else than the model does.
"""

from __future__ import annotations

import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

COMMENT_WIDTH = 100

_NUMBERS = {int: "a whole number", float: "a number", Decimal: "an amount in US dollars"}


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of the settings. `allowed` says what it may hold; `choices` lists that where it is finite."""

    name: str
    variable: str
    default: object
    allowed: str
    choices: tuple[str, ...]
    description: str
    is_secret: bool

    @property
    def default_text(self) -> str:
        """The default as one writes it in the file; "" where there is none."""
        return "" if self.default is None else yaml_text(self.default)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key of `model` and its sections, in the order of the model."""
    for name, info in model.model_fields.items():
        if is_internal(info):
            continue
        if section := section_of(info):
            yield from keys_of(section, f"{prefix}{name}.")
            continue
        full = prefix + name
        yield Key(
            name=full,
            variable=variable_of(full),
            default=info.get_default(call_default_factory=True, validated_data={}),
            allowed=_allowed(info),
            choices=_choices(info.annotation),
            description=info.description or "",
            is_secret=SecretStr in _members(info.annotation),
        )


def is_internal(info: FieldInfo) -> bool:
    """Whether a field of the model is no key that anybody may write."""
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("internal"))


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a section with keys of its own."""
    annotation = info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def variable_of(name: str) -> str:
    """The environment variable of a dotted key."""
    return "PPW_" + name.upper().replace(".", "__")


def yaml_text(value: object) -> str:
    """A value on one line of YAML, quoted where it must be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else repr(value)
    shown = value if isinstance(value, dict) else str(value)
    dumped: str = yaml.safe_dump(shown, width=float("inf"), allow_unicode=True, default_flow_style=True)
    return dumped.removesuffix("...\n").strip("\n")


# ---- a settings file with its comments ------------------------------------------------------------------


def render(model: type[BaseModel], values: Mapping[str, object], *, header: str) -> str:
    """A YAML file with every key but the secrets, its description above it. `values` maps dotted keys."""
    return "\n".join([*_comment(header, ""), *_rendered(model, values, "")]) + "\n"


def _rendered(model: type[BaseModel], values: Mapping[str, object], prefix: str) -> Iterator[str]:
    """The lines of one section's keys, and of the sections in it."""
    indent = "  " * prefix.count(".")
    keys = {key.name: key for key in keys_of(model, prefix)}
    for name, info in model.model_fields.items():
        full = prefix + name
        if section := section_of(info):
            yield from ["", *_comment(info.description or "", indent), f"{indent}{name}:"]
            yield from _rendered(section, values, f"{full}.")
        elif full in keys and not keys[full].is_secret:
            key = keys[full]
            yield from ["", *_comment(f"{key.description} Allowed: {key.allowed}.", indent)]
            yield f"{indent}{name}: {yaml_text(values.get(full, key.default))}"


def _comment(text: str, indent: str) -> list[str]:
    """`text` as comment lines; its own line breaks stay."""
    return [
        f"{indent}# {line}".rstrip()
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, COMMENT_WIDTH - len(indent)) or [""]
    ]


# ---- what a key may hold --------------------------------------------------------------------------------


def _members(annotation: object) -> tuple[object, ...]:
    """The types of a union, or the one type."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _choices(annotation: object) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    return ("true", "false") if annotation is bool else ()


def _allowed(info: FieldInfo) -> str:
    """What a field may hold, in words: written beside it, or derived from its type and bounds."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "allowed" in extra:
        return str(extra["allowed"])
    if choices := _choices(info.annotation):
        return " or ".join([", ".join(choices[:-1]), choices[-1]])
    for kind, words in _NUMBERS.items():
        if kind in _members(info.annotation):
            return words + _range(info)
    longest = _bound(info, "max_length")
    return f"text of at most {longest} characters" if longest else "text"


def _range(info: FieldInfo) -> str:
    low, above, high = _bound(info, "ge"), _bound(info, "gt"), _bound(info, "le")
    if above is not None:
        return f" above {above}, at most {high}"
    return f" from {low} to {high}"


def _bound(info: FieldInfo, name: str) -> Any:
    """The bound of this name among a field's constraints, or None."""
    return next((getattr(item, name) for item in info.metadata if hasattr(item, name)), None)
