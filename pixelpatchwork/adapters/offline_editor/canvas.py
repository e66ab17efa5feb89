"""The surface that the offline editor paints on, with the few strokes that all of its motifs are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, sin
from typing import Final

import numpy as np

from pixelpatchwork.adapters.offline_editor.fill import Floats, Room, Spot, resized
from pixelpatchwork.adapters.offline_editor.shapes import Shape
from pixelpatchwork.adapters.offline_editor.words import Colour

WHITE: Final[Colour] = (1.0, 0.99, 0.95)
DARK: Final[Colour] = (0.09, 0.09, 0.13)


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """Colours from 0 to 1 of shape (height, width, 3), painted in place.

    Attributes:
        pixels: the colours.
        room: how deep the hole is at each place.
        free: the same, less the room that things have taken.
        rng: the only source of chance.
        x: columns, of shape (1, width).
        y: rows, of shape (height, 1).
    """

    pixels: Floats
    room: Room
    rng: np.random.Generator
    free: Room = field(init=False)
    x: Floats = field(init=False)
    y: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", self.room)
        object.__setattr__(self, "x", np.arange(self.width, dtype=np.float32)[None, :])
        object.__setattr__(self, "y", np.arange(self.height, dtype=np.float32)[:, None])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def unit(self) -> float:
        """Pixels of the hole's greatest depth: what things are sized by."""
        return max(4.0, float(self.room.depth.max()))

    def places(self, count: int, *, largest: float, wander: float = 0.5, upward: float = 0.0) -> list[Spot]:
        """Takes room for up to `count` things, `largest` in units: the back ones (further up) first."""
        spots, free = self.free.spots(
            count, self.rng, largest=largest * self.unit, wander=wander, upward=upward
        )
        object.__setattr__(self, "free", free)
        return sorted(spots, key=lambda spot: spot.y)

    def cover(self, opacity: Floats, colour: Colour) -> None:
        """Lays a colour over the whole canvas; `opacity` of shape (height, width), 0 to 1."""
        mix = opacity.astype(np.float32, copy=False)[..., None]
        self.pixels[...] += mix * (np.array(colour, dtype=np.float32) - self.pixels)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light that fades away from a point; it brightens and never darkens."""
        part, right_of, below = self._around(x, y, 3.5 * radius)
        distance = right_of**2 + below**2
        light = (strength * np.exp(-distance / (2 * radius * radius)))[..., None]
        part += light * np.maximum(np.array(colour, dtype=np.float32) - part, 0)

    def stamp(
        self,
        x: float,
        y: float,
        radius: float,
        shape: Shape,
        colour: Colour,
        *,
        opacity: float = 1.0,
        turn: float = 0.0,
    ) -> None:
        """Paints a shape around a point, with smooth edges.

        Args:
            x: column of the middle.
            y: row of the middle.
            radius: pixels of the shape's unit; nothing is painted beyond 2 units.
            shape: what is inside.
            colour: of the paint.
            opacity: of the paint, 0 to 1.
            turn: radians, clockwise.
        """
        part, right_of, below = self._around(x, y, 2 * radius)
        across = (cos(turn) * right_of + sin(turn) * below) / radius
        down = (cos(turn) * below - sin(turn) * right_of) / radius
        inside = np.clip(shape(across, down) * radius + 0.5, 0, 1)
        part += opacity * inside[..., None] * (np.array(colour, dtype=np.float32) - part)

    def _around(self, x: float, y: float, reach: float) -> tuple[Floats, Floats, Floats]:
        """The pixels within `reach` of a point, as a view, and how far right and below they are; maybe none."""
        columns = slice(max(0, int(x - reach)), max(0, int(x + reach) + 2))
        rows = slice(max(0, int(y - reach)), max(0, int(y + reach) + 2))
        return self.pixels[rows, columns], self.x[:, columns] - x, self.y[rows] - y

    def noise(self, cell: float, *, octaves: int = 4) -> Floats:
        """Soft noise from 0 to 1 of the canvas's size, whose largest lumps are `cell` pixels."""
        return soft_noise(self.rng, self.height, self.width, cell, octaves=octaves)


def soft_noise(rng: np.random.Generator, height: int, width: int, cell: float, *, octaves: int = 4) -> Floats:
    """Random grids, each twice as fine and half as strong as the one before, added up; 0 to 1."""
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        step = max(1.0, cell / 2**octave)
        rows, columns = int(height / step) + 2, int(width / step) + 2
        grid = rng.random((rows, columns), dtype=np.float32)
        total += resized(grid, height, width) / 2**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def smooth(values: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high`, and a soft rise in between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    risen: Floats = share * share * (3 - 2 * share)
    return risen
