"""A painted mask as the text that a HIT page's own script would send: COCO's compressed run-length encoding.

The format is that of `rleToString` in the COCO API's `maskApi.c`. It is written a second time here because the
crowd stands on the workers' side of the page, and shares no code with those who read it.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
"""A mask of shape (height, width)."""


def mask_text(bits: Bits) -> str:
    """`{"size":[height,width],"counts":"..."}`."""
    height, width = bits.shape
    text = {"size": [height, width], "counts": _compressed(_runs(bits))}
    return json.dumps(text, separators=(",", ":"))


def _runs(bits: Bits) -> list[int]:
    """Lengths of runs down the columns, of zeros and ones in turn, beginning with zeros."""
    pixels = bits.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    runs: list[int] = np.diff(changes, prepend=0, append=pixels.size).tolist()
    return [0, *runs] if pixels[0] else runs


def _compressed(runs: list[int]) -> str:
    """From the fourth on, a run is written as its difference to the one two before."""
    return "".join(_number(run - runs[i - 2] if i > 2 else run) for i, run in enumerate(runs))


def _number(rest: int) -> str:
    """Groups of five bits, lowest first; 32 says that more follow, and a last group's highest bit is the sign."""
    characters = []
    is_last = False
    while not is_last:
        group = rest & 0x1F
        rest >>= 5
        is_last = rest == (-1 if group & 0x10 else 0)
        characters.append(chr(48 + group + (0 if is_last else 0x20)))
    return "".join(characters)
