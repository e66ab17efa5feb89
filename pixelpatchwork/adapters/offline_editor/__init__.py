"""An editor that needs no account, no network and no money: for rehearsals, tests and demonstrations.

It knows no pictures, only words: it fills the hole from its surroundings, and paints there what the prompt's
colour words and a few dozen nouns stand for. Wherever its pictures are shown they are labelled "offline".
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from pixelpatchwork.adapters.offline_editor.painting import paint_hole
from pixelpatchwork.adapters.offline_editor.words import read_prompt
from pixelpatchwork.domain.errors import EditRejected
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import CanvasLimits
from pixelpatchwork.domain.pictures import PictureError, png_bytes, read_png
from pixelpatchwork.domain.ports import EditRequest, EditResult

OFFLINE_LIMITS: Final = CanvasLimits(multiple=1, min_area=1, max_area=8_294_400, max_ratio=math.inf)
"""Any size, so that a crop is painted at the seed's own scale."""
_NOTHING: Final = Usd(0)


@dataclass(frozen=True, kw_only=True)
class OfflineEditor:
    """The port `Editor` without a model behind it. The same request always gives the same picture."""

    name: str = "offline"
    model: str = "offline-fill-1"
    parameters: str = "{}"
    limits: CanvasLimits = OFFLINE_LIMITS
    worst_case_usd: Usd = _NOTHING
    parallel: int = 2

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        """Paints the pixels where the mask's alpha is 0, and returns the others as they came.

        `sending` is called once before, though nothing is sent: what it raises leaves the picture unpainted.

        Raises:
            EditRejected: image and mask are no pictures of the size that the request names.
        """
        picture, hole = _decoded(request)
        sending()
        identity = f"{request.edit_key}\n{request.prompt}".encode()
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(identity).digest()))
        painted = paint_hole(picture, hole, read_prompt(request.prompt), rng)
        return EditResult(image=png_bytes(painted), usage=None, cost_usd=_NOTHING, request_id=None)


def _decoded(request: EditRequest) -> tuple[Image.Image, Image.Image]:
    """The picture, and its hole as mode L: 255 where it is to be painted."""
    try:
        picture = read_png(request.image_png)
        with Image.open(BytesIO(request.mask_png), formats=["PNG"]) as mask:
            hole = mask.getchannel("A").point(lambda alpha: 255 * (alpha == 0))
    except (PictureError, OSError, ValueError) as error:
        raise EditRejected("The offline editor was given a picture or a mask that it cannot read.") from error
    if not picture.size == hole.size == (request.width, request.height):
        raise EditRejected(f"The offline editor was promised {request.width} x {request.height} pixels.")
    return picture, hole
