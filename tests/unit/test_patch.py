"""The geometry of an edit: every canvas is legal, and what lies outside the mask stays as it was."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelpatchwork.domain.errors import KeptPixelsChanged
from pixelpatchwork.domain.mask import Box, Mask, Size
from pixelpatchwork.domain.patch import (
    FEATHER,
    GPT_IMAGE_LIMITS,
    SQUARE_LIMITS,
    CanvasLimits,
    Frame,
    assert_kept,
    composite,
    drift,
    plan_frame,
    provider_image,
    provider_mask,
)

SEEDS = sorted(
    path for path in (Path(__file__).parents[2] / "config/seeds").iterdir() if path.suffix != ".md"
)
FREE_LIMITS = CanvasLimits(multiple=1, min_area=1, max_area=8_294_400, max_ratio=math.inf)
SMALL_LIMITS = CanvasLimits(multiple=8, min_area=2_000, max_area=9_000, max_ratio=2.5)
ALL_LIMITS = (GPT_IMAGE_LIMITS, SQUARE_LIMITS, FREE_LIMITS, SMALL_LIMITS)

sides = st.one_of(st.integers(1, 70), st.integers(1, 9000))


@st.composite
def boxes(draw: st.DrawFn, size: Size) -> Box:
    """Any box in a picture, down to one pixel."""
    left, top = draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))
    return left, top, draw(st.integers(left + 1, size[0])), draw(st.integers(top + 1, size[1]))


@st.composite
def painted_seeds(draw: st.DrawFn) -> tuple[Image.Image, Mask]:
    """A small picture of noise and a mask of a few strokes, dots and boxes on it."""
    size = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pixels = np.zeros((size[1], size[0]), bool)
    for left, top, right, bottom in draw(st.lists(boxes(size), min_size=1, max_size=4)):
        pixels[top:bottom, left:right] = rng.random((bottom - top, right - left)) < draw(
            st.sampled_from((0.3, 1))
        )
    pixels[draw(st.integers(0, size[1] - 1)), draw(st.integers(0, size[0] - 1))] = True
    return noise(size, rng), Mask(pixels=pixels)


def noise(size: Size, rng: np.random.Generator | None = None) -> Image.Image:
    rng = rng or np.random.default_rng(7)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def box_mask(size: Size, box: Box) -> Mask:
    pixels = np.zeros((size[1], size[0]), bool)
    pixels[box[1] : box[3], box[0] : box[2]] = True
    return Mask(pixels=pixels)


def values(picture: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(picture).astype(np.int16)


@settings(max_examples=300, deadline=None)
@given(st.data(), sides, sides, st.sampled_from(ALL_LIMITS))
def test_every_seed_and_mask_gets_a_legal_canvas(
    data: st.DataObject, width: int, height: int, limits: CanvasLimits
) -> None:
    box = data.draw(boxes((width, height)))
    frame = plan_frame((width, height), box, limits)
    left, top, right, bottom = frame.crop
    assert 0 <= left <= box[0] < box[2] <= right <= width
    assert 0 <= top <= box[1] < box[3] <= bottom <= height
    assert limits.allow(frame.canvas)
    x, y, x_end, y_end = frame.content
    assert 0 <= x < x_end <= frame.canvas[0]
    assert 0 <= y < y_end <= frame.canvas[1]


def test_a_crop_that_is_legal_keeps_its_scale() -> None:
    frame = plan_frame((3000, 2000), (1000, 500, 2000, 1300), GPT_IMAGE_LIMITS)
    assert frame.scaled == frame.crop_size
    assert max(c - s for c, s in zip(frame.canvas, frame.scaled, strict=True)) < 16


def test_a_small_crop_is_enlarged_to_the_least_legal_area() -> None:
    width, height = plan_frame((640, 427), (300, 200, 380, 260), GPT_IMAGE_LIMITS).canvas
    assert 655_360 <= width * height <= (width + 16) * (height + 16) < 1.1 * 655_360


def test_the_margin_shows_the_editor_the_surroundings() -> None:
    assert plan_frame((2000, 2000), (900, 900, 1300, 1100), FREE_LIMITS, margin=0.5).crop == (
        700,
        700,
        1500,
        1300,
    )
    assert plan_frame((2000, 2000), (900, 900, 910, 910), FREE_LIMITS).crop == (836, 836, 974, 974)


def test_a_narrow_mask_is_shown_with_more_of_the_seed_rather_than_padding() -> None:
    frame = plan_frame((1200, 900), (0, 400, 1200, 401), GPT_IMAGE_LIMITS)
    assert frame.crop_size[0] <= 3 * frame.crop_size[1]


@pytest.mark.parametrize(("side", "expected"), [(100, 256), (300, 512), (900, 1024), (3000, 1024)])
def test_a_server_of_fixed_squares_gets_the_next_larger_one(side: int, expected: int) -> None:
    assert plan_frame((side, side), (0, 0, side, side), SQUARE_LIMITS).canvas == (expected, expected)


def test_what_is_legal_is_told_from_what_is_not() -> None:
    assert GPT_IMAGE_LIMITS.allow((1024, 1024))
    assert not any(map(GPT_IMAGE_LIMITS.allow, [(1000, 1024), (512, 512), (4096, 2048), (2064, 672)]))
    assert SQUARE_LIMITS.allow((512, 512))
    assert not any(map(SQUARE_LIMITS.allow, [(512, 256), (640, 640)]))


@settings(max_examples=120, deadline=None)
@given(
    painted_seeds(), st.sampled_from((FREE_LIMITS, SMALL_LIMITS)), st.integers(0, 6), st.integers(0, 2**32)
)
def test_an_editor_that_returns_noise_changes_nothing_outside_the_mask(
    painted_seed: tuple[Image.Image, Mask], limits: CanvasLimits, feather: int, random_seed: int
) -> None:
    seed, mask = painted_seed
    frame = plan_frame(seed.size, mask.box, limits)
    painted = noise(frame.canvas, np.random.default_rng(random_seed))
    result = composite(seed, mask, frame, painted, feather=feather)
    assert_kept(seed, result, mask)
    assert np.array_equal(values(result)[~mask.pixels], values(seed)[~mask.pixels])


@settings(max_examples=120, deadline=None)
@given(painted_seeds(), st.integers(0, 6))
def test_every_mask_shows_paint_however_thin_it_is(
    painted_seed: tuple[Image.Image, Mask], feather: int
) -> None:
    seed, mask = painted_seed
    black = Image.new("RGB", seed.size)
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    result = composite(black, mask, frame, Image.new("RGB", frame.canvas, "white"), feather=feather)
    levels = values(result)[..., 0]
    assert levels.max() == 255
    assert (levels[mask.pixels] > 0).all()


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "limits", [GPT_IMAGE_LIMITS, SQUARE_LIMITS, FREE_LIMITS], ids=["gpt", "square", "free"]
)
def test_noise_on_a_photograph_stays_inside_the_mask(path: Path, limits: CanvasLimits) -> None:
    seed = Image.open(BytesIO(path.read_bytes())).convert("RGB")
    width, height = seed.size
    rows, columns = np.mgrid[:height, :width]
    distance = (columns - width * 0.9) ** 2 + (rows - height * 0.4) ** 2
    mask = Mask(pixels=distance < (0.3 * height) ** 2)
    frame = plan_frame(seed.size, mask.box, limits)
    result = composite(seed, mask, frame, noise(frame.canvas))
    assert_kept(seed, result, mask)
    assert (values(result) != values(seed)).any(axis=2)[mask.pixels].mean() > 0.9


def test_the_inside_is_exactly_the_paint_and_the_edge_a_straight_ramp() -> None:
    seed, mask = Image.new("RGB", (200, 100)), box_mask((200, 100), (50, 20, 120, 80))
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    row = values(composite(seed, mask, frame, Image.new("RGB", frame.canvas, (255, 255, 255))))[50, :, 0]
    reach = 2 * FEATHER + 1
    assert (row[50 + reach - 1 : 120 - reach + 1] == 255).all()
    assert row[:50].max() == row[120:].max() == 0
    assert np.abs(np.diff(row[49 : 50 + reach]) - 255 / reach).max() <= 1


def test_the_border_of_the_seed_is_no_edge() -> None:
    seed, mask = Image.new("RGB", (60, 60)), box_mask((60, 60), (0, 0, 60, 30))
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    levels = values(composite(seed, mask, frame, Image.new("RGB", frame.canvas, "white")))[..., 0]
    assert (levels[:20] == 255).all()


@pytest.mark.parametrize("limits", ALL_LIMITS)
def test_paint_lands_where_the_mask_is(limits: CanvasLimits) -> None:
    """A canvas that is red exactly where the editor was told to paint."""
    seed, mask = Image.new("RGB", (90, 700)), box_mask((90, 700), (10, 300, 90, 420))
    frame = plan_frame(seed.size, mask.box, limits)
    told = provider_mask(mask, frame).getchannel("A").point(lambda alpha: 255 - alpha)
    painted = Image.merge("RGB", (told, Image.new("L", frame.canvas), Image.new("L", frame.canvas)))
    red = values(composite(seed, mask, frame, painted, feather=0))[..., 0]
    assert red[mask.pixels].min() >= 100  # the canvas may be coarser than the seed
    assert red[mask.pixels].mean() > 245


def test_a_picture_of_another_size_is_scaled_to_the_canvas() -> None:
    seed, mask = noise((300, 300)), box_mask((300, 300), (100, 100, 200, 200))
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    small = Image.new("L", (frame.canvas[0] // 2, frame.canvas[1] // 2), 200)
    assert composite(seed, mask, frame, small).getpixel((150, 150)) == (200, 200, 200)


def test_a_mask_for_the_editor_reads_the_same_by_alpha_and_by_luminance() -> None:
    seed, mask = noise((64, 400)), box_mask((64, 400), (10, 10, 50, 60))
    frame = plan_frame(seed.size, mask.box, GPT_IMAGE_LIMITS)
    picture = provider_mask(mask, frame)
    assert (picture.mode, picture.size) == ("RGBA", frame.canvas)
    colours = {tuple(colour) for row in np.asarray(picture) for colour in row.tolist()}
    assert colours == {(255, 255, 255, 0), (0, 0, 0, 255)}
    outside = np.asarray(picture.getchannel("A")).copy()
    x, y, x_end, y_end = frame.content
    outside[y:y_end, x:x_end] = 255
    assert (outside == 255).all()


def test_a_thin_line_survives_when_the_canvas_is_coarser_than_the_seed() -> None:
    mask = box_mask((900, 900), (451, 0, 452, 900))
    frame = plan_frame((900, 900), mask.box, SMALL_LIMITS)
    assert frame.scaled < frame.crop_size
    repainted = np.asarray(provider_mask(mask, frame).getchannel("A")) == 0
    x, y, x_end, y_end = frame.content
    assert repainted[y:y_end, x:x_end].any(axis=1).all()


def test_padding_is_mirrored_from_the_seed() -> None:
    seed = noise((3, 40))
    frame = Frame(crop=(0, 0, 3, 40), scaled=(3, 40), offset=(5, 0), canvas=(13, 40))
    columns = np.asarray(provider_image(seed, frame))
    source = np.asarray(seed)
    assert np.array_equal(columns, source[:, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]])


def test_the_editors_picture_is_the_crop_itself_where_nothing_needs_scaling() -> None:
    seed = noise((80, 50))
    frame = plan_frame(seed.size, (10, 10, 20, 20), FREE_LIMITS)
    assert provider_image(seed, frame).tobytes() == seed.crop(frame.crop).tobytes()


def test_one_changed_pixel_outside_the_mask_is_found_and_counted() -> None:
    seed, mask = noise((50, 40)), box_mask((50, 40), (10, 10, 20, 20))
    result = seed.copy()
    red, green, blue = values(seed)[5, 5].tolist()
    result.putpixel((5, 5), (red, green, blue ^ 1))
    with pytest.raises(KeptPixelsChanged, match="1 pixels"):
        assert_kept(seed, result, mask)


def test_a_result_of_another_size_is_refused() -> None:
    mask = box_mask((50, 40), (10, 10, 20, 20))
    for other in (Image.new("RGB", (40, 50)), Image.new("L", (50, 40))):
        with pytest.raises(KeptPixelsChanged, match="size or colour"):
            assert_kept(Image.new("RGB", (50, 40)), other, mask)


@pytest.mark.parametrize("limits", ALL_LIMITS)
def test_drift_is_nought_for_an_editor_that_keeps_everything(limits: CanvasLimits) -> None:
    seed, mask = noise((120, 90)), box_mask((120, 90), (30, 30, 60, 60))
    frame = plan_frame(seed.size, mask.box, limits)
    assert drift(seed, mask, frame, provider_image(seed, frame)) == 0.0


def test_drift_is_the_mean_change_of_what_was_to_be_kept() -> None:
    seed, mask = Image.new("RGB", (400, 400), (0, 0, 0)), box_mask((400, 400), (100, 100, 200, 200))
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    assert drift(seed, mask, frame, Image.new("RGB", frame.canvas, (255, 255, 255))) == pytest.approx(1.0)
    assert drift(seed, mask, frame, Image.new("RGB", frame.canvas, (51, 0, 0))) == pytest.approx(0.2 / 3)


def test_drift_of_a_full_mask_is_nought() -> None:
    seed, mask = Image.new("RGB", (40, 40)), box_mask((40, 40), (0, 0, 40, 40))
    frame = plan_frame(seed.size, mask.box, FREE_LIMITS)
    assert drift(seed, mask, frame, noise(frame.canvas)) == 0.0
