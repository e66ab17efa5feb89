"""Things that the offline editor puts where there is room: flowers, fish, cats, and the like."""

from __future__ import annotations

import numpy as np

from pixelpatchwork.adapters.offline_editor import shapes
from pixelpatchwork.adapters.offline_editor.canvas import DARK, WHITE, Canvas
from pixelpatchwork.adapters.offline_editor.fill import Spot
from pixelpatchwork.adapters.offline_editor.shapes import Shape, box, disc, oval, wedge
from pixelpatchwork.adapters.offline_editor.words import Colour, mixed

Colours = tuple[Colour, ...]
Part = tuple[Shape, Colour]

_BRIGHT: Colours = (
    (0.93, 0.33, 0.36),
    (0.98, 0.71, 0.24),
    (0.96, 0.55, 0.70),
    (0.58, 0.42, 0.82),
    (0.30, 0.62, 0.88),
    (0.98, 0.93, 0.80),
)
_HEARTS: Colours = ((0.86, 0.17, 0.28), (0.95, 0.42, 0.55), (0.99, 0.70, 0.75))
_AUTUMN: Colours = ((0.84, 0.42, 0.16), (0.93, 0.70, 0.24), (0.68, 0.20, 0.15), (0.50, 0.55, 0.22))
_FEATHERS: Colours = (DARK, (0.22, 0.24, 0.33), WHITE)
_SCALES: Colours = ((0.96, 0.55, 0.22), (0.96, 0.80, 0.35), (0.85, 0.88, 0.92), (0.90, 0.36, 0.38))
_SAILS: Colours = (WHITE, (0.95, 0.42, 0.32), (0.98, 0.84, 0.50))
_FURS: Colours = ((0.90, 0.56, 0.25), (0.32, 0.30, 0.34), (0.95, 0.90, 0.82), (0.60, 0.47, 0.38))
_CAPS: Colours = ((0.83, 0.20, 0.17), (0.90, 0.45, 0.20), (0.62, 0.36, 0.66))


def _chosen(canvas: Canvas, given: Colours, otherwise: Colours) -> Colour:
    """One of the prompt's colours for the thing, or else of the thing's own, varied a little."""
    palette = given or otherwise
    colour = palette[int(canvas.rng.integers(len(palette)))]
    return mixed(colour, WHITE if canvas.rng.random() < 0.6 else DARK, float(canvas.rng.uniform(0, 0.14)))


def _turn(canvas: Canvas, most: float) -> float:
    """An angle in radians, to either side."""
    return float(canvas.rng.uniform(-most, most))


def _draw(canvas: Canvas, spot: Spot, *parts: Part, turn: float = 0.0) -> None:
    """The parts of a thing, one over the other."""
    for shape, colour in parts:
        canvas.stamp(spot.x, spot.y, spot.radius, shape, colour, turn=turn)


def _shadow(canvas: Canvas, spot: Spot, shape: Shape, turn: float = 0.0) -> None:
    """A soft dark double below a thing, which lifts it off the ground."""
    drop = 0.09 * spot.radius
    canvas.stamp(spot.x + drop, spot.y + 1.5 * drop, spot.radius, shape, DARK, opacity=0.22, turn=turn)


def flowers(canvas: Canvas, colours: Colours) -> None:
    """Blossoms of several sizes."""
    for spot in canvas.places(26, largest=0.52):
        x, y, radius = spot.x, spot.y, spot.radius
        turn, colour = _turn(canvas, np.pi), _chosen(canvas, colours, _BRIGHT)
        blossom = shapes.petals(int(canvas.rng.integers(5, 9)), 0.42)
        _shadow(canvas, spot, blossom, turn)
        canvas.stamp(x, y, radius, blossom, mixed(colour, DARK, 0.22), turn=turn)
        canvas.stamp(x, y, radius * 0.93, blossom, colour, turn=turn)
        canvas.stamp(x, y, radius * 0.62, blossom, mixed(colour, WHITE, 0.35), turn=turn + 0.3)
        canvas.stamp(x, y, radius * 0.27, disc, (0.80, 0.50, 0.13))
        canvas.stamp(x - radius * 0.05, y - radius * 0.06, radius * 0.18, disc, (0.99, 0.83, 0.35))


def bubbles(canvas: Canvas, colours: Colours) -> None:
    """Balls with a light on each."""
    for spot in canvas.places(30, largest=0.5):
        colour, radius = _chosen(canvas, colours, _BRIGHT), spot.radius * 0.9
        dark, light = mixed(colour, DARK, 0.3), mixed(colour, WHITE, 0.45)
        _shadow(canvas, spot, disc)
        for share in (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9):
            x, y = (middle - 0.28 * radius * share for middle in (spot.x, spot.y))
            canvas.stamp(x, y, radius * (1 - 0.72 * share), disc, mixed(dark, light, share))
        canvas.stamp(spot.x - 0.36 * radius, spot.y - 0.4 * radius, radius * 0.13, disc, WHITE)


def hearts(canvas: Canvas, colours: Colours) -> None:
    """Hearts, leaning a little."""
    shine = oval(0.21, 0.13, -0.38, -0.38)
    for spot in canvas.places(18, largest=0.62):
        turn, colour = _turn(canvas, 0.35), _chosen(canvas, colours, _HEARTS)
        _shadow(canvas, spot, shapes.heart, turn)
        canvas.stamp(spot.x, spot.y, spot.radius, shapes.heart, mixed(colour, DARK, 0.15), turn=turn)
        canvas.stamp(spot.x, spot.y, spot.radius * 0.88, shapes.heart, colour, turn=turn)
        canvas.stamp(spot.x, spot.y, spot.radius, shine, WHITE, opacity=0.5, turn=turn)


def leaves(canvas: Canvas, colours: Colours) -> None:
    """Leaves lying every way."""
    right_half, rib = box(0, -2, 2, 2), box(-0.03, -0.9, 0.03, 1.15)
    for spot in canvas.places(34, largest=0.5):
        turn, colour = _turn(canvas, np.pi), _chosen(canvas, colours, _AUTUMN)
        leaf = shapes.lens(float(canvas.rng.uniform(0.4, 0.55)))
        _shadow(canvas, spot, leaf, turn)
        in_shade = shapes.both(leaf, right_half), mixed(colour, DARK, 0.18)
        _draw(canvas, spot, (leaf, colour), in_shade, (rib, mixed(colour, DARK, 0.4)), turn=turn)


def birds(canvas: Canvas, colours: Colours) -> None:
    """A flight of birds far off."""
    for spot in canvas.places(13, largest=0.6):
        wings = shapes.spread_wings(float(canvas.rng.uniform(0.35, 0.8)))
        _draw(canvas, spot, (wings, _chosen(canvas, colours, _FEATHERS)), turn=_turn(canvas, 0.25))


def fish(canvas: Canvas, colours: Colours) -> None:
    """Fish that swim either way."""
    for spot in canvas.places(12, largest=0.72):
        colour = _chosen(canvas, colours, _SCALES)
        fins, bands = mixed(colour, DARK, 0.2), mixed(colour, WHITE, 0.4)
        parts: tuple[Part, ...] = (
            (shapes.tail_fin, fins),
            (wedge((-0.05, -0.72), -0.25, 0.35), fins),
            (oval(0.75, 0.45), colour),
            (shapes.both(oval(0.72, 0.42), shapes.pales(11)), bands),
            (oval(0.12, 0.12, 0.45, -0.1), WHITE),
            (oval(0.065, 0.065, 0.47, -0.1), DARK),
        )
        if canvas.rng.random() < 0.5:
            parts = tuple((shapes.mirrored(shape), paint) for shape, paint in parts)
        _draw(canvas, spot, *parts, turn=_turn(canvas, 0.25))


def butterflies(canvas: Canvas, colours: Colours) -> None:
    """Butterflies with two pairs of wings."""
    for spot in canvas.places(12, largest=0.65):
        colour = _chosen(canvas, colours, _BRIGHT)
        _draw(
            canvas,
            spot,
            (shapes.butterfly_wings(1.0), mixed(colour, DARK, 0.55)),
            (shapes.butterfly_wings(0.82), colour),
            (shapes.butterfly_wings(0.42), mixed(colour, WHITE, 0.55)),
            (oval(0.07, 0.55), DARK),
            turn=_turn(canvas, 0.9),
        )


def boats(canvas: Canvas, colours: Colours) -> None:
    """Sailing boats."""
    wood = (0.42, 0.22, 0.16)
    for spot in canvas.places(5, largest=0.8):
        sail = _chosen(canvas, colours, _SAILS)
        _draw(
            canvas,
            spot,
            (box(-0.03, -0.95, 0.03, 0.4), wood),
            (shapes.both(wedge((0.06, -0.9), 0.3, 0.75), box(0.06, -2, 2, 2)), sail),
            (shapes.both(wedge((-0.06, -0.75), 0.3, 0.55), box(-2, -2, -0.06, 2)), mixed(sail, DARK, 0.15)),
            (shapes.both(wedge((0.0, 1.25), 0.38, 0.85), box(-2, -2, 2, 0.66)), wood),
        )


def balloons(canvas: Canvas, colours: Colours) -> None:
    """Hot-air balloons with a striped envelope."""
    rope = shapes.twice(shapes.stroke((0.3, 0.2), (0.13, 0.75), 0.018))
    for spot in canvas.places(6, largest=0.85):
        colour = _chosen(canvas, colours, _BRIGHT)
        light = mixed(colour, WHITE, 0.6)
        _draw(
            canvas,
            spot,
            (rope, DARK),
            (shapes.envelope(1.0), colour),
            (shapes.envelope(0.78), light),
            (shapes.envelope(0.5), colour),
            (shapes.envelope(0.2), light),
            (box(-0.16, 0.7, 0.16, 0.94), (0.48, 0.30, 0.17)),
        )
        shine = oval(0.14, 0.26, -0.25, -0.55)
        canvas.stamp(spot.x, spot.y, spot.radius, shine, WHITE, opacity=0.3)


def planets(canvas: Canvas, colours: Colours) -> None:
    """Banded planets, every other one with a ring."""
    globe = oval(0.6, 0.6)
    night = shapes.both(globe, shapes.outside(oval(0.62, 0.62, -0.25, -0.25)))
    for index, spot in enumerate(canvas.places(5, largest=0.8)):
        colour, turn = _chosen(canvas, colours, _BRIGHT), _turn(canvas, 0.6)
        canvas.glow(spot.x, spot.y, spot.radius * 0.7, colour, 0.35)
        bands = shapes.both(globe, shapes.ripples(13, bend=1.0))
        _draw(canvas, spot, (globe, colour), (bands, mixed(colour, WHITE, 0.35)), turn=turn)
        canvas.stamp(spot.x, spot.y, spot.radius, night, DARK, opacity=0.45)
        if index % 2 == 0:
            _draw(canvas, spot, (shapes.ring, mixed(colour, WHITE, 0.65)), turn=turn)


def cats(canvas: Canvas, colours: Colours) -> None:
    """Cats that look at you."""
    whiskers = shapes.twice(
        shapes.either(
            shapes.stroke((0.3, 0.38), (0.98, 0.26), 0.012), shapes.stroke((0.3, 0.44), (0.96, 0.5), 0.012)
        )
    )
    for spot in canvas.places(5, largest=0.85):
        fur = _chosen(canvas, colours, _FURS)
        _draw(
            canvas,
            spot,
            (shapes.twice(wedge((0.55, -0.95), 0.0, 0.42)), mixed(fur, DARK, 0.12)),
            (shapes.twice(wedge((0.54, -0.72), -0.1, 0.24)), mixed(fur, (0.98, 0.68, 0.68), 0.6)),
            (oval(0.82, 0.68, 0, 0.08), fur),
            (oval(0.42, 0.28, 0, 0.42), mixed(fur, WHITE, 0.5)),
            (shapes.twice(oval(0.17, 0.19, 0.34, -0.02)), (0.66, 0.85, 0.38)),
            (shapes.twice(oval(0.055, 0.16, 0.34, -0.02)), DARK),
            (shapes.twice(oval(0.04, 0.04, 0.38, -0.08)), WHITE),
            (wedge((0, 0.36), 0.25, 0.1), (0.86, 0.42, 0.45)),
            (whiskers, mixed(fur, DARK, 0.65)),
        )


def mushrooms(canvas: Canvas, colours: Colours) -> None:
    """Toadstools with spots on their caps."""
    dome = shapes.both(oval(0.85, 0.8, 0, 0.08), box(-2, -2, 2, 0.15))
    for spot in canvas.places(9, largest=0.75):
        _draw(
            canvas,
            spot,
            (shapes.both(wedge((0, -2.4), 0.9, 0.3), box(-1, 0, 1, 0.9)), (0.95, 0.90, 0.80)),
            (oval(0.62, 0.12, 0, 0.12), (0.80, 0.70, 0.58)),
            (dome, _chosen(canvas, colours, _CAPS)),
            (oval(0.15, 0.13, -0.1, -0.4), WHITE),
            (oval(0.11, 0.1, 0.38, -0.22), WHITE),
            (oval(0.1, 0.1, -0.5, -0.15), WHITE),
            (oval(0.07, 0.06, 0.1, -0.08), WHITE),
        )
