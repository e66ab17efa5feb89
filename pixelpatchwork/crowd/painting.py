"""Where and how a worker masks a picture: brush strokes at the seed's own resolution, on a spot that invites them.

The spot depends on the picture and on the worker's taste: someone looks for the subject, someone for the sky. Chance
always has a share in it, so that over the days a story wanders all over the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from pixelpatchwork.crowd.pictures import Colours, Plane
from pixelpatchwork.crowd.runlength import Bits
from pixelpatchwork.crowd.workers import Persona, Place

Point = tuple[float, float]
"""x and y, as shares of the picture's width and height on a spot, in pixels in a stroke."""
Size = tuple[int, int]
"""Width and height in pixels."""

_GRID = 12
"""Spots along each side of a picture."""
_CHANCE = 0.45
"""The share of chance in the choice of a spot."""
_LEAST, _MOST = 0.025, 0.12
"""What share of the picture a worker paints over, as a rule."""
_TRIES = 6
_GOLDEN = (1 + math.sqrt(5)) / 2


class Shape(StrEnum):
    """What a mask looks like, as far as the idea behind it asks for one."""

    BLOB = "blob"
    CLUSTER = "cluster"
    BAND = "band"
    ARC = "arc"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The shares of the picture that a page allows a mask to cover."""

    least: float = 0.0
    most: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One stroke of a round brush, in units of the mask's own size around the spot; `radius` likewise."""

    points: tuple[Point, ...]
    radius: float


def choose_spot(colours: Colours, persona: Persona, random: Random) -> Point:
    """The middle of the mask to be, as shares of width and height."""
    appeal = _appeal(_busyness(colours), persona.taste.place).ravel()
    weights = (1 - _CHANCE) * appeal / appeal.sum() + _CHANCE / appeal.size
    cell = random.choices(range(appeal.size), weights=weights.tolist())[0]
    row, column = divmod(cell, _GRID)
    x, y = (column + random.random()) / _GRID, (row + random.random()) / _GRID
    # Hardly anyone paints right on the frame.
    return 0.08 + 0.84 * x, 0.08 + 0.84 * y


def paint_mask(
    size: Size, spot: Point, shape: Shape, persona: Persona, random: Random, bounds: Bounds
) -> Bits:
    """A mask of shape (height, width), painted around the spot.

    Who has skill hits a sensible size within the bounds; who has little may leave no more than a hasty smear.
    """
    target = _target(persona, random)
    if random.random() > 0.35 + persona.skill:
        return _painted_to(target / 2, _smear(random), size, spot)
    target = min(max(target, 1.2 * bounds.least), 0.85 * bounds.most)
    return _painted_to(target, _strokes(shape, random), size, spot)


def _strokes(shape: Shape, random: Random) -> list[Stroke]:
    match shape:
        case Shape.BLOB:
            return _scribble(random)
        case Shape.CLUSTER:
            return _dabs(random)
        case Shape.BAND:
            return _band(random)
        case Shape.ARC:
            return _arc(random)


def _target(persona: Persona, random: Random) -> float:
    """The share of the picture that the worker means to cover: the bold go for more."""
    boldness = min(1.0, max(0.0, random.gauss(persona.taste.boldness, 0.25)))
    share: float = _LEAST * (_MOST / _LEAST) ** boldness
    return share * (0.6 if random.random() > 0.5 + persona.skill else 1.0)


def _busyness(colours: Colours) -> Plane:
    """How much is going on in each cell of the grid, 0 to 1: its deviation, and its distance from the average."""
    means = _cell_means(colours)
    deviation = np.sqrt(np.maximum(0, _cell_means(colours**2).mean(axis=2) - means.mean(axis=2) ** 2))
    busy: Plane = deviation + np.abs(means - colours.mean(axis=(0, 1))).mean(axis=2)
    span = float(busy.max() - busy.min())
    return (busy - busy.min()) / span if span > 0 else np.full_like(busy, 0.5)


def _cell_means(values: Colours) -> Colours:
    """The mean of each cell of the grid; a cell is at least one pixel, whatever the picture's size."""
    height, width, _ = values.shape
    rows, columns = np.arange(_GRID) * height // _GRID, np.arange(_GRID) * width // _GRID
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    # As reduceat does, a start that is not below the next one stands for a single row or column.
    heights = np.maximum(1, np.diff(rows, append=height))
    widths = np.maximum(1, np.diff(columns, append=width))
    means: Colours = (sums / (heights[:, None, None] * widths[None, :, None])).astype(np.float32)
    return means


def _appeal(busy: Plane, place: Place) -> Plane:
    """How much each cell invites somebody with this taste; above 0 everywhere."""
    down = np.linspace(0, 1, _GRID, dtype=np.float32)[:, None]
    match place:
        case Place.SUBJECT:
            wanted = busy**1.5
        case Place.SKY:
            wanted = (1 - busy) * (1 - down) ** 2
        case Place.GROUND:
            wanted = (1.2 - busy) * down**2
        case Place.ANYWHERE:
            wanted = np.ones_like(busy)
    return wanted + np.float32(1e-3)


# ---- gestures: strokes around (0, 0), about 1 wide ----------------------------------------------------------


def _scribble(random: Random) -> list[Stroke]:
    """To and fro over an oval, as one fills in a shape."""
    rows, tilt, flat = random.randint(5, 8), random.uniform(0, math.pi), random.uniform(0.55, 1.0)
    points = []
    for row in range(rows):
        y = -1 + 2 * (row + 0.5) / rows
        reach = math.sqrt(1 - y * y) * random.uniform(0.85, 1.1)
        side = 1 if row % 2 else -1
        points += [(side * reach, y * flat), (-side * reach, (y + 1 / rows) * flat)]
    return [Stroke(points=_smooth([_turned(point, tilt) for point in points]), radius=2 * flat / rows)]


def _band(random: Random) -> list[Stroke]:
    """A wavy ribbon, as for a river, a road or a strip of sky."""
    tilt, wave, phase = random.gauss(0, 0.35), random.uniform(0.08, 0.25), random.uniform(0, 6)
    radius = random.uniform(0.26, 0.42)
    points = [
        (x, wave * math.sin(3 * x + phase) + random.gauss(0, 0.03))
        for x in np.linspace(-1.3, 1.3, 9).tolist()
    ]
    return [Stroke(points=_smooth([_turned(point, tilt) for point in points]), radius=radius)]


def _dabs(random: Random) -> list[Stroke]:
    """Some round dabs near each other: blossoms, clouds, lanterns. They lie on a sunflower's spiral (Vogel 1979)."""
    strokes = []
    for i in range(random.randint(3, 7)):
        angle, away = i * 2 * math.pi / _GOLDEN**2 + random.gauss(0, 0.3), 0.42 * math.sqrt(i)
        centre = (away * math.cos(angle), away * math.sin(angle))
        wiggle = [(centre[0] + random.gauss(0, 0.1), centre[1] + random.gauss(0, 0.1)) for _ in range(4)]
        strokes.append(Stroke(points=_smooth(wiggle), radius=random.uniform(0.3, 0.45)))
    return strokes


def _arc(random: Random) -> list[Stroke]:
    """A bow, open below as a rainbow is, or tilted."""
    tilt, reach = random.gauss(0, 0.5), random.uniform(1.0, 1.5)
    angles = np.linspace(-math.pi / 2 - reach, -math.pi / 2 + reach, 9).tolist()
    points = [
        (math.cos(a) + random.gauss(0, 0.03), 0.5 + math.sin(a) + random.gauss(0, 0.03)) for a in angles
    ]
    return [
        Stroke(points=_smooth([_turned(point, tilt) for point in points]), radius=random.uniform(0.26, 0.4))
    ]


def _smear(random: Random) -> list[Stroke]:
    """One hasty smear."""
    end = (random.uniform(-1, 1), random.uniform(-0.6, 0.6))
    return [
        Stroke(
            points=_smooth([(0.0, 0.0), (end[0] / 2, end[1] / 2 + random.gauss(0, 0.1)), end]), radius=0.12
        )
    ]


def _turned(point: Point, angle: float) -> Point:
    cos, sin = math.cos(angle), math.sin(angle)
    return point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos


def _smooth(points: list[Point], steps: int = 8) -> tuple[Point, ...]:
    """A hand's curve through the points (Catmull and Rom 1974)."""
    padded = [points[0], *points, points[-1]]
    curve = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            t = step / steps
            curve.append((_between(a[0], b[0], c[0], d[0], t), _between(a[1], b[1], c[1], d[1], t)))
    return (*curve, points[-1])


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - 3 * c + d - a) * t**3)


# ---- the brush ----------------------------------------------------------------------------------------------


def _painted_to(target: float, strokes: list[Stroke], size: Size, spot: Point) -> Bits:
    """Paints larger or smaller until the share covered is near the target; what lies outside the frame is lost."""
    width, height = size
    scale = math.sqrt(target * width * height) / 1.6
    bits = _paint(strokes, size, spot, scale)
    for _ in range(_TRIES):
        share = float(bits.mean())
        if 0.85 * target <= share <= 1.15 * target:
            break
        scale *= min(2.0, math.sqrt(target / share)) if share else 2.0
        bits = _paint(strokes, size, spot, scale)
    return bits


def _paint(strokes: list[Stroke], size: Size, spot: Point, scale: float) -> Bits:
    canvas = Image.new("L", size)
    draw = ImageDraw.Draw(canvas)
    middle = spot[0] * size[0], spot[1] * size[1]
    for stroke in strokes:
        radius = max(1.0, stroke.radius * scale)
        points = [(middle[0] + x * scale, middle[1] + y * scale) for x, y in stroke.points]
        draw.line(points, fill=255, width=max(1, round(2 * radius)))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas) > 0
