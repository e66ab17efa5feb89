"""Filling a hole from its surroundings, and finding room in it: the ground under everything the offline editor paints.

The fill is the push-pull scheme of Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph" (SIGGRAPH 1996): known
colours are averaged into ever coarser pictures until no gap is left, and the gaps filled from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.floating[Any]]
Bits = npt.NDArray[np.bool_]

_DEPTH_CELLS = 44


def resized(values: Floats, height: int, width: int) -> Floats:
    """An array of shape (h, w) or (h, w, channels), scaled to (height, width) without steps."""
    if values.ndim == 3:
        return np.stack([resized(values[..., i], height, width) for i in range(values.shape[2])], axis=2)
    scaled = Image.fromarray(values.astype(np.float32, copy=False)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.asarray(scaled, dtype=np.float32)


def surroundings(picture: Image.Image, hole: Image.Image, *, coarse: int = 192) -> Floats:
    """The picture with its hole filled smoothly, reduced so that its longer side is about `coarse` pixels.

    Args:
        picture: RGB.
        hole: mode L, 255 where the colour is unknown.
        coarse: pixels.

    Returns:
        Colours from 0 to 1 of shape (height, width, 3).
    """
    factor = max(1, -(-max(picture.size) // coarse))
    known = hole.point(lambda level: 255 - level)
    masked = Image.composite(picture, Image.new("RGB", picture.size), known)
    weights = np.asarray(known.reduce(factor), dtype=np.float32)[..., None] / 255
    sums = np.asarray(masked.reduce(factor), dtype=np.float32) / 255
    colours = _pushed_and_pulled(sums, weights)
    bounded: Floats = np.clip(colours, 0, 1)
    return bounded


def _pushed_and_pulled(sums: Floats, weights: Floats) -> Floats:
    """Weighted sums and weights into colours everywhere; mid grey where nothing at all is known."""
    height, width = weights.shape[:2]
    known: Floats = sums / np.maximum(weights, 1e-6)
    if height == width == 1:
        return known if weights.item() > 0 else np.full_like(known, 0.5)
    trust = np.minimum(weights, 1)
    below = resized(_pushed_and_pulled(*_halved(known * trust, trust)), height, width)
    pulled: Floats = below + trust * (known - below)
    return pulled


def _halved(sums: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Both arrays added up over squares of 2 x 2; an odd last row or column stands alone."""
    pad = [(0, sums.shape[0] % 2), (0, sums.shape[1] % 2), (0, 0)]

    def added(values: Floats) -> Floats:
        even = np.pad(values, pad)
        columns = even[:, 0::2] + even[:, 1::2]
        return columns[0::2] + columns[1::2]

    return added(sums), added(weights)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A circle with room for one thing, in pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Room:
    """How deep inside the hole each place is, on a coarse grid.

    Attributes:
        depth: pixels to the nearest place outside the hole, of shape (rows, columns).
        cell: pixels of a grid cell's side.
    """

    depth: Floats
    cell: float

    @classmethod
    def inside(cls, hole: Bits) -> Room:
        """Measures a hole of shape (height, width); beyond the array everything counts as outside."""
        height, width = hole.shape
        cell = max(1.0, max(height, width) / _DEPTH_CELLS)
        rows, columns = max(1, round(height / cell)), max(1, round(width / cell))
        centres = hole[
            ((np.arange(rows) + 0.5) * height / rows).astype(int)[:, None],
            ((np.arange(columns) + 0.5) * width / columns).astype(int),
        ]
        ringed = np.pad(centres, 1)
        inside, outside = np.argwhere(ringed), np.argwhere(~ringed)
        depth = np.zeros(ringed.shape, dtype=np.float32)
        if len(inside):
            squares = (inside[:, None, :] - outside[None, :, :]).astype(np.float32)
            depth[tuple(inside.T)] = np.sqrt((squares**2).sum(axis=2).min(axis=1)) * cell
        return cls(depth=depth[1:-1, 1:-1], cell=cell)

    def spots(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        largest: float = 1e9,
        wander: float = 0.5,
        upward: float = 0.0,
    ) -> tuple[list[Spot], Room]:
        """Up to `count` circles that do not overlap, the best liked places first, and the room they leave.

        Args:
            count: at most so many.
            rng: the source of chance.
            largest: bound of the radius in pixels.
            wander: 0 to 1, how far chance overrules room.
            upward: 0 to 1, how far the height overrules room.
        """
        free = self.depth.copy()
        rows, columns = np.indices(free.shape)
        bias = 1 - upward * rows / free.shape[0]
        found: list[Spot] = []
        while len(found) < count and free.max() > self.cell:
            liking = np.minimum(free, largest) * bias * (1 - wander * rng.random(free.shape))
            row, column = np.unravel_index(int(liking.argmax()), free.shape)
            radius = min(largest, float(free[row, column]))
            x, y = (float(column) + 0.5) * self.cell, (float(row) + 0.5) * self.cell
            found.append(Spot(x=x, y=y, radius=radius))
            away = np.hypot(rows - row, columns - column) * self.cell - radius
            free = np.minimum(free, away.astype(np.float32))
        return found, Room(depth=free, cell=self.cell)
