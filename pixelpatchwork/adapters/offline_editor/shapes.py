"""The outlines that things are put together from.

Each takes the distances right and down from a thing's middle, in radii, and gives a value that is positive inside
the outline and 0 on it; near the edge it is about the distance to it, which makes the edges smooth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pixelpatchwork.adapters.offline_editor.fill import Floats

Shape = Callable[[Floats, Floats], Floats]


def disc(x: Floats, y: Floats) -> Floats:
    """A circle of radius 1."""
    return 1 - np.hypot(x, y)


def oval(across: float, down: float, x0: float = 0.0, y0: float = 0.0) -> Shape:
    """An ellipse with these half axes around (x0, y0)."""
    least = min(across, down)
    return lambda x, y: (1 - np.hypot((x - x0) / across, (y - y0) / down)) * least


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    """An upright rectangle."""
    return lambda x, y: np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))


def wedge(tip: tuple[float, float], base: float, half: float) -> Shape:
    """A triangle with its tip at `tip`, whose level base at y = `base` is `half` wide to each side."""
    height = base - tip[1]
    direction = np.sign(height)
    return lambda x, y: np.minimum(half * (y - tip[1]) / height - np.abs(x - tip[0]), direction * (base - y))


def stroke(start: tuple[float, float], end: tuple[float, float], thickness: float) -> Shape:
    """A straight line with round ends."""
    (x0, y0), along, down = start, end[0] - start[0], end[1] - start[1]

    def shape(x: Floats, y: Floats) -> Floats:
        share = np.clip(((x - x0) * along + (y - y0) * down) / (along**2 + down**2), 0, 1)
        return thickness - np.hypot(x - x0 - share * along, y - y0 - share * down)

    return shape


def both(*shapes: Shape) -> Shape:
    """What lies inside all of the shapes."""
    return lambda x, y: np.minimum.reduce([shape(x, y) for shape in shapes])


def either(*shapes: Shape) -> Shape:
    """What lies inside any of the shapes."""
    return lambda x, y: np.maximum.reduce([shape(x, y) for shape in shapes])


def outside(shape: Shape) -> Shape:
    """What lies outside the shape."""
    return lambda x, y: -shape(x, y)


def twice(shape: Shape) -> Shape:
    """The right half of a shape, and its mirror image on the left."""
    return lambda x, y: shape(np.abs(x), y)


def mirrored(shape: Shape) -> Shape:
    """A shape with left and right exchanged."""
    return lambda x, y: shape(-x, y)


def ripples(pace: float, *, bend: float = 0.0) -> Shape:
    """Level bands, every other one inside."""
    return lambda x, y: np.sin(y * pace + bend * np.sin(3 * x)) / pace


def pales(pace: float) -> Shape:
    """Upright bands, every other one inside."""
    return lambda x, y: np.sin(x * pace) / pace + 0 * y


def petals(count: int, depth: float) -> Shape:
    """A blossom seen from above, its petals cut in by `depth`."""

    def shape(x: Floats, y: Floats) -> Floats:
        lobes = np.abs(np.cos(np.arctan2(y, x) * count / 2)) ** 0.7
        return (1 - depth + depth * lobes - np.hypot(x, y)) * 0.8

    return shape


def heart(x: Floats, y: Floats) -> Floats:
    """A heart, its tip down."""
    return 0.9 - np.hypot(x, 0.15 - y - 0.558 * np.sqrt(np.abs(x))) * 1.05


def lens(half_width: float) -> Shape:
    """A leaf between two arcs, its tips up and down."""
    radius = (1 + half_width**2) / (2 * half_width)
    return lambda x, y: radius - np.hypot(np.abs(x) + radius - half_width, y)


def spread_wings(lift: float) -> Shape:
    """A bird far off: two bent wings, raised by `lift`."""

    def shape(x: Floats, y: Floats) -> Floats:
        out = np.abs(x)
        spine = lift * (0.25 * np.exp(-((out / 0.16) ** 2)) - np.sin(np.clip(out, 0, 1.15) * 2.4) * 0.62)
        wings: Floats = np.minimum(0.1 * (1.2 - out) + 0.02 - np.abs(y - spine) * 0.8, 1.1 - out)
        return wings

    return shape


def butterfly_wings(size: float) -> Shape:
    """Two pairs of wings; a `size` below 1 gives the field within them."""
    upper = oval(0.46 * size, 0.40 * size, 0.48, -0.34)
    lower = oval(0.32 * size, 0.34 * size, 0.36, 0.36)
    return twice(either(upper, lower))


def envelope(share: float) -> Shape:
    """A balloon, or with a `share` below 1 what lies between two of its seams."""

    def shape(x: Floats, y: Floats) -> Floats:
        half: Floats = 0.72 * np.sqrt(np.clip(1 - ((y + 0.3) / 0.72) ** 2, 0, 1))
        half *= (1 - 0.28 * np.clip(y + 0.2, 0, 1)) * share
        return (half - np.abs(x)) * 0.9

    return shape


def tail_fin(x: Floats, y: Floats) -> Floats:
    """The tail of a fish that swims to the right: a triangle that widens to the left."""
    fin: Floats = np.minimum(0.08 - (0.45 + x) * 0.9 - np.abs(y), x + 1.05)
    return fin


def ring(x: Floats, y: Floats) -> Floats:
    """A flat ring around a planet of radius 0.6, which hides its farther side."""
    band = 0.05 - np.abs(np.hypot(x, y * 3.4) - 0.98) * 0.35
    seen: Floats = np.minimum(band, np.maximum(y, np.hypot(x, y) - 0.6))
    return seen


def sparkle(x: Floats, y: Floats) -> Floats:
    """A star with four rays."""
    return 0.16 - np.sqrt(np.abs(x * y)) - 0.16 * np.hypot(x, y)
