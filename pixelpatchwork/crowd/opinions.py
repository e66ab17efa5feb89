"""What a worker thinks of a picture: a few formulas over pixels, different for every taste, blurred by carelessness.

A worker compares the picture with the seed and looks at what changed: how much, how colourful, how rich in contrast,
and whether it has the hue that he likes. Then he compares the pictures on his ballot with each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import numpy as np

from pixelpatchwork.crowd.pictures import Colours, Plane
from pixelpatchwork.crowd.workers import Persona

_SEEN = 0.06
"""A change of a pixel that the eye notices, as a mean over the channels from 0 to 1."""
_INDIFFERENCE = 0.12
"""How near to his own average a picture leaves a careful worker without an opinion."""
_FLAG_CHANCE = 0.004
_COLOURLESS, _FLAT, _BROKEN = 0.02, 0.01, 0.3
"""A pixel without colour, one like that below it, and the share of such new pixels that nobody takes for a picture."""


class Choice(StrEnum):
    """A vote."""

    UP = "up"
    DOWN = "down"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Impression:
    """What everybody sees in a picture, before taste.

    `change` is the share of pixels that differ from the seed; the others are of those pixels alone, and 0 where
    there are none: `colourfulness` about 0 to 1, `contrast` 0 to 0.5, and the mean colour on the wheel as a vector
    of length up to 1. `blank` is the share of all pixels that turned into flat grey.
    """

    change: float
    colourfulness: float
    contrast: float
    hue_x: float
    hue_y: float
    blank: float = 0.0

    @property
    def is_broken(self) -> bool:
        """So much of it is gone that it is plainly no picture any more."""
        return self.blank > _BROKEN


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One worker's vote on one picture."""

    choice: Choice
    is_flagged: bool


def colourfulness(pixels: Colours) -> float:
    """How colourful pixels of shape (n, 3), 0 to 1, look: M3 of Hasler and Suesstrunk (2003), over 255.

    0 is grey; their "highly colourful" begins at 0.32, "extremely" at 0.43.
    """
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = math.hypot(float(red_green.std()), float(yellow_blue.std()))
    return spread + 0.3 * math.hypot(float(red_green.mean()), float(yellow_blue.mean()))


def look_at(picture: Colours, seed: Colours) -> Impression:
    """What is to be seen in a picture beside its seed. Pictures of another shape are new all over."""
    changed = _changed(picture, seed)
    pixels = picture[changed]
    if not len(pixels):
        return Impression(change=0.0, colourfulness=0.0, contrast=0.0, hue_x=0.0, hue_y=0.0)
    # The plane of opponent colours: red lies at 0 degrees, green at 120, blue at 240.
    red, green, blue = pixels[:, 0], pixels[:, 1], pixels[:, 2]
    return Impression(
        change=float(changed.mean()),
        colourfulness=colourfulness(pixels),
        contrast=float(pixels.mean(axis=1).std()),
        hue_x=float((red - (green + blue) / 2).mean()),
        hue_y=float((green - blue).mean()) * math.sqrt(3) / 2,
        blank=float((changed & _is_flat_grey(picture)).mean()),
    )


def appeal(impression: Impression, prompt: str, persona: Persona) -> float:
    """How much a worker likes a picture, around 0 to 1.5; its words count too, since the ballot shows them.

    They should make sense, and a prompt that tells a little story pleases more than `pink`.
    """
    if impression.change == 0:
        return 0.0
    if impression.is_broken:
        return -0.5
    novelty = 1 - math.exp(-impression.change / 0.03) - 0.8 * max(0.0, impression.change - 0.25)
    angle = math.radians(persona.taste.hue)
    hue = impression.hue_x * math.cos(angle) + impression.hue_y * math.sin(angle)
    shown = 0.5 * novelty + 0.9 * min(impression.colourfulness, 0.6) + 0.6 * impression.contrast + 0.5 * hue
    said = 0.15 * min(1.0, len(prompt.split()) / 8) if makes_sense(prompt) else -0.45
    return shown + said


def judge(
    impressions: Sequence[Impression], prompts: Sequence[str], persona: Persona, random: Random
) -> list[Opinion]:
    """A ballot's votes, in its order: up for what is better than its average, down for worse, skip between.

    The average is over pictures that are whole.
    """
    blur = 0.04 + 0.25 * persona.carelessness
    likings = [
        appeal(impression, prompt, persona) + random.gauss(0, blur)
        for impression, prompt in zip(impressions, prompts, strict=True)
    ]
    whole = [liking for liking, one in zip(likings, impressions, strict=True) if not one.is_broken]
    middle = sum(whole) / len(whole) if len(whole) > 1 else 0.45
    return [_opinion(liking - middle, persona, random) for liking in likings]


def makes_sense(prompt: str) -> bool:
    """Whether a prompt reads like words: no markup, not endless, and a vowel in most of its words."""
    words = re.findall(r"[^\W\d_]+", prompt)
    if not words or len(prompt) > 600 or re.search(r"[<>{}]|&\w+;", prompt):
        return False
    return sum(bool(re.search(r"[aeiouy]|[^\x00-\x7f]", word.lower())) for word in words) > 0.6 * len(words)


def _opinion(difference: float, persona: Persona, random: Random) -> Opinion:
    indifference = _INDIFFERENCE * (0.5 + persona.carelessness)
    choice = Choice.SKIP if abs(difference) < indifference else Choice.UP if difference > 0 else Choice.DOWN
    return Opinion(choice=choice, is_flagged=choice is Choice.DOWN and random.random() < _FLAG_CHANCE)


def _is_flat_grey(picture: Colours) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    light = picture.mean(axis=2)
    below = np.vstack([light[1:], light[-1:]])
    spread = picture.max(axis=2) - picture.min(axis=2)
    grey: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (np.abs(light - below) < _FLAT) & (
        spread < _COLOURLESS
    )
    return grey


def _changed(picture: Colours, seed: Colours) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if picture.shape != seed.shape:
        return np.ones(picture.shape[:2], dtype=np.bool_)
    difference: Plane = np.abs(picture - seed).mean(axis=2)
    return difference > _SEEN
