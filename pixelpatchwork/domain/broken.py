"""The broken picture of an attention check: a seed that looks as if its file had been damaged on the way."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL.Image import Image as Picture

_BLOCKS = 12
"""Blocks across and down, as far as the picture has pixels for them."""
_WHOLE, _SCRAMBLED = 0.1, 0.35
"""Down to which share of the height it is whole, and then scrambled; below that it is grey."""
_GREY = 128

_Pixels = npt.NDArray[np.uint8]


def broken_picture(seed: Picture, *, draw: str) -> Picture:
    """`seed` with a strip of its top left, blocks from anywhere below it, and grey from there on.

    The same for the same `draw`, in mode RGB and of the seed's size.
    """
    pixels = np.array(seed.convert("RGB"))
    height = pixels.shape[0]
    whole, grey = round(height * _WHOLE), round(height * _SCRAMBLED)
    _scramble(pixels, slice(whole, grey), Random(draw))  # noqa: S311  # a draw, no secret
    pixels[grey:] = _GREY
    return Pillow.fromarray(pixels)


def _scramble(pixels: _Pixels, rows: slice, random: Random) -> None:
    """Fills `rows` with blocks from all over the picture, or grey ones."""
    source = pixels.copy()
    height, width = pixels.shape[:2]
    down, across = max(1, height // _BLOCKS), max(1, width // _BLOCKS)
    for top in range(rows.start, rows.stop, down):
        for left in range(0, width, across):
            target = pixels[top : min(top + down, rows.stop), left : left + across]
            if random.random() < 0.4:
                target[:] = _GREY
                continue
            from_top, from_left = random.randint(0, height - down), random.randint(0, width - across)
            block = source[from_top : from_top + down, from_left : from_left + across]
            target[:] = block[: target.shape[0], : target.shape[1]]
