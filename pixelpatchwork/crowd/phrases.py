"""What workers ask for: prompts put together from one vocabulary, so that a story is varied and still reads well.

A subject suits a part of the picture: nobody asks for poppies in the sky. Who has skill adds colours, a manner and a
setting; who has little stays vague.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from pixelpatchwork.crowd.painting import Point, Shape
from pixelpatchwork.crowd.workers import Persona


class Zone(StrEnum):
    """Where in a picture a subject belongs."""

    HIGH = "high"
    LOW = "low"
    ANY = "any"


@dataclass(frozen=True, kw_only=True)
class Idea:
    """What a worker wants to see, in his words, and the shape of the mask that suits it."""

    prompt: str
    shape: Shape


_HIGH: tuple[tuple[str, Shape], ...] = (
    ("storm clouds rolling in", Shape.CLUSTER),
    ("soft clouds like sleeping sheep", Shape.CLUSTER),
    ("a huge full moon", Shape.BLOB),
    ("a crescent moon with a sleepy face", Shape.BLOB),
    ("a sky full of stars", Shape.CLUSTER),
    ("shooting stars", Shape.BAND),
    ("a double rainbow", Shape.ARC),
    ("a rainbow made of ribbons", Shape.ARC),
    ("hot-air balloons drifting by", Shape.CLUSTER),
    ("a flock of paper birds", Shape.BAND),
    ("a small ringed planet", Shape.BLOB),
    ("a swirling galaxy", Shape.BLOB),
    ("northern lights like curtains", Shape.BAND),
    ("a low warm sun", Shape.BLOB),
    ("snowflakes as large as plates", Shape.CLUSTER),
    ("a kite with a long striped tail", Shape.ARC),
)
_LOW: tuple[tuple[str, Shape], ...] = (
    ("a field of poppies and other wild flowers", Shape.BAND),
    ("a garden of giant flowers", Shape.CLUSTER),
    ("waves breaking over the edge", Shape.BAND),
    ("a quiet lake with small boats", Shape.BAND),
    ("a lantern-lit paper boat", Shape.BLOB),
    ("a river of stars", Shape.BAND),
    ("a ring of spotted mushrooms", Shape.CLUSTER),
    ("a drift of autumn leaves", Shape.CLUSTER),
    ("a tiny forest of pine trees", Shape.CLUSTER),
    ("a miniature city of towers", Shape.BAND),
    ("goldfish swimming in a puddle", Shape.BLOB),
    ("a campfire with dancing flames", Shape.BLOB),
    ("a striped picnic blanket", Shape.BLOB),
    ("a patchwork of stripes and dots", Shape.BLOB),
    ("rolling hills", Shape.BAND),
    ("tulips in a row", Shape.BAND),
)
_ANY: tuple[tuple[str, Shape], ...] = (
    ("a cat curled up asleep", Shape.BLOB),
    ("a cloud of butterflies", Shape.CLUSTER),
    ("soap bubbles with rainbows in them", Shape.CLUSTER),
    ("a swarm of fireflies", Shape.CLUSTER),
    ("falling cherry blossoms", Shape.CLUSTER),
    ("a whale made of clouds", Shape.BLOB),
    ("a spiral staircase of light", Shape.BLOB),
    ("hearts cut out of paper", Shape.CLUSTER),
    ("confetti dots everywhere", Shape.CLUSTER),
    ("an ivy of leaves and flowers", Shape.ARC),
    ("a window onto the sea", Shape.BLOB),
    ("a small dragon breathing fire", Shape.BLOB),
)
_SUBJECTS = {Zone.HIGH: _HIGH, Zone.LOW: _LOW, Zone.ANY: _ANY}

# Colour words by their hue in degrees.
_COLOURS: tuple[tuple[float, str], ...] = (
    (0, "scarlet"), (8, "coral"), (28, "orange"), (42, "amber"), (46, "gold"), (55, "lemon yellow"),
    (80, "lime"), (140, "emerald green"), (158, "mint"), (178, "teal"), (182, "turquoise"), (205, "azure"),
    (222, "cobalt blue"), (238, "indigo"), (265, "violet"), (280, "lilac"), (310, "magenta"), (335, "rose pink"),
)  # fmt: skip
_NEUTRALS = ("silver", "white", "ivory", "black", "cream", "midnight blue")

_MANNERS = (
    "painted in watercolour", "cut from folded paper", "stitched like a quilt", "in the style of a woodcut",
    "like an old picture book", "glowing from within", "in loose brush strokes", "as a stained-glass window",
    "drawn with chalk",
)  # fmt: skip
_SETTINGS = (
    "at dusk", "at dawn", "in moonlight", "after the rain", "under a starry night", "in thick morning mist",
    "in the last light of an autumn day", "as if in a dream", "on a winter evening", "in bright spring light",
)  # fmt: skip
_VAGUE = (
    "something nice", "make it more colorful", "flowers", "clouds i guess", "more blue", "a cat??", "stars",
    "trees maybe", "idk something red", "a sun", "some dots", "pink", "nice sky", "water", "make it pretty",
)  # fmt: skip


def draw_idea(spot: Point, persona: Persona, random: Random) -> Idea:
    """An idea for a spot (shares of width and height), in the words that this worker finds for it."""
    if random.random() > 0.5 + 0.75 * persona.skill:
        return Idea(prompt=random.choice(_VAGUE), shape=random.choice(list(Shape)))
    subject, shape = random.choice(_SUBJECTS[_zone(spot, random)])
    return Idea(prompt=_worded(subject, persona, random), shape=shape)


def _zone(spot: Point, random: Random) -> Zone:
    if random.random() < 0.3:
        return Zone.ANY
    return Zone.HIGH if spot[1] < 0.45 else Zone.LOW


def _worded(subject: str, persona: Persona, random: Random) -> str:
    """The subject with colours, and as much of manner and setting as the worker's skill finds words for."""
    parts = [f"{subject} in {_palette(persona.taste.hue, random)}" if random.random() < 0.85 else subject]
    if random.random() < persona.skill * 0.6:
        parts.append(random.choice(_MANNERS))
    if random.random() < persona.skill * 0.7:
        parts.append(random.choice(_SETTINGS))
    text = ", ".join(parts)
    return text[0].upper() + text[1:] if random.random() < persona.skill * 0.5 else text


def _palette(hue: float, random: Random) -> str:
    """Two colours: one that the worker likes, and one beside it, opposite to it, or without a hue."""
    first = _colour_near(random.gauss(hue, 35))
    second = random.choice((_colour_near(hue + random.choice((-50, 50, 150, 180))), random.choice(_NEUTRALS)))
    return first if first == second else f"{first} and {second}"


def _colour_near(hue: float) -> str:
    return min(_COLOURS, key=lambda colour: hue_distance(colour[0], hue))[1]


def hue_distance(one: float, other: float) -> float:
    """Degrees between two hues on the colour wheel, 0 to 180."""
    return abs((one - other + 180) % 360 - 180)
