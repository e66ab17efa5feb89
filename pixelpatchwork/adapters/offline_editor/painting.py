"""A whole patch: ground, brush, things, and the light of its surroundings."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image

from pixelpatchwork.adapters.offline_editor.canvas import Canvas, smooth, soft_noise
from pixelpatchwork.adapters.offline_editor.fill import Bits, Floats, Room, resized, surroundings
from pixelpatchwork.adapters.offline_editor.motifs import MOTIFS
from pixelpatchwork.adapters.offline_editor.words import Colour, Idea, Thing

_LONGEST = 560
"""Pixels of the canvas's longer side: a larger hole is painted at this size and enlarged."""
_LAYERS = tuple(MOTIFS)
_UNKNOWN = ("spiral", "bubbles", "stripes", "leaves", "flowers", "waves")
"""What is painted for a prompt without a word that we know."""


def paint_hole(picture: Image.Image, hole: Image.Image, idea: Idea, rng: np.random.Generator) -> Image.Image:
    """The RGB picture with its hole (mode L, 255 inside) painted over; everything else is left as it is."""
    box = hole.getbbox()
    if box is None:
        return picture.copy()
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, _LONGEST / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    around = _part(surroundings(picture, hole), picture.size, box, size)
    inside = np.asarray(hole.crop(box).resize(size, Image.Resampling.NEAREST)) > 0
    painted = _painted(around, inside, idea, rng)
    patch = Image.fromarray((np.clip(painted, 0, 1) * 255 + 0.5).astype(np.uint8))
    if patch.size != (width, height):
        patch = patch.resize((width, height), Image.Resampling.BICUBIC)
    result = picture.copy()
    result.paste(patch, box[:2], hole.crop(box))
    return result


def _part(
    coarse: Floats, full: tuple[int, int], box: tuple[int, int, int, int], size: tuple[int, int]
) -> Floats:
    """The box (in pixels of the full picture) of a coarse picture, scaled to (width, height)."""
    across, down = coarse.shape[1] / full[0], coarse.shape[0] / full[1]
    window = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    channels = [
        Image.fromarray(coarse[..., i]).resize(size, Image.Resampling.BICUBIC, box=window) for i in range(3)
    ]
    return np.stack([np.asarray(channel, dtype=np.float32) for channel in channels], axis=2)


def _painted(around: Floats, inside: Bits, idea: Idea, rng: np.random.Generator) -> Floats:
    """The patch: colours of the shape of `around`."""
    height, width = inside.shape
    room = Room.inside(inside)
    bristles = _bristles(rng, height, width, room)
    ground = idea.ground or _own_palette(around, rng)
    things = idea.things or (() if idea.ground else (Thing(motif=str(rng.choice(_UNKNOWN))),))
    canvas = Canvas(pixels=_ground(ground, bristles, rng), room=room, rng=rng)
    for thing in sorted(things, key=lambda thing: _LAYERS.index(thing.motif)):
        MOTIFS[thing.motif](canvas, thing.colours)
    canvas.pixels[...] += _relief(bristles)[..., None]
    return _blended(canvas, around)


def _own_palette(around: Floats, rng: np.random.Generator) -> tuple[Colour, ...]:
    """Colours for a prompt that names none: neighbours on the colour wheel, starting from the surroundings' own."""
    hue, _, _ = colorsys.rgb_to_hls(*(float(level) for level in around.mean(axis=(0, 1))))
    turn = hue + float(rng.uniform(-0.15, 0.5))
    return tuple(
        colorsys.hls_to_rgb((turn + step * 0.09) % 1.0, lightness, 0.55)
        for step, lightness in enumerate((0.35, 0.5, 0.64, 0.78))
    )


def _ground(colours: tuple[Colour, ...], bristles: Floats, rng: np.random.Generator) -> Floats:
    """A gradient through the colours, from the top down, bent by soft noise as a broad brush would."""
    height, width = bristles.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    lean = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :] * np.float32(rng.uniform(-0.25, 0.25))
    bent = (soft_noise(rng, height, width, 0.6 * max(height, width)) - 0.5) * 0.55
    place = np.clip(down + lean + bent + bristles * 0.05, 0, 1)
    shades = colours if len(colours) > 1 else _shades(colours[0])
    stops = np.linspace(0, 1, len(shades))
    table = np.stack(
        [np.interp(np.linspace(0, 1, 512), stops, [shade[i] for shade in shades]) for i in range(3)], axis=1
    )
    ground: Floats = table.astype(np.float32)[(place * 511).astype(np.intp)]
    return ground


def _shades(colour: Colour) -> tuple[Colour, ...]:
    """One colour as a gradient of its own: lighter above, darker below."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    lights = np.clip([lightness + 0.18, lightness, lightness - 0.16], 0.05, 0.96)
    hues = hue + 0.02, hue, hue - 0.03
    return tuple(
        colorsys.hls_to_rgb(h % 1.0, float(light), saturation) for h, light in zip(hues, lights, strict=True)
    )


def _bristles(rng: np.random.Generator, height: int, width: int, room: Room) -> Floats:
    """Noise smeared along a slowly turning direction: the marks of a brush, with mean 0 and deviation 1.

    This is line integral convolution (Cabral and Leedom, SIGGRAPH 1993) with straight lines.
    """
    grain = soft_noise(rng, height, width, 5, octaves=2)
    angle = soft_noise(rng, height, width, max(40.0, 0.7 * max(height, width)), octaves=2) * np.float32(
        2 * np.pi
    )
    length = min(18.0, 4 + float(room.depth.max()) / 8)
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    right, down = np.cos(angle), np.sin(angle)
    total = np.zeros_like(grain)
    for step in np.linspace(-length, length, 13, dtype=np.float32):
        row = np.clip(rows + step * down, 0, height - 1).astype(np.int32)
        column = np.clip(columns + step * right, 0, width - 1).astype(np.int32)
        total += grain.ravel()[row * width + column]
    marks: Floats = (total - total.mean()) / max(float(total.std()), 1e-6)
    return marks


def _relief(bristles: Floats) -> Floats:
    """Light from the top left on the ridges that the brush left."""
    slope = np.zeros_like(bristles)
    slope[1:, 1:] = bristles[1:, 1:] - bristles[:-1, :-1]
    light: Floats = np.clip(slope * 0.055 + bristles * 0.02, -0.1, 0.1)
    return light


def _blended(canvas: Canvas, around: Floats) -> Floats:
    """The painting, taken up by its surroundings: their brightness everywhere, their colours towards the edge."""
    depth = resized(canvas.room.depth, canvas.height, canvas.width)
    own = smooth(depth, 0, max(3.0, 0.35 * canvas.unit))[..., None]
    light = around.mean() - canvas.pixels.mean()
    lit = canvas.pixels + np.float32(np.clip(light, -0.25, 0.25)) * 0.25
    blended: Floats = around + (0.45 + 0.55 * own) * (lit - around)
    return blended
