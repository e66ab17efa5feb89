"""What may become a seed and what is refused before its pixels are decoded; what we write, others read."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelpatchwork.domain.errors import SeedError
from pixelpatchwork.domain.pictures import (
    MAX_SEED_BYTES,
    PictureError,
    png_bytes,
    read_png,
    read_seed,
    reduced,
    sha256_hex,
    thumbnail,
)
from tests.support.ppw import environment


def photograph(size: tuple[int, int] = (96, 80), mode: str = "RGB") -> Image.Image:
    columns, rows = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    levels = np.stack([columns, rows, (columns + rows) / 2], axis=2).astype(np.uint8)
    return Image.fromarray(levels).convert(mode)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def header_only_png(width: int, height: int) -> bytes:
    """A PNG that promises this size and holds no pixels."""
    chunks = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT"
    framed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_the_usual_formats_make_a_seed(kind: str) -> None:
    seed = read_seed(saved(photograph(), kind))
    assert (seed.mode, seed.size) == ("RGB", (96, 80))
    difference = np.asarray(seed).astype(int) - np.asarray(photograph())
    assert np.abs(difference).mean() < 12  # GIF has a palette, JPEG and WebP are lossy


@pytest.mark.parametrize("mode", ["L", "LA", "P", "PA", "1", "RGBA", "CMYK", "YCbCr"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    kind = {"CMYK": "TIFF", "PA": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    picture = photograph(mode="L" if mode in {"LA", "PA"} else "RGB").convert(mode)
    assert read_seed(saved(picture, kind)).mode == "RGB"


def test_16_bit_grey_is_scaled_and_not_cut_off() -> None:
    levels = np.linspace(0, 65_535, 80 * 80).reshape(80, 80).astype(np.uint16)
    seed = np.asarray(read_seed(saved(Image.fromarray(levels))))
    assert (seed.min(), seed.max()) == (0, 255)
    assert abs(int(seed.mean()) - 127) <= 1


def test_transparency_is_laid_on_white() -> None:
    seed = read_seed(saved(Image.new("RGBA", (64, 64), (255, 0, 0, 0))))
    assert seed.getpixel((0, 0)) == (255, 255, 255)


def test_a_palette_with_graded_transparency_is_read_without_a_warning() -> None:
    with_levels = saved(photograph(mode="P"), transparency=bytes([0, 128, 255]))
    assert read_seed(with_levels).mode == "RGB"


def test_a_camera_held_upright_gives_an_upright_seed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    assert read_seed(saved(photograph((96, 80)), "JPEG", exif=exif)).size == (80, 96)


def test_metadata_and_profiles_are_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    seed = read_seed(
        saved(photograph(), "JPEG", exif=exif, icc_profile=b"a profile", comment=b"where I live")
    )
    assert seed.info == {}
    assert b"where" not in png_bytes(seed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "no picture"),
        (saved(photograph())[:-300], "damaged"),
        (saved(photograph((500, 500)), "JPEG")[:2000], "damaged"),
        (saved(photograph((63, 200))), "at least 64 pixels"),
        (header_only_png(5001, 5000), "5001 x 5000 pixels. Reduce it to at most 25 megapixels"),
        (header_only_png(10_000, 10_000), "10000 x 10000 pixels"),
        (header_only_png(2**31 - 1, 2**31 - 1), "far too large"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC or AVIF. Export it as JPEG"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "HEIC or AVIF. Export it as JPEG"),
        (b"\0" * (MAX_SEED_BYTES + 1), "more than 50 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_a_seed_is_refused_with_what_to_do(data: bytes, reason: str) -> None:
    with pytest.raises(SeedError, match=reason) as caught:
        read_seed(data)
    assert any(word in str(caught.value) for word in ("Save it", "Reduce it", "Use one", "Export it"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_is_refused(kind: str) -> None:
    frames = [photograph(), photograph().rotate(180)]
    moving = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(SeedError, match="animated or has several pages"):
        read_seed(moving)


def test_a_photograph_with_a_preview_beside_it_is_no_animation() -> None:
    with_preview = saved(photograph(), "MPO", save_all=True, append_images=[photograph((48, 40))])
    assert read_seed(with_preview).size == (96, 80)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damage_anywhere_is_a_picture_or_a_seed_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"]))
    damaged = bytearray(saved(photograph((70, 70)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SeedError):
        assert read_seed(bytes(damaged)).mode == "RGB"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_editors_picture_is_read_as_rgb_in_the_formats_it_may_have(kind: str) -> None:
    assert read_png(saved(photograph((30, 20)), kind)).mode == "RGB"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"error":"text"}',
        saved(photograph(), "GIF"),
        saved(photograph(), "TIFF"),
        saved(photograph())[:-100],
        header_only_png(9000, 9000),
        header_only_png(60_000, 60_000),
        saved(photograph(), "PNG", save_all=True, append_images=[photograph().rotate(90)]),
    ],
    ids=["nothing", "json", "gif", "tiff", "truncated", "large", "bomb", "animated"],
)
def test_an_answer_that_is_no_picture_of_an_editor_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        read_png(data)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["RGB", "RGBA", "L"]), st.integers(0, 2**32))
def test_a_png_of_ours_holds_the_same_pixels(width: int, height: int, mode: str, random_seed: int) -> None:
    channels = len(mode) if mode != "L" else 1
    noise = np.random.default_rng(random_seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    picture = Image.fromarray(noise.squeeze(2) if mode == "L" else noise)
    with Image.open(BytesIO(png_bytes(picture)), formats=["PNG"]) as again:
        assert (again.mode, again.size) == (mode, (width, height))
        assert again.tobytes() == picture.tobytes()


def test_equal_pixels_give_equal_bytes() -> None:
    with_text = photograph()
    with_text.info["comment"] = "something"
    assert png_bytes(with_text) == png_bytes(photograph())


@pytest.mark.parametrize("size", [(1000, 500), (50, 700), (40, 30)])
def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape(size: tuple[int, int]) -> None:
    with Image.open(BytesIO(thumbnail(photograph(size)))) as small:
        assert small.format == "JPEG"
        assert max(small.size) == min(320, max(size))
        assert small.size[0] / small.size[1] == pytest.approx(size[0] / size[1], rel=0.05)


def test_the_fingerprint_is_sha256() -> None:
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("size", "expected"),
    [((4000, 3000), (2048, 1536)), ((3000, 4000), (1536, 2048)), ((2048, 100), (2048, 100))],
)
def test_a_large_photograph_is_reduced_and_keeps_its_shape(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert reduced(Image.new("RGB", size), longest=2048).size == expected


@pytest.mark.parametrize(("size", "small"), [((70, 4000), "36 x 2048"), ((4000, 120), "2048 x 61")])
def test_a_picture_too_thin_to_be_reduced_is_refused(size: tuple[int, int], small: str) -> None:
    with pytest.raises(
        SeedError, match=f"{small} once it is reduced to 2048 .* raise the setting `max_seed_side`"
    ):
        reduced(Image.new("RGB", size), longest=2048)


def test_a_picture_may_be_as_thin_as_a_seed_may_be() -> None:
    assert reduced(Image.new("RGB", (4096, 128)), longest=2048).size == (2048, 64)


def test_the_largest_seed_can_be_read_again_once_it_is_stored() -> None:
    """Noise, because it is what packs worst."""
    noise = np.random.default_rng(1).integers(0, 256, (5_000, 5_000, 3), np.uint8)
    seed = Image.fromarray(noise)
    assert read_png(png_bytes(seed)).size == (5_000, 5_000)


def test_a_transient_picture_holds_the_same_pixels() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (40, 30, 3), np.uint8)
    data = png_bytes(Image.fromarray(pixels), transient=True)
    assert (np.asarray(read_png(data)) == pixels).all()


def test_no_warning_of_a_huge_picture_reaches_the_terminal(tmp_path: Path) -> None:
    """A process of its own: in the tests' own, every warning is an error."""
    data = saved(photograph((20, 20)))
    header = struct.pack(">II", 10_000, 10_000) + data[24:29]
    (tmp_path / "huge.png").write_bytes(
        data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    )
    script = (
        "from pathlib import Path\n"
        "from pixelpatchwork.domain.pictures import PictureError, read_png\n"
        "try: read_png(Path('huge.png').read_bytes())\n"
        "except PictureError as error: print(error)\n"
    )
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(root)}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stderr, "10000 x 10000" in ran.stdout) == ("", True)
