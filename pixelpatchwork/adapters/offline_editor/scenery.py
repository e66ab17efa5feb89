"""What spreads over the whole patch: skies, water, hills, weather."""

from __future__ import annotations

import numpy as np

from pixelpatchwork.adapters.offline_editor import shapes
from pixelpatchwork.adapters.offline_editor.canvas import DARK, WHITE, Canvas, smooth
from pixelpatchwork.adapters.offline_editor.fill import Floats
from pixelpatchwork.adapters.offline_editor.shapes import box, disc, oval, wedge
from pixelpatchwork.adapters.offline_editor.words import Colour, mixed

Colours = tuple[Colour, ...]

_GOLD: Colour = (1.0, 0.86, 0.45)
_RAINBOW: Colours = (
    (0.86, 0.20, 0.22),
    (0.96, 0.55, 0.18),
    (0.98, 0.86, 0.28),
    (0.35, 0.72, 0.38),
    (0.22, 0.50, 0.86),
    (0.45, 0.28, 0.68),
)
_FIRE: Colours = ((0.80, 0.15, 0.08), (0.96, 0.45, 0.10), (1.0, 0.80, 0.30))


def _first(given: Colours, otherwise: Colour) -> Colour:
    """The prompt's first colour for the thing, or else the thing's own."""
    return given[0] if given else otherwise


def _line(canvas: Canvas, level: float, height: float, length: float) -> Floats:
    """A wandering line across the canvas: its row at each column, around `level`, `height` pixels high."""
    places = np.arange(canvas.width, dtype=np.float32)
    line = np.zeros(canvas.width, dtype=np.float32)
    for octave in range(2):
        phase, stretch = canvas.rng.uniform(0, 2 * np.pi), canvas.rng.uniform(0.7, 1.3)
        line += np.sin(places * (2 * np.pi * stretch * 1.9**octave / length) + phase) / 2.2**octave
    wandering: Floats = level - line * (height / 2)
    return wandering


def _peaks(canvas: Canvas, level: float, height: float) -> Floats:
    """A jagged ridge: straight slopes between random peaks and passes, again and again at half the scale."""
    ridge = np.zeros(canvas.width)
    for octave in range(5):
        knots = np.arange(5 * 2**octave + 1)
        places = np.linspace(0, knots[-1], canvas.width)
        ridge += np.interp(places, knots, canvas.rng.random(len(knots)) / 2.1**octave)
    peaks: Floats = level - (ridge - ridge.min()) / max(float(np.ptp(ridge)), 1e-6) * height
    return peaks


def _speckles(canvas: Canvas, share: float) -> None:
    """Far stars of one pixel each, on this share of the pixels."""
    canvas.cover((canvas.rng.random((canvas.height, canvas.width)) < share) * 0.85, WHITE)


def stars(canvas: Canvas, colours: Colours) -> None:
    """Stars with four rays, and dust between them."""
    _speckles(canvas, 0.0015)
    for spot in canvas.room.spots(22, canvas.rng, largest=0.38 * canvas.unit, wander=0.95)[0]:
        colour = mixed(_first(colours, _GOLD), WHITE, float(canvas.rng.uniform(0, 0.6)))
        radius = spot.radius * float(canvas.rng.uniform(0.5, 1.0))
        canvas.glow(spot.x, spot.y, radius * 0.5, colour, 0.6)
        canvas.stamp(spot.x, spot.y, radius, shapes.sparkle, colour)
        canvas.stamp(spot.x, spot.y, radius * 0.18, disc, WHITE)


def moon(canvas: Canvas, colours: Colours) -> None:
    """A full moon with its seas, its lower right a little in the dark."""
    dusk = shapes.both(disc, shapes.outside(oval(1.0, 1.0, -0.3, -0.3)))
    for spot in canvas.places(1, largest=0.62, wander=0.15, upward=0.7):
        colour = _first(colours, (0.97, 0.94, 0.80))
        canvas.glow(spot.x, spot.y, spot.radius * 1.5, colour, 0.55)
        canvas.stamp(spot.x, spot.y, spot.radius, disc, colour)
        for _ in range(9):
            away, angle = canvas.rng.uniform(0.1, 0.68), canvas.rng.uniform(0, 2 * np.pi)
            size = float(canvas.rng.uniform(0.08, 0.24))
            canvas.stamp(
                spot.x + spot.radius * away * np.cos(angle),
                spot.y + spot.radius * away * np.sin(angle),
                spot.radius * size,
                disc,
                mixed(colour, DARK, 0.22),
                opacity=0.55,
            )
        canvas.stamp(spot.x, spot.y, spot.radius, dusk, mixed(colour, DARK, 0.6), opacity=0.4)


def sun(canvas: Canvas, colours: Colours) -> None:
    """A sun with rays that fade."""
    for spot in canvas.places(1, largest=0.5, wander=0.15, upward=0.6):
        colour = _first(colours, (1.0, 0.88, 0.50))
        across, down = canvas.x - np.float32(spot.x), canvas.y - np.float32(spot.y)
        distance = np.hypot(across, down) / np.float32(spot.radius)
        beams = 0.5 + 0.5 * np.cos(np.arctan2(down, across) * 14 + np.float32(canvas.rng.uniform(0, 6)))
        canvas.cover((beams**3 * 0.5 * np.exp(-np.maximum(distance - 1, 0) / 0.9)), colour)
        canvas.glow(spot.x, spot.y, spot.radius * 1.6, colour, 0.75)
        canvas.stamp(spot.x, spot.y, spot.radius, disc, mixed(colour, WHITE, 0.15))
        canvas.stamp(spot.x, spot.y, spot.radius * 0.75, disc, mixed(colour, WHITE, 0.5), opacity=0.7)


def waves(canvas: Canvas, colours: Colours) -> None:
    """Rows of waves from the middle down, each with its crest."""
    deep = _first(colours, (0.07, 0.33, 0.52))
    count = 7
    for row in range(count):
        share = row / (count - 1)
        swell = canvas.height * (0.05 + 0.05 * share)
        level, length = canvas.height * (0.42 + 0.56 * share), canvas.width * (0.35 + 0.3 * share)
        crest = _line(canvas, level, swell, length)
        below = canvas.y - crest[None, :]
        colour = mixed(mixed(deep, WHITE, 0.45), mixed(deep, DARK, 0.25), share)
        canvas.cover(np.clip(below + 0.5, 0, 1) * 0.85, colour)
        foam = np.exp(-((below - swell * 0.08) ** 2) / (2 * (swell * 0.07 + 0.8) ** 2))
        canvas.cover((foam * (0.35 + 0.5 * canvas.noise(swell * 2, octaves=2))), WHITE)


def clouds(canvas: Canvas, colours: Colours) -> None:
    """Heaps of cloud, lit from above."""
    colour = _first(colours, (0.98, 0.98, 0.99))
    for spot in canvas.room.spots(6, canvas.rng, largest=0.7 * canvas.unit, wander=0.6)[0]:
        puffs = [(canvas.rng.uniform(-0.9, 0.9), canvas.rng.uniform(0.28, 0.5)) for _ in range(9)]
        for shade, lift in ((0.24, 0.12), (0.1, 0.03), (0.0, -0.06)):
            for across, size in puffs:
                rise = (0.55 - abs(across) * 0.5) * size
                canvas.stamp(
                    spot.x + across * spot.radius,
                    spot.y + (lift - rise) * spot.radius,
                    spot.radius * size * (1 - 0.6 * abs(lift - 0.12)),
                    disc,
                    mixed(colour, (0.45, 0.52, 0.66), shade),
                    opacity=0.75,
                )


def stripes(canvas: Canvas, colours: Colours) -> None:
    """Broad wavy stripes."""
    angle = float(canvas.rng.uniform(-0.9, 0.9))
    along = np.cos(angle) * canvas.y + np.sin(angle) * canvas.x
    bend = canvas.noise(canvas.unit * 2, octaves=2) * canvas.unit * 0.6
    phase = (along + bend) * (2 * np.pi / max(10.0, 0.6 * canvas.unit))
    for index, colour in enumerate((colours or (WHITE,))[:3]):
        wave = np.sin(phase / (index + 1) + 2 * index)
        canvas.cover(smooth(wave, 0.1, 0.35) * 0.8, colour)


def rainbow(canvas: Canvas, colours: Colours) -> None:
    """A rainbow over the whole patch, or one in the colours that were asked for."""
    bow = colours if len(colours) > 2 else _RAINBOW
    outer = 0.62 * max(canvas.width, 1.2 * canvas.height)
    distance = np.hypot(canvas.x - canvas.width / 2, canvas.y - canvas.height * 0.12 - outer)
    band = outer * 0.5 / len(bow)
    for index, colour in enumerate(bow):
        middle = outer - (index + 0.5) * band
        inside = smooth((band / 2 + 1.5 - np.abs(distance - middle)), 0, 3)
        canvas.cover((inside * 0.88), colour)


def mountains(canvas: Canvas, colours: Colours) -> None:
    """Three ranges, the far ones paler, with snow on their peaks."""
    rock = _first(colours, (0.24, 0.30, 0.46))
    for index, share in enumerate((0.34, 0.52, 0.72)):
        tall = canvas.height * (0.2 - 0.03 * index)
        ridge = _peaks(canvas, canvas.height * (share + 0.12), tall * 2.2)
        below = canvas.y - ridge[None, :]
        colour = mixed(rock, (0.80, 0.84, 0.92), 0.55 - 0.27 * index)
        lit = canvas.noise(canvas.unit, octaves=4)
        canvas.cover(np.clip(below + 0.5, 0, 1), colour)
        canvas.cover((np.clip(below + 0.5, 0, 1) * smooth(lit, 0.45, 0.6) * 0.25), DARK)
        if index < 2:
            height = smooth(canvas.height * share - ridge[None, :], -0.4 * tall, tall)
            depth = tall * (0.2 + 0.7 * lit) * height
            snow = np.clip(below + 0.5, 0, 1) * np.clip(depth - below + 0.5, 0, 1)
            canvas.cover((snow * 0.9), WHITE)


def trees(canvas: Canvas, colours: Colours) -> None:
    """Firs in rows, the near ones larger and darker."""
    leaf = _first(colours, (0.16, 0.42, 0.27))
    for row, share in enumerate((0.45, 0.68, 0.95)):
        size = max(8.0, canvas.height * (0.16 + 0.07 * row))
        colour = mixed(leaf, (0.72, 0.82, 0.72), 0.45 - 0.22 * row)
        for column in np.arange(-size, canvas.width + size, size * 0.62):
            x = float(column + canvas.rng.uniform(-0.25, 0.25) * size)
            y = float(canvas.height * share - canvas.rng.uniform(0.1, 0.5) * size)
            tint = mixed(colour, DARK, float(canvas.rng.uniform(0, 0.25)))
            canvas.stamp(x, y, size, box(-0.06, 0.4, 0.06, 0.9), (0.25, 0.17, 0.12))
            for tip, base, half in ((-0.1, 0.6, 0.46), (-0.45, 0.25, 0.36), (-0.8, -0.1, 0.25)):
                canvas.stamp(x, y, size, wedge((0.0, tip), base, half), tint)


def flames(canvas: Canvas, colours: Colours) -> None:
    """Flames that lick upward, white hot at the foot."""
    hot = (*colours, _FIRE[1]) if colours else _FIRE
    tongues = canvas.noise(canvas.unit * 0.9)
    sway = ((canvas.noise(canvas.unit) - 0.5) * canvas.unit).astype(np.int32)
    columns = np.clip(np.arange(canvas.width)[None, :] + sway, 0, canvas.width - 1)
    rows = np.clip((np.arange(canvas.height)[:, None] * 0.35).astype(np.int32), 0, canvas.height - 1)
    tall = tongues[np.broadcast_to(rows, columns.shape), columns]
    heat = canvas.y / canvas.height * 1.25 + (tall - 0.5) * 1.1
    for index, colour in enumerate(hot):
        canvas.cover(smooth(heat, 0.38 + 0.2 * index, 0.5 + 0.2 * index) * 0.95, colour)
    for spot in canvas.places(24, largest=0.06, wander=1.0):
        canvas.glow(spot.x, spot.y, spot.radius * 1.2 + 1, (1.0, 0.85, 0.45), 0.9)


def rain(canvas: Canvas, colours: Colours) -> None:
    """Slanting rain."""
    colour = _first(colours, (0.82, 0.88, 0.95))
    for _ in range(int(np.clip(canvas.width * canvas.height / 900, 20, 260))):
        x, y = canvas.rng.uniform(0, canvas.width), canvas.rng.uniform(0, canvas.height)
        size = float(canvas.rng.uniform(0.08, 0.2) * canvas.unit + 3)
        canvas.stamp(float(x), float(y), size, oval(0.05 + 0.5 / size, 1.0), colour, opacity=0.55, turn=0.25)


def snow(canvas: Canvas, colours: Colours) -> None:
    """Large soft flakes, near and far."""
    colour = _first(colours, WHITE)
    for _ in range(int(np.clip(canvas.width * canvas.height / 700, 25, 240))):
        x, y = canvas.rng.uniform(0, canvas.width), canvas.rng.uniform(0, canvas.height)
        size = float(canvas.rng.uniform(0.015, 0.075) * canvas.unit + 1.2)
        canvas.stamp(float(x), float(y), size, disc, colour, opacity=float(canvas.rng.uniform(0.6, 1)))


def city(canvas: Canvas, colours: Colours) -> None:
    """Houses against the sky, with lit windows."""
    wall = _first(colours, (0.13, 0.14, 0.26))
    for row, share in enumerate((0.42, 0.62)):
        left = -0.05 * canvas.width
        while left < canvas.width:
            broad = float(canvas.rng.uniform(0.09, 0.17)) * canvas.width
            top = canvas.height * float(share + canvas.rng.uniform(-0.2, 0.12))
            colour = mixed(wall, (0.45, 0.42, 0.58), 0.4 - 0.35 * row)
            half = broad / 2 / canvas.height
            wall_shape = box(-half, -1, half, 1)
            canvas.stamp(left + broad / 2, top + canvas.height, canvas.height, wall_shape, colour)
            _windows(canvas, left, top, broad)
            left += broad * float(canvas.rng.uniform(0.95, 1.15))


def _windows(canvas: Canvas, left: float, top: float, broad: float) -> None:
    """A house's windows; two in three are lit."""
    step = max(5.0, broad / 4.2)
    for y in np.arange(top + step * 0.7, canvas.height, step * 1.15):
        for x in np.arange(left + step * 0.6, left + broad - step * 0.4, step):
            if canvas.rng.random() < 0.62:
                light = mixed((1.0, 0.82, 0.42), WHITE, float(canvas.rng.uniform(0, 0.4)))
                canvas.stamp(float(x), float(y), step, box(-0.22, -0.28, 0.22, 0.28), light, opacity=0.9)


def spiral(canvas: Canvas, colours: Colours) -> None:
    """A galaxy with two arms."""
    colour = _first(colours, (0.86, 0.78, 0.98))
    for spot in canvas.room.spots(1, canvas.rng, wander=0.1)[0]:
        across, down = canvas.x - np.float32(spot.x), (canvas.y - np.float32(spot.y)) * 1.35
        distance = np.hypot(across, down) / np.float32(spot.radius * 1.1)
        turn = np.arctan2(down, across) * 2 - 5.5 * np.log(distance + 0.08)
        arms = (0.5 + 0.5 * np.cos(turn)) ** 2 * np.exp(-1.3 * distance)
        dusty = arms * (0.45 + 0.75 * canvas.noise(canvas.unit * 0.35))
        canvas.cover(np.clip(dusty * 1.5, 0, 0.95), colour)
        canvas.glow(spot.x, spot.y, spot.radius * 0.16, WHITE, 0.95)
    _speckles(canvas, 0.002)
