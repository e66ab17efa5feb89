"""Masks as text: bit for bit what COCO's own tools write and read, and unmoved by whatever else arrives."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from pixelpatchwork.domain.errors import MaskError
from pixelpatchwork.domain.mask import MAX_COUNTS, Mask, decode_counts, encode_counts, max_counts

Bits = npt.NDArray[np.bool_]

quick = settings(max_examples=150, deadline=None)
bits = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
runs = st.lists(st.integers(1, 3000), min_size=1, max_size=60)


def mask_text(counts: str, height: int = 4, width: int = 6) -> str:
    return json.dumps({"size": [height, width], "counts": counts})


def from_runs(lengths: list[int]) -> Bits:
    """One column with long runs: numbers of several characters, with both signs, come up in its text."""
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(-1, 1)


@quick
@given(bits)
def test_text_and_back_is_the_same_mask(pixels: Bits) -> None:
    mask = Mask(pixels=pixels)
    again = Mask.from_rle(mask.to_rle(), size=mask.size)
    assert np.array_equal(again.pixels, pixels)


@quick
@given(st.one_of(bits, runs.map(from_runs)))
def test_the_text_is_the_one_that_pycocotools_writes(pixels: Bits) -> None:
    theirs = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
    assert encode_counts(pixels) == theirs


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools' own, with NumPy 2.4
@quick
@given(st.one_of(bits, runs.map(from_runs)))
def test_a_text_of_ours_is_read_by_pycocotools(pixels: Bits) -> None:
    theirs = coco.decode({"size": list(pixels.shape), "counts": encode_counts(pixels).encode()})
    assert np.array_equal(theirs.astype(bool), pixels)


@quick
@given(st.one_of(bits, runs.map(from_runs)))
def test_a_text_of_pycocotools_is_read_by_us(pixels: Bits) -> None:
    theirs = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(decode_counts(theirs, *pixels.shape), pixels)


@quick
@given(bits)
def test_no_mask_is_longer_than_the_bound_on_its_text(pixels: Bits) -> None:
    assert len(encode_counts(pixels)) <= max_counts(*pixels.shape)


def test_a_checkerboard_is_within_the_bound_and_survives() -> None:
    pixels = np.indices((301, 300)).sum(axis=0) % 2 == 1
    assert np.array_equal(Mask.from_rle(Mask(pixels=pixels).to_rle(), size=(300, 301)).pixels, pixels)


@quick
@given(st.text(), st.integers(1, 50), st.integers(1, 50))
def test_arbitrary_text_is_a_mask_or_a_mask_error(text: str, height: int, width: int) -> None:
    for candidate in (text, mask_text(text, height, width)):
        with contextlib.suppress(MaskError):
            assert Mask.from_rle(candidate, size=(width, height)).size == (width, height)


@quick
@given(
    st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=40),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_letters_of_the_alphabet_in_any_order_are_a_mask_or_a_mask_error(
    text: str, height: int, width: int
) -> None:
    try:
        pixels = decode_counts(text, height, width)
    except MaskError:
        return
    assert pixels.shape == (height, width)
    assert np.array_equal(decode_counts(encode_counts(pixels), height, width), pixels)


@quick
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)
)
def test_json_of_any_other_kind_is_refused(value: object) -> None:
    for document in (
        value,
        {"size": value, "counts": "h0"},
        {"size": [4, 6], "counts": value},
        {"size": [value, 6]},
    ):
        if document == {"size": [4, 6], "counts": "h0"}:
            continue
        with pytest.raises(MaskError):
            Mask.from_rle(json.dumps(document), size=(6, 4))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "NaN",
        '{"size":[4,6]}',
        '{"size":[true,6],"counts":"h0"}',
        '{"size":[4.0,6],"counts":"h0"}',
        '{"size":[4e0,6],"counts":"h0"}',
        '{"size":[NaN,6],"counts":"h0"}',
        '{"size":[-4,6],"counts":"h0"}',
        '{"size":["4",6],"counts":"h0"}',
        '{"size":[4,6,1],"counts":"h0"}',
        '{"size":[٤,6],"counts":"h0"}',
        '{"size":[4,6],"counts":[24]}',
        '{"size":[4,6],"counts":"h0","counts":"h0"}',
        '{"size":[4,6],"counts":"h0","more":{}}',
        '{"size":[4,6],"counts":"h0\\"}',
        '{"size":[4,6],"counts":"\\ud800"}',
        '{"size":[4,6],"counts":"h0"}{}',
        '{"size":[4,6],"counts":"h0"',
        "[" * 240,
        '{"size":' * 30,
    ],
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(MaskError):
        Mask.from_rle(text, size=(6, 4))


@pytest.mark.parametrize("text", ['{"size":[4,6],"counts":"h0"}', ' {\n"counts" : "h0",\t"size":[4 , 6] } '])
def test_spaces_and_the_order_of_the_keys_do_not_matter(text: str) -> None:
    assert Mask.from_rle(text, size=(6, 4)).is_empty


def test_a_mask_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(MaskError, match=r"6 x 4 pixels, but the picture is 4 x 6"):
        Mask.from_rle(Mask(pixels=np.ones((4, 6), bool)).to_rle(), size=(4, 6))


def written(*numbers: int) -> str:
    """Numbers as COCO writes them, one character after another."""
    text = ""
    for number in numbers:
        left, more = number, True
        while more:
            group, left = left & 31, left >> 5
            more = left != (-1 if group & 16 else 0)
            text += chr(48 + group + 32 * more)
    return text


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ("", "breaks off"),
        ("h", "breaks off"),
        ("P" * 7 + "0", "too large"),
        ("o" * 26, "breaks off"),
        ("h0 ", "character"),
        ("h0/", "character"),
        ("p0", "character"),
        ("h0é", "character"),
        ("h0\x00", "character"),
        (written(23), "does not describe"),
        (written(25), "does not describe"),
        (written(2**33, -(2**33) + 24), "no pixels"),
        (written(-1, 25), "no pixels"),
        (written(10, 0, 14), "no pixels"),
        (written(24, 0), "no pixels"),
        (written(0, 0, 0, 0, 0, 24), "no pixels"),
        (written(5, 10, 4, -10, 0, 5), "no pixels"),
        (written(2**34 - 1), "does not describe"),
        (written(*[2**33] * 4), "does not describe"),
    ],
)
def test_runs_that_do_not_fill_the_picture_are_refused_with_a_reason(counts: str, reason: str) -> None:
    with pytest.raises(MaskError, match=reason):
        decode_counts(counts, 4, 6)


def test_text_too_long_for_the_picture_is_refused_unread() -> None:
    with pytest.raises(MaskError, match="longer than any mask"):
        Mask.from_rle(mask_text("0" * 1000), size=(6, 4))
    with pytest.raises(MaskError, match="longer than any mask"):
        decode_counts("0" * (MAX_COUNTS + 1), 100_000, 100_000)


@pytest.mark.parametrize("counts", ["1" * 60_000, "o" * 60_000, written(2**34 - 1) * 8_000, "[" * 60_000])
def test_hostile_text_takes_no_more_memory_than_its_picture_explains(counts: str) -> None:
    height = width = 256
    tracemalloc.start()
    try:
        with pytest.raises(MaskError):
            Mask.from_rle(mask_text(counts, height, width), size=(width, height))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * height * width


def test_empty_and_full_masks_know_what_they_are() -> None:
    empty, full = Mask(pixels=np.zeros((5, 7), bool)), Mask(pixels=np.ones((5, 7), bool))
    assert (empty.is_empty, empty.is_full, empty.coverage) == (True, False, 0.0)
    assert (full.is_empty, full.is_full, full.coverage) == (False, True, 1.0)
    with pytest.raises(MaskError, match="empty"):
        _ = empty.box


def test_the_box_is_half_open_around_the_painted_pixels() -> None:
    pixels = np.zeros((10, 20), bool)
    pixels[3, 5] = pixels[7, 11] = True
    assert Mask(pixels=pixels).box == (5, 3, 12, 8)


def test_a_mask_cannot_be_changed_from_outside() -> None:
    pixels = np.zeros((3, 3), bool)
    mask = Mask(pixels=pixels)
    pixels[:] = True
    assert mask.is_empty
    with pytest.raises(ValueError, match="read-only"):
        mask.pixels[0, 0] = True


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2), (0, 3)])
def test_an_array_that_is_no_picture_is_no_mask(shape: tuple[int, ...]) -> None:
    with pytest.raises(MaskError):
        Mask(pixels=np.zeros(shape, bool))
