"""What a study says to workers where its settings say nothing: in the language of the pages.

The texts stand in `hit_templates/locales`, one file for each language, beside what the pages say by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import yaml

from pixelpatchwork import resources

Language: TypeAlias = Literal["en", "de", "es", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
ENGLISH: Language = "en"


def seed_caption(language: str) -> str:
    """The words of the first seed."""
    return str(_locale(language)["seed_caption"])


def day_name(language: str) -> str:
    """What a Day is called, with `{number}` in it."""
    return str(_locale(language)["day"])


def default_texts(language: str) -> dict[str, str]:
    """The texts of a study that sets none, in one of the LANGUAGES, by dotted key."""
    return dict(_dotted(_locale(language)["defaults"]))


def with_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Raw settings with the texts that they lack, in their language. One that is not known changes nothing."""
    language = values.get("language") or ENGLISH
    return _filled(values, _locale(language)["defaults"]) if language in LANGUAGES else dict(values)


@cache
def _locale(language: str) -> Mapping[str, Any]:
    text = (resources.hit_templates() / "locales" / f"{language}.yaml").read_text(encoding="utf-8")
    words: Mapping[str, Any] = yaml.safe_load(text)
    return words


def _dotted(texts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", text) for inner, text in _dotted(value))
        else:
            yield key, value


def _filled(values: Mapping[str, Any], texts: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the `texts` of the keys that are not set or empty, section by section."""
    filled = dict(values)
    for key, text in texts.items():
        value = values.get(key)
        if value is None:
            filled[key] = text
        elif isinstance(value, dict) and isinstance(text, dict):
            filled[key] = _filled(value, text)
    return filled
