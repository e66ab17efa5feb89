"""What bad workers send: each kind of answer that a study must survive without stopping.

They go through the same pages as everybody else, and only what they enter is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from random import Random

import numpy as np

from pixelpatchwork.crowd.painting import Size
from pixelpatchwork.crowd.runlength import mask_text

Values = dict[str, str | None]


class PaintingMischief(StrEnum):
    """How a generation answer can be bad."""

    NO_MASK = "no mask"
    EMPTY_MASK = "empty mask"
    FULL_MASK = "full mask"
    WRONG_SIZE = "mask of another size"
    GARBAGE_MASK = "mask that cannot be read"
    NO_PROMPT = "no prompt"
    NONSENSE = "nonsense prompt"
    ENDLESS = "absurdly long prompt"
    MARKUP = "prompt of markup, control characters and emoji"
    NO_CONSENT = "no consent"


class BallotMischief(StrEnum):
    """How a ballot can be bad."""

    ALL_UP = "all up"
    ALL_DOWN = "all down"
    NO_VOTE = "no vote"
    FLAGS = "everything flagged"
    NO_CONSENT = "no consent"


ENDLESS_CHARACTERS = 40_000

_MARKUP = (
    '<script>alert("paint")</script><b onmouseover=alert(1)>{{7*7}}</b> &amp; ]]> '
    "\x00\x07\x1b[31m\u202edrawkcab\u200b \U0001f3a8\U0001f984 '); DROP TABLE Image; --"
)


def spoil_painting(
    values: Mapping[str, str | None], kind: PaintingMischief, size: Size, random: Random
) -> Values:
    """An honest generation answer, made bad. `size` is the seed's width and height."""
    return {**values, **_PAINTING[kind](size, random)}


def spoil_ballot(image_ids: Sequence[str], values: Mapping[str, str | None], kind: BallotMischief) -> Values:
    """An honest ballot on these images, made bad."""
    votes: dict[BallotMischief, str | None] = {
        BallotMischief.ALL_UP: "up",
        BallotMischief.ALL_DOWN: "down",
        BallotMischief.FLAGS: "down",
        BallotMischief.NO_VOTE: None,
    }
    spoiled: Values = dict(values)
    if kind is BallotMischief.NO_CONSENT:
        return {**spoiled, "consent": None}
    for image_id in image_ids:
        spoiled[f"vote_{image_id}"] = votes[kind]
        spoiled[f"flag_{image_id}"] = "yes" if kind is BallotMischief.FLAGS else None
    return spoiled


def _uniform(size: Size, *, painted: bool) -> str:
    return mask_text(np.full((size[1], size[0]), painted))


def _wrong_size(size: Size, _random: Random) -> Values:
    """The mask of a picture that is turned round, or a pixel wider where that is the same."""
    width, height = size
    bits = np.zeros((width, height if width != height else height + 1), dtype=np.bool_)
    bits[: width // 4, : height // 4] = True
    return {"mask": mask_text(bits)}


def _nonsense(_size: Size, random: Random) -> Values:
    words = (
        "".join(random.choices("qwxzkjvbfgh", k=random.randint(3, 9))) for _ in range(random.randint(1, 5))
    )
    return {"prompt": " ".join(words)}


def _endless(_size: Size, random: Random) -> Values:
    word = random.choice(("good ", "nice picture ", "aaaa "))
    return {"prompt": (word * ENDLESS_CHARACTERS)[:ENDLESS_CHARACTERS]}


_PAINTING: dict[PaintingMischief, Callable[[Size, Random], Values]] = {
    PaintingMischief.NO_MASK: lambda _size, _random: {"mask": ""},
    PaintingMischief.EMPTY_MASK: lambda size, _random: {"mask": _uniform(size, painted=False)},
    PaintingMischief.FULL_MASK: lambda size, _random: {"mask": _uniform(size, painted=True)},
    PaintingMischief.WRONG_SIZE: _wrong_size,
    PaintingMischief.GARBAGE_MASK: lambda _size, _random: {"mask": '{"size":[1,1],"counts":"~~~"'},
    PaintingMischief.NO_PROMPT: lambda _size, _random: {"prompt": " \t "},
    PaintingMischief.NONSENSE: _nonsense,
    PaintingMischief.ENDLESS: _endless,
    PaintingMischief.MARKUP: lambda _size, _random: {"prompt": _MARKUP},
    PaintingMischief.NO_CONSENT: lambda _size, _random: {"consent": None},
}
