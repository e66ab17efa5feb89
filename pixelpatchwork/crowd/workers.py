"""Who the simulated workers are: skill, taste, carelessness, and for some the will to answer badly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

BAD_SHARE = 1 / 6
"""How many of a crowd answer badly on purpose: two of twelve."""

_NAMES = (
    "Amara", "Anouk", "Arjun", "Astrid", "Bruno", "Camila", "Chidi", "Dilara", "Elif", "Emeka", "Esra", "Fatima",
    "Felix", "Freya", "Giulia", "Hana", "Ines", "Ivo", "Jamal", "Jun", "Kaia", "Kofi", "Lars", "Leila",
    "Linh", "Luca", "Magda", "Mateo", "Mei", "Milo", "Nadia", "Noor", "Olga", "Oskar", "Paloma", "Priya",
    "Quinn", "Rafael", "Rosa", "Sami", "Sofia", "Tariq", "Thea", "Uma", "Vera", "Wanda", "Yuki", "Zola",
)  # fmt: skip
_LANGUAGES = ("en-US", "en-US", "en-GB", "en-IN", "de", "es", "fr", "pt-BR", "ja", "tr")


class Place(StrEnum):
    """Which part of a picture somebody is drawn to."""

    SUBJECT = "subject"
    SKY = "sky"
    GROUND = "ground"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, kw_only=True)
class Taste:
    """What somebody likes. `hue` in degrees; `boldness` 0 to 1: small touches or large ones."""

    hue: float
    place: Place
    boldness: float


@dataclass(frozen=True, kw_only=True)
class Persona:
    """One worker. `skill` and `carelessness` are 0 to 1; `language` is the browser's, a BCP 47 tag."""

    name: str
    skill: float
    taste: Taste
    carelessness: float
    language: str
    is_bad: bool = False


def draw_personas(count: int, random: Random) -> tuple[Persona, ...]:
    """A crowd of `count` workers of different names, one in six of them bad."""
    bad = set(random.sample(range(count), round(count * BAD_SHARE)))
    names = random.sample(_NAMES, len(_NAMES))
    return tuple(
        _draw_persona(_numbered(names, index), random, is_bad=index in bad) for index in range(count)
    )


def _numbered(names: list[str], index: int) -> str:
    """The name at `index`; where the names run out they begin again as `Amara 2`."""
    turn, place = divmod(index, len(names))
    return names[place] if turn == 0 else f"{names[place]} {turn + 1}"


def _draw_persona(name: str, random: Random, *, is_bad: bool) -> Persona:
    return Persona(
        name=name,
        skill=random.betavariate(3, 2),
        taste=Taste(hue=random.uniform(0, 360), place=random.choice(list(Place)), boldness=random.random()),
        carelessness=random.betavariate(2, 5),
        language=random.choice(_LANGUAGES),
        is_bad=is_bad,
    )
