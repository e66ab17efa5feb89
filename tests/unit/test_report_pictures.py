"""Pictures on a page that stands alone: small, readable or absent, and the patch where it was painted."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pixelpatchwork.domain.errors import ImageStoreError
from pixelpatchwork.insight.pictures import (
    Picture,
    Pictures,
    encode_jpeg,
    outline,
    patch_of,
    shrink,
    silhouette,
)
from tests.support.insight import HEIGHT, WIDTH, MemoryPictures, painted, png

ARTIST_TAG = 0x013B
quick = settings(max_examples=60, deadline=None)
grids = (
    st.integers(1, 12)
    .flatmap(
        lambda width: st.lists(
            st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=12
        )
    )
    .map(lambda rows: np.array(rows, dtype=np.bool_))
)


def opened(picture: Picture) -> Pillow.Image:
    kind, data = picture.src.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    return Pillow.open(BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 872), (900, 785)), ((600, 400), (600, 400)), ((500, 5000), (180, 1800))]
)
def test_a_picture_is_a_jpeg_within_its_bounds(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = encode_jpeg(png(*size), width=900)
    assert picture is not None
    jpeg = opened(picture)
    assert (jpeg.format, jpeg.size) == ("JPEG", (picture.width, picture.height))
    assert jpeg.size == expected


def test_metadata_is_left_behind() -> None:
    exif = Pillow.Exif()
    exif[ARTIST_TAG] = "taken by Ann"
    out = BytesIO()
    Pillow.new("RGB", (20, 20)).save(out, "JPEG", comment=b"taken at home", exif=exif)
    assert b"taken by Ann" in out.getvalue()
    picture = encode_jpeg(out.getvalue(), width=320)
    assert picture is not None
    assert b"taken" not in base64.b64decode(picture.src.split(",", 1)[1])


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"<svg/>", png()[:60], png().replace(b"IDAT", b"IDAX"), b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_becomes_none(data: bytes) -> None:
    assert encode_jpeg(data, width=320) is None


def test_a_missing_picture_is_none_and_each_picture_is_asked_for_once() -> None:
    store = MemoryPictures({"here.png": png()})
    pictures = Pictures(store)
    assert pictures.fit("here.png", width=320) == pictures.fit("here.png", width=320) is not None
    assert pictures.fit("gone.png", width=320) is None
    assert pictures.fit("gone.png", width=320) is None
    assert store.asked == ["here.png", "gone.png"]


def test_a_store_that_cannot_be_reached_is_an_error() -> None:
    class Unreachable(MemoryPictures):
        def get(self, key: str) -> bytes:
            raise ImageStoreError(f"{key}: no route to the bucket")

    with pytest.raises(ImageStoreError, match="no route"):
        Pictures(Unreachable({})).fit("a.png", width=320)


def test_the_patch_of_a_half_painted_image_is_its_left_half() -> None:
    patch = patch_of(painted("fox", "ann"))
    assert patch is not None
    assert patch.coverage == 0.5
    assert (patch.outline.width, patch.outline.height) == (WIDTH, HEIGHT)
    half = WIDTH // 2
    strokes = set(re.findall(r"M[^M]*", patch.outline.path))
    assert strokes == {f"M0 0H{half}", f"M0 {HEIGHT}H{half}", f"M0 0V{HEIGHT}", f"M{half} 0V{HEIGHT}"}


@pytest.mark.parametrize("mask_rle", [None, "", "{}", '{"size":[1,1],"counts":"1"}'])
def test_an_image_without_a_readable_mask_has_no_patch(mask_rle: str | None) -> None:
    assert patch_of(replace(painted("fox", "ann"), mask_rle=mask_rle)) is None


@given(cells=grids)
@quick
def test_a_silhouette_fills_exactly_the_painted_cells(cells: npt.NDArray[np.bool_]) -> None:
    filled = np.zeros_like(cells)
    for start, row, end in re.findall(r"M(\d+) (\d+)H(\d+)", silhouette(cells).path):
        assert not filled[int(row), int(start) : int(end)].any()
        filled[int(row), int(start) : int(end)] = True
    assert (filled == cells).all()


@given(cells=grids)
@quick
def test_an_outline_is_as_long_as_the_border(cells: npt.NDArray[np.bool_]) -> None:
    height, width = cells.shape
    border = 0
    for y, x in np.argwhere(cells).tolist():
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            border += not (0 <= v < height and 0 <= u < width and cells[v, u])
    path = outline(cells).path
    length = sum(int(end) - int(x) for x, _, end in re.findall(r"M(\d+) (\d+)H(\d+)", path))
    length += sum(int(end) - int(y) for _, y, end in re.findall(r"M(\d+) (\d+)V(\d+)", path))
    assert length == border


def test_a_grid_keeps_the_pictures_shape_and_never_grows() -> None:
    assert shrink(np.ones((400, 600), dtype=np.bool_), columns=150).shape == (100, 150)
    assert shrink(np.ones((3, 5), dtype=np.bool_), columns=150).shape == (3, 5)
    assert shrink(np.ones((1, 900), dtype=np.bool_), columns=150).shape == (1, 150)
