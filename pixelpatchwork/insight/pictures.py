"""Pictures for a page that stands alone: small JPEGs as data: URIs, and where a picture was painted.

A report must not break because one picture is gone or cannot be read, so both come back as None, and the page
shows an empty frame. A store that cannot be reached is another matter: that error goes through.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from pixelpatchwork.domain.errors import ImageMissing, MaskError
from pixelpatchwork.domain.mask import Bits, Mask
from pixelpatchwork.domain.model import Image
from pixelpatchwork.domain.ports import ImageStore

JPEG_QUALITY = 80
OUTLINE_WIDTH = 160
"""Cells across the grid on which a patch is outlined: half a thumbnail's pixels, a few kilobytes of path."""
CHIP_WIDTH = 40
"""Cells across the grid of a patch's small silhouette."""

_FORMATS = ("PNG", "JPEG", "WEBP")
"""What an image store of ours holds; other decoders are not let near the bytes."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A JPEG as a data: URI, with its size in pixels."""

    src: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """An SVG path on a grid of `width` x `height` cells that covers the whole picture."""

    path: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Where a picture was painted: `coverage` is the share of its area, 0 to 1."""

    coverage: float
    outline: Trace
    silhouette: Trace


class Pictures:
    """Reads an image store and makes pictures fit for a page; asks for each key and width once."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._made: dict[tuple[str, int], Picture | None] = {}

    def fit(self, key: str, *, width: int) -> Picture | None:
        """The picture under `key`, at most `width` pixels wide; None where it is missing or unreadable."""
        if (key, width) not in self._made:
            self._made[key, width] = self._make(key, width)
        return self._made[key, width]

    def _make(self, key: str, width: int) -> Picture | None:
        try:
            data = self._store.get(key)
        except ImageMissing:
            return None
        return encode_jpeg(data, width=width)


def encode_jpeg(data: bytes, *, width: int) -> Picture | None:
    """`data` as a JPEG without metadata, at most `width` x 2 `width` pixels; None where it is no picture."""
    try:
        with Pillow.open(io.BytesIO(data), formats=_FORMATS) as opened:
            picture = opened.convert("RGB")
    except Exception:
        # Pillow's decoders raise a dozen kinds of errors on damaged files (OSError, SyntaxError, ValueError,
        # struct.error, zlib.error ...); whichever it is, there is nothing to show.
        return None
    picture.info.clear()
    picture.thumbnail((width, 2 * width), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    src = "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
    return Picture(src=src, width=picture.width, height=picture.height)


def patch_of(image: Image) -> Patch | None:
    """The part of `image` that was painted; None for a first seed, or where its mask cannot be read."""
    if image.mask_rle is None:
        return None
    return patch_from(image.mask_rle, size=(image.width, image.height))


def patch_from(mask_rle: str, *, size: tuple[int, int]) -> Patch | None:
    """The part that a mask covers of a picture of `size`; None where it cannot be read."""
    try:
        mask = Mask.from_rle(mask_rle, size=size)
    except MaskError:
        return None
    return Patch(
        coverage=mask.coverage,
        outline=outline(shrink(mask.pixels, columns=OUTLINE_WIDTH)),
        silhouette=silhouette(shrink(mask.pixels, columns=CHIP_WIDTH)),
    )


def shrink(pixels: Bits, *, columns: int) -> Bits:
    """`pixels` of shape (height, width) on a grid at most `columns` wide; a cell is as its middle pixel."""
    height, width = pixels.shape
    columns = min(columns, width)
    rows = max(1, round(height * columns / width))
    y = ((np.arange(rows) + 0.5) * height / rows).astype(np.intp)
    x = ((np.arange(columns) + 0.5) * width / columns).astype(np.intp)
    return pixels[np.ix_(y, x)]


def outline(cells: Bits) -> Trace:
    """The border of the painted cells, the picture's own edge included, as straight strokes."""
    height, width = cells.shape
    padded = np.pad(cells, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]
    down = (padded[1:-1, 1:] != padded[1:-1, :-1]).T
    strokes = [f"M{start} {row}H{end}" for row, start, end in _runs(across)]
    strokes += [f"M{column} {start}V{end}" for column, start, end in _runs(down)]
    return Trace(path="".join(strokes), width=width, height=height)


def silhouette(cells: Bits) -> Trace:
    """The painted cells as filled bars, row by row."""
    height, width = cells.shape
    bars = [f"M{start} {row}H{end}V{row + 1}H{start}Z" for row, start, end in _runs(cells)]
    return Trace(path="".join(bars), width=width, height=height)


def _runs(lines: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """The runs of True in each row of `lines`: row, first column, first column after."""
    edges = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    for (row, start), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield row, start, end
