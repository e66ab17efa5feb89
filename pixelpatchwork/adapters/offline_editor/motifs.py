"""The names of all that the offline editor can draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pixelpatchwork.adapters.offline_editor import scenery, things
from pixelpatchwork.adapters.offline_editor.canvas import Canvas
from pixelpatchwork.adapters.offline_editor.words import Colour

Motif = Callable[[Canvas, tuple[Colour, ...]], None]
"""Paints onto a canvas, in the colours that the prompt gave it or, without any, in its own."""

_SKIES: Final = (
    scenery.spiral,
    scenery.stripes,
    scenery.moon,
    scenery.sun,
    scenery.stars,
    scenery.rainbow,
    scenery.clouds,
)
_LANDS: Final = (scenery.mountains, scenery.city, scenery.trees, scenery.waves, scenery.flames)
_THINGS: Final = (
    things.cats,
    things.balloons,
    things.planets,
    things.boats,
    things.fish,
    things.birds,
    things.butterflies,
    things.hearts,
    things.mushrooms,
    things.flowers,
    things.bubbles,
    things.leaves,
)
_WEATHER: Final = (scenery.rain, scenery.snow)

MOTIFS: Final[Mapping[str, Motif]] = MappingProxyType(
    {motif.__name__: motif for motif in (*_SKIES, *_LANDS, *_THINGS, *_WEATHER)}
)
"""By name, in the order in which they are painted over one another."""
