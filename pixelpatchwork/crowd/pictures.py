"""The pictures that workers look at, small: a glance needs no megapixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from pixelpatchwork.crowd.browser import CrowdTrouble

Colours = npt.NDArray[np.float32]
"""RGB of shape (height, width, 3), 0 to 1."""
Plane = npt.NDArray[np.float32]
"""One number for each pixel, of shape (height, width)."""

LONGER_SIDE = 192
"""Pixels of a picture's longer side at a glance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Glance:
    """A picture as a worker remembers it. `digest` is a hash of the file, the same wherever the file is."""

    colours: Colours
    digest: str


def glance(data: bytes, *, longer_side: int = LONGER_SIDE) -> Glance:
    """Reads a picture file and shrinks it. Raises CrowdTrouble where it is none."""
    try:
        with Image.open(BytesIO(data)) as image:
            width, height = image.size
            image.draft("RGB", (longer_side, longer_side))
            scale = longer_side / max(width, height)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = image.convert("RGB").resize(size, Image.Resampling.BOX)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise CrowdTrouble(f"What should be a picture cannot be read: {error}") from error
    return Glance(
        colours=np.asarray(small, dtype=np.float32) / np.float32(255), digest=sha256(data).hexdigest()
    )


class Album:
    """Pictures by address, each loaded once while it is among the last `capacity`: a crowd sees the same ones."""

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._glances: OrderedDict[str, Glance] = OrderedDict()

    def look(self, url: str, fetch: Callable[[str], bytes]) -> Glance:
        """The picture at an address, over `fetch` if nobody has seen it lately. Raises CrowdTrouble."""
        if url not in self._glances:
            self._glances[url] = glance(fetch(url))
        self._glances.move_to_end(url)
        if len(self._glances) > self._capacity:
            self._glances.popitem(last=False)
        return self._glances[url]
