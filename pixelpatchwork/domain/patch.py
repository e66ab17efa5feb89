"""The geometry of one edit: from a seed and a mask to an editor's canvas, and back into the seed.

An image model takes only certain sizes, and treats the mask as advice: third parties measured that 28 to
99.9% of the protected pixels come back changed. So the program shows it a crop around the mask, scaled and
padded to a legal size, and puts back only what lies inside the mask. Outside it not one pixel changes,
whatever the editor returns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter, ImageStat

from pixelpatchwork.domain.errors import KeptPixelsChanged
from pixelpatchwork.domain.mask import Bits, Box, Mask, Size

MARGIN = 0.25
"""Surroundings that an editor sees on each side of the mask: this share of its box's longer side ..."""
MIN_MARGIN = 64
"""... and at least as many pixels of the seed."""
FEATHER = 4
"""Pixels by which the hard edge is drawn inward before it is blurred by as many: 9 pixels from seed to
paint."""

Pixels = npt.NDArray[np.uint8]

_REPAINT = (255, 255, 255, 0)
_KEEP = (0, 0, 0, 255)


@dataclass(frozen=True, kw_only=True)
class CanvasLimits:
    """Which picture sizes an editor takes.

    Attributes:
        multiple: both sides are multiples of this many pixels. min_area: width times height at least.
        max_area: width times height at most. max_ratio: the longer side divided by the shorter, at most.
        sides: where given, only squares with one of these sides, ascending; the other limits then say
        nothing.
    """

    multiple: int
    min_area: int
    max_area: int
    max_ratio: float
    sides: tuple[int, ...] | None = None

    def allow(self, size: Size) -> bool:
        """Whether the editor takes a picture of this width and height."""
        width, height = size
        if self.sides is not None:
            return width == height and width in self.sides
        return (
            width % self.multiple == height % self.multiple == 0
            and self.min_area <= width * height <= self.max_area
            and max(size) <= self.max_ratio * min(size)
        )


GPT_IMAGE_LIMITS = CanvasLimits(multiple=16, min_area=655_360, max_area=8_294_400, max_ratio=3.0)
"""GPT Image 2 and later (OpenAI's API reference of 2026)."""
SQUARE_LIMITS = CanvasLimits(
    multiple=1, min_area=256**2, max_area=1024**2, max_ratio=1.0, sides=(256, 512, 1024)
)
"""Servers compatible with `dall-e-2`."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where a part of the seed stands on the editor's canvas. All numbers are pixels.

    Attributes:
        crop: the part of the seed, in the seed's pixels.
        scaled: width and height of that part on the canvas.
        offset: the canvas column and row of its top left corner; what is left of the canvas is padding.
        canvas: width and height of the picture that the editor gets.
    """

    crop: Box
    scaled: Size
    offset: tuple[int, int]
    canvas: Size

    @property
    def crop_size(self) -> Size:
        """Width and height of the crop in the seed's pixels."""
        left, top, right, bottom = self.crop
        return right - left, bottom - top

    @property
    def content(self) -> Box:
        """The part of the canvas that shows the seed."""
        (x, y), (width, height) = self.offset, self.scaled
        return x, y, x + width, y + height


def plan_frame(seed_size: Size, mask_box: Box, limits: CanvasLimits, *, margin: float = MARGIN) -> Frame:
    """Frames the mask's box with its surroundings, for a seed of any size.

    The crop keeps the seed's own scale where that is legal; a smaller one is enlarged to the least legal
    area, a larger one reduced to the greatest. Where the seed has no more to show, the canvas is padded.
    """
    crop = _crop_box(seed_size, mask_box, limits.max_ratio, margin)
    size = crop[2] - crop[0], crop[3] - crop[1]
    scaled, canvas = _fit_square(size, limits.sides) if limits.sides else _fit(size, limits)
    offset = (canvas[0] - scaled[0]) // 2, (canvas[1] - scaled[1]) // 2
    return Frame(crop=crop, scaled=scaled, offset=offset, canvas=canvas)


def provider_image(seed: Image.Image, frame: Frame) -> Image.Image:
    """The picture for the editor: RGB, of the canvas's size, the padding mirrored from the seed."""
    part = seed.crop(frame.crop)
    if part.size != frame.scaled:
        part = part.resize(frame.scaled, Image.Resampling.LANCZOS)
    if frame.scaled == frame.canvas:
        return part
    columns = _mirrored(frame.scaled[0], frame.offset[0], frame.canvas[0])
    rows = _mirrored(frame.scaled[1], frame.offset[1], frame.canvas[1])
    return Image.fromarray(np.asarray(part)[rows[:, None], columns])


def provider_mask(mask: Mask, frame: Frame) -> Image.Image:
    """The mask for the editor: RGBA, of the canvas's size; padding is kept.

    Repainted pixels are transparent white, kept ones opaque black: OpenAI reads the alpha, other servers read
    the luminance. The edges stay hard: a smoothed mask would have half-erased edges.
    """
    picture = Image.new("RGBA", frame.canvas, _KEEP)
    picture.paste(_REPAINT, frame.content, _scaled_mask(mask, frame))
    return picture


def composite(
    seed: Image.Image, mask: Mask, frame: Frame, painted: Image.Image, *, feather: int = FEATHER
) -> Image.Image:
    """The seed with the inside of the mask as it was painted.

    The edge is feathered inward: the paint is opaque from 2 * feather + 1 pixels inside the mask's edge,
    transparent outside, and in between mixed with the seed. Parts of the mask that are too thin for that are
    feathered less, down to not at all. The border of the seed is no edge.

    Args:
        seed: the RGB picture that the frame was planned for.
        mask: what to repaint, of the seed's size.
        frame: from `plan_frame`.
        painted: the editor's picture of the canvas; another size is scaled to it.
        feather: pixels; 0 gives a hard edge.
    """
    patch = _on_canvas(painted, frame).crop(frame.content)
    if patch.size != frame.crop_size:
        patch = patch.resize(frame.crop_size, Image.Resampling.LANCZOS)
    left, top, right, bottom = _around(mask.box, frame.crop)
    from_left, from_top = frame.crop[:2]
    inside = patch.crop((left - from_left, top - from_top, right - from_left, bottom - from_top))
    result = seed.copy()
    result.paste(inside, (left, top), _feathered(mask.pixels[top:bottom, left:right], feather))
    return result


def assert_kept(seed: Image.Image, result: Image.Image, mask: Mask) -> None:
    """Checks the promise: outside the mask, the result is the seed, bit for bit.

    Raises:
        KeptPixelsChanged: it is not; the message counts the pixels.
    """
    if not seed.size == result.size == mask.size or seed.mode != result.mode:
        raise KeptPixelsChanged("The edited picture has another size or colour format than its seed.")
    changed = _any_channel(ImageChops.difference(seed, result)) & ~mask.pixels
    if count := np.count_nonzero(changed):
        raise KeptPixelsChanged(f"The edit changed {count} pixels outside its mask. Nothing was stored.")


def drift(seed: Image.Image, mask: Mask, frame: Frame, painted: Image.Image) -> float:
    """How far the editor's own picture strays where it was told to keep: a figure of the editor's quality.

    Returns:
        The mean absolute difference, over the kept pixels of the crop on the canvas and their three channels,
        between what the editor got and what it returned: 0 (kept everything) to 1. It is 0 where there is no
        kept pixel.
    """
    given = provider_image(seed, frame).crop(frame.content)
    returned = _on_canvas(painted, frame).crop(frame.content)
    kept = ImageChops.invert(_scaled_mask(mask, frame))
    if kept.getbbox() is None:
        return 0.0
    levels: list[float] = ImageStat.Stat(ImageChops.difference(given, returned), kept).mean
    return sum(levels) / len(levels) / 255


# ---- framing --------------------------------------------------------------------------------------------


def _crop_box(seed_size: Size, mask_box: Box, max_ratio: float, margin: float) -> Box:
    """The mask's box with its margin, made less narrow than `max_ratio` as far as the seed reaches."""
    left, top, right, bottom = mask_box
    extra = max(MIN_MARGIN, round(margin * max(right - left, bottom - top)))
    left, right = max(0, left - extra), min(seed_size[0], right + extra)
    top, bottom = max(0, top - extra), min(seed_size[1], bottom + extra)
    width, height = right - left, bottom - top
    left, right = _widened(left, right, ceil(height / max_ratio), seed_size[0])
    top, bottom = _widened(top, bottom, ceil(width / max_ratio), seed_size[1])
    return left, top, right, bottom


def _widened(low: int, high: int, length: int, end: int) -> tuple[int, int]:
    """The interval low:high made at least `length` long around its middle, or as long as 0:end allows."""
    length = max(high - low, min(length, end))
    low = min(max(0, (low + high - length) // 2), end - length)
    return low, low + length


def _fit(crop: Size, limits: CanvasLimits) -> tuple[Size, Size]:
    """Scaled size and canvas. The canvas grows with the crop's longer side, so the right side is bisected."""

    def area(longer: int) -> int:
        width, height = _canvas_for(_scaled_to(crop, longer), limits)
        return width * height

    longer = max(crop)
    if area(longer) < limits.min_area:
        longer += bisect_left(range(longer, limits.min_area), limits.min_area, key=area)
    elif area(longer) > limits.max_area:
        longer = max(1, bisect_right(range(1, longer), limits.max_area, key=area))
    scaled = _scaled_to(crop, longer)
    return scaled, _canvas_for(scaled, limits)


def _fit_square(crop: Size, sides: tuple[int, ...]) -> tuple[Size, Size]:
    """Scaled size and canvas: the smallest square that takes the crop undiminished, or else the largest."""
    side = next((side for side in sides if side >= max(crop)), sides[-1])
    return _scaled_to(crop, side), (side, side)


def _scaled_to(crop: Size, longer: int) -> Size:
    """The crop's size, scaled so that its longer side is `longer` pixels."""
    width, height = (max(1, round(side * longer / max(crop))) for side in crop)
    return width, height


def _canvas_for(scaled: Size, limits: CanvasLimits) -> Size:
    """The least canvas around a scaled crop that keeps to the multiple and the ratio."""

    def aligned(length: float) -> int:
        return ceil(length / limits.multiple) * limits.multiple

    width = aligned(max(scaled[0], aligned(scaled[1]) / limits.max_ratio))
    height = aligned(max(scaled[1], width / limits.max_ratio))
    return width, height


def _mirrored(length: int, before: int, total: int) -> npt.NDArray[np.intp]:
    """Indices that continue 0:length on both sides by reflection, as often as it takes."""
    phase = (np.arange(total) - before) % (2 * length)
    return np.minimum(phase, 2 * length - 1 - phase)


# ---- pixels ---------------------------------------------------------------------------------------------


def _around(box: Box, crop: Box) -> Box:
    """The mask's box with one more pixel on each side, but not beyond the crop: then its edges show as edges."""
    return (
        max(box[0] - 1, crop[0]),
        max(box[1] - 1, crop[1]),
        min(box[2] + 1, crop[2]),
        min(box[3] + 1, crop[3]),
    )


def _scaled_mask(mask: Mask, frame: Frame) -> Image.Image:
    """The mask's crop on the canvas, without padding: 255 = repaint, 0 = keep.

    Nearest neighbours skip pixels when they reduce, and may lose a thin line; so there every masked pixel is
    also carried over to where it falls.
    """
    left, top, right, bottom = frame.crop
    bits = mask.pixels[top:bottom, left:right]
    hard = Image.fromarray(bits.view(np.uint8) * np.uint8(255))
    scaled = hard.resize(frame.scaled, Image.Resampling.NEAREST)
    if frame.scaled >= frame.crop_size:
        return scaled
    reduced = np.array(scaled)
    rows, columns = np.nonzero(bits)
    (width, height), (from_width, from_height) = frame.scaled, frame.crop_size
    reduced[rows * height // from_height, columns * width // from_width] = 255
    return Image.fromarray(reduced)


def _on_canvas(painted: Image.Image, frame: Frame) -> Image.Image:
    """An editor's picture as RGB of the canvas's size."""
    picture = painted.convert("RGB")
    return picture if picture.size == frame.canvas else picture.resize(frame.canvas, Image.Resampling.LANCZOS)


def _feathered(bits: Bits, feather: int) -> Image.Image:
    """Opacity 0 to 255, exactly 0 outside the mask: erode, blur, multiply by the hard mask.

    Eroding by r and averaging over 2r + 1 pixels makes a straight ramp that ends 2r + 1 pixels inside. Parts
    of the mask where no square of 4r + 1 pixels fits would fade away: those are done again with half the
    radius.
    """
    opacity = np.zeros(bits.shape, dtype=np.uint8)
    thin = bits
    for radius in _halves(feather):
        np.copyto(opacity, _ramp(bits, radius), where=thin)
        thin = bits & _eroded(~_eroded(bits, 2 * radius), 2 * radius)
        if not thin.any():
            break
    return Image.fromarray(opacity)


def _halves(radius: int) -> list[int]:
    """The radius, its half, and so on down to 0."""
    return [radius, *_halves(radius // 2)] if radius else [0]


def _ramp(bits: Bits, radius: int) -> Pixels:
    """Eroded and blurred by the same radius."""
    eroded = Image.fromarray(_eroded(bits, radius).view(np.uint8) * np.uint8(255))
    return np.asarray(eroded.filter(ImageFilter.BoxBlur(radius)))


def _eroded(bits: Bits, radius: int) -> Bits:
    """True where all of the square of 2 * radius + 1 pixels around is True; off the picture counts as True.

    Windows are doubled and joined, so that the work grows with the logarithm of the radius.
    """
    window = np.pad(bits, radius, constant_values=True)
    length = 1
    while length < 2 * radius + 1:
        step = min(length, 2 * radius + 1 - length)
        window = window[:, :-step] & window[:, step:]
        window = window[:-step] & window[step:]
        length += step
    return window


def _any_channel(picture: Image.Image) -> Bits:
    """True where any of the three channels is not 0."""
    red, green, blue = picture.split()
    return np.asarray(ImageChops.lighter(ImageChops.lighter(red, green), blue)).astype(np.bool_)
