"""The pixels to repaint, and the text in which a mask travels and is stored.

A worker's browser sends its mask as COCO's compressed run-length text, a tenth of the size of a PNG. That
text is hostile input: everything here is bounded by the seed's size before it is read, and whatever is wrong
with a text becomes a MaskError in words a worker understands.

The format follows ``maskApi.c`` of the COCO API. Runs go down the columns, alternate between zeros and ones,
and start with zeros (that first run alone may be 0 long). From the fourth run on, a number is the difference
to the run two before. A number is cut into groups of five bits, lowest first; a group is one character: 48,
plus its bits, plus 32 if more groups follow. The highest bit of the last group is the sign.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pixelpatchwork.domain.errors import MaskError

Bits = npt.NDArray[np.bool_]
Runs = npt.NDArray[np.int64]
Size = tuple[int, int]
"""Width and height in pixels, in this order, as Pillow has it."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first column and row outside."""

MAX_COUNTS = 2_000_000
"""Characters of run-length text, whatever the size: fifty times what the wildest drawing by hand comes to."""

_FIRST = np.uint8(48)
_GROUP, _SIGN, _MORE = 0x1F, 0x10, 0x20
_MAX_GROUPS = 7
"""Groups in one number: 35 bits hold the difference of any two runs of a picture that fits in memory."""

_FORM = 'a mask is written {"size":[height,width],"counts":"..."}'
# A pattern instead of a JSON parser: it takes this one object and nothing else, so that nesting, duplicate
# keys, huge numbers, NaN and the like are never built in memory. The alphabet of `counts` has no quotation
# mark in it.
_SIZE_ITEM = r'"size"\s*:\s*\[\s*(?P<height>0|[1-9][0-9]{0,5})\s*,\s*(?P<width>0|[1-9][0-9]{0,5})\s*\]'
_COUNTS_ITEM = r'"counts"\s*:\s*(?P<counts>"[^"]*")'
_TEXT_FORMS = tuple(
    re.compile(rf"\s*\{{\s*{first}\s*,\s*{second}\s*\}}\s*", re.ASCII)
    for first, second in ((_SIZE_ITEM, _COUNTS_ITEM), (_COUNTS_ITEM, _SIZE_ITEM))
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """The part of a picture that is to be repainted.

    Attributes:
        pixels: booleans of shape (height, width), True where the picture is repainted; a read-only copy of
            what was given.
    """

    pixels: Bits

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or not self.pixels.size:
            raise MaskError("A mask has two dimensions and at least one pixel.")
        pixels = np.array(self.pixels, dtype=np.bool_, order="C")
        pixels.setflags(write=False)
        object.__setattr__(self, "pixels", pixels)

    @classmethod
    def from_rle(cls, text: str, *, size: Size) -> Mask:
        """Reads ``{"size":[height,width],"counts":"..."}``, whose size must be the given (width, height).

        Raises:
            MaskError: the text is anything else; the message says what.
        """
        width, height = size
        if len(text) > 2 * max_counts(height, width) + 200:
            raise MaskError("The mask's text is longer than any mask of this picture can be.")
        form = next((match for pattern in _TEXT_FORMS if (match := pattern.fullmatch(text))), None)
        if form is None:
            raise MaskError(f"The mask cannot be read: {_FORM}.")
        if (int(form["width"]), int(form["height"])) != (width, height):
            found = f"{form['width']} x {form['height']}"
            raise MaskError(f"The mask is {found} pixels, but the picture is {width} x {height}.")
        return cls(pixels=decode_counts(_unquote(form["counts"]), height, width))

    def to_rle(self) -> str:
        """The mask as text: the same mask always gives the same text, and ``from_rle`` reads it back."""
        height, width = self.pixels.shape
        return json.dumps(
            {"size": [height, width], "counts": encode_counts(self.pixels)}, separators=(",", ":")
        )

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        height, width = self.pixels.shape
        return width, height

    @cached_property
    def count(self) -> int:
        """The number of pixels to repaint."""
        return int(np.count_nonzero(self.pixels))

    @property
    def coverage(self) -> float:
        """The share of the picture to repaint, 0 to 1."""
        return self.count / self.pixels.size

    @property
    def is_empty(self) -> bool:
        """Nothing is to be repainted."""
        return self.count == 0

    @property
    def is_full(self) -> bool:
        """Everything is to be repainted."""
        return self.count == self.pixels.size

    @cached_property
    def box(self) -> Box:
        """The smallest box around the pixels to repaint.

        Raises:
            MaskError: the mask is empty.
        """
        if self.is_empty:
            raise MaskError("The mask is empty: nothing is painted over.")
        rows = np.flatnonzero(self.pixels.any(axis=1))
        columns = np.flatnonzero(self.pixels.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def max_counts(height: int, width: int) -> int:
    """The most characters that a run-length text of this size is read to.

    Runs are at least 1 long and add up to the area, so there are at most area + 1 of them. Each character
    beyond a number's first stands for at least 16 of its value, and all the values together are at most twice
    the area.
    """
    area = height * width
    return min(MAX_COUNTS, area + area // 8 + 8)


def decode_counts(counts: str, height: int, width: int) -> Bits:
    """Reads COCO's compressed runs into booleans of shape (height, width).

    Memory and time are bounded by the number of characters, which ``max_counts`` bounds, and by the area.

    Raises:
        MaskError: the text is no list of positive runs (the first may be 0) that fill the picture exactly.
    """
    if len(counts) > max_counts(height, width):
        raise MaskError("The mask's text is longer than any mask of this picture can be.")
    runs = _undo_differences(_read_numbers(counts))
    if (runs[1:] <= 0).any() or runs[0] < 0:
        raise MaskError("The mask's text has a run of no pixels in it.")
    if (runs > height * width).any() or int(runs.sum()) != height * width:
        raise MaskError(f"The mask's text does not describe a picture of {width} x {height} pixels.")
    painted = np.arange(len(runs)) % 2 == 1
    return np.repeat(painted, runs).reshape(width, height).T


def encode_counts(pixels: Bits) -> str:
    """Writes booleans of shape (height, width) as COCO's compressed runs, exactly as COCO's own tools do."""
    column_major = pixels.T.ravel()
    changes = np.flatnonzero(column_major[1:] != column_major[:-1]) + 1
    edges = np.concatenate(([0], changes, [column_major.size]))
    runs = np.diff(edges)
    if column_major[0]:
        runs = np.concatenate(([0], runs))
    numbers = runs.copy()
    numbers[3:] -= runs[1:-2]
    return _write_numbers(numbers)


def _unquote(quoted: str) -> str:
    """The value of a JSON string: a backslash, which is in the alphabet, is doubled in JSON."""
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise MaskError(f"The mask cannot be read: {_FORM}.") from error


def _read_numbers(counts: str) -> Runs:
    """Characters into signed numbers, all at once: each group is shifted to its place, then added."""
    try:
        groups = (
            np.frombuffer(counts.encode("ascii"), dtype=np.uint8) - _FIRST
        )  # what is below 48 wraps past 63
    except UnicodeEncodeError as error:
        raise MaskError("The mask's text has a character in it that no mask has.") from error
    if (groups > (_MORE | _GROUP)).any():
        raise MaskError("The mask's text has a character in it that no mask has.")
    lasts = np.flatnonzero(groups & _MORE == 0)
    if not len(lasts) or lasts[-1] != len(groups) - 1:
        raise MaskError("The mask's text breaks off in the middle, or is empty.")
    lengths = np.diff(lasts, prepend=-1)
    if (lengths > _MAX_GROUPS).any():
        raise MaskError("The mask's text has a number in it that is too large.")
    firsts = lasts - lengths + 1
    places = 5 * (np.arange(len(groups)) - np.repeat(firsts, lengths))
    numbers: Runs = np.add.reduceat((groups & _GROUP).astype(np.int64) << places, firsts)
    negative = groups[lasts] & _SIGN != 0
    numbers[negative] -= np.int64(1) << (5 * lengths[negative])
    return numbers


def _undo_differences(numbers: Runs) -> Runs:
    """From the fourth on, a number is the difference to the run two before: odd and even runs are sums.

    Nothing overflows: MAX_COUNTS numbers of 35 bits add up to less than 57 bits.
    """
    runs = numbers.copy()
    runs[1::2] = np.cumsum(numbers[1::2])
    runs[2::2] = np.cumsum(numbers[2::2])
    return runs


def _write_numbers(numbers: Runs) -> str:
    """Signed numbers into characters, one group of every number at a time, and then put in order."""
    left = numbers.copy()
    columns = []
    waiting = np.ones(len(numbers), dtype=np.bool_)
    while waiting.any():
        bits = left & _GROUP
        left >>= 5
        # A number is complete when only its sign is left, and the group's highest bit shows that sign.
        more = np.where(bits & _SIGN, left != -1, left != 0)
        columns.append(np.where(waiting, bits + int(_FIRST) + np.where(more, _MORE, 0), 0).astype(np.uint8))
        waiting &= more
    characters: npt.NDArray[np.uint8] = np.stack(columns, axis=1).ravel()
    return str(characters[characters != 0].tobytes(), "ascii")
