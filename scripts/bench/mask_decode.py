"""How long a mask of 30 brush strokes takes to read, beside COCO's own C code and a plain Python decoder.

Run: python scripts/bench/mask_decode.py [--size 1024] [--repeat 101]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from pixelpatchwork.domain.mask import Mask

GOAL_MS = 5.0


def brush_mask(side: int, *, strokes: int = 30, random_seed: int = 1) -> Mask:
    """Curved strokes of a round brush all over a square picture, as a worker paints them."""
    rng = np.random.default_rng(random_seed)
    picture = Image.new("1", (side, side))
    draw = ImageDraw.Draw(picture)
    for _ in range(strokes):
        x, y, heading = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, 2 * np.pi)
        radius = rng.uniform(0.008, 0.02) * side
        for _ in range(60):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
            heading += rng.normal() * 0.12
            x, y = x + np.cos(heading) * side * 0.004, y + np.sin(heading) * side * 0.004
    return Mask(pixels=np.asarray(picture))


def plain_python(text: str) -> list[bytearray]:
    """The obvious decoder, one character and one run after another, into columns."""
    value = json.loads(text)
    height, width = value["size"]
    runs: list[int] = []
    number = shift = 0
    for character in value["counts"]:
        group = ord(character) - 48
        number |= (group & 31) << shift
        shift += 5
        if not group & 32:
            number -= (1 << shift) if group & 16 else 0
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    flat = bytearray()
    for index, run in enumerate(runs):
        flat += bytes([index % 2]) * run
    return [flat[column * height : (column + 1) * height] for column in range(width)]


def pycocotools_decoder() -> Callable[[str], npt.NDArray[np.uint8]] | None:
    """COCO's own decoder where it is installed (it comes with the tests)."""
    try:
        from pycocotools import mask as coco  # noqa: PLC0415  # optional here
    except ImportError:
        return None

    def decode(text: str) -> npt.NDArray[np.uint8]:
        value = json.loads(text)
        decoded: npt.NDArray[np.uint8] = coco.decode(
            {"size": value["size"], "counts": value["counts"].encode()}
        )
        return decoded

    return decode


def milliseconds(work: Callable[[], object], repeat: int) -> float:
    """The median time of one call."""
    times = []
    for _ in range(repeat):
        begun = perf_counter()
        work()
        times.append((perf_counter() - begun) * 1000)
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1024, help="pixels of a side (default: 1024)")
    parser.add_argument(
        "--repeat", type=int, default=101, help="calls, of which the median counts (default: 101)"
    )
    options = parser.parse_args()

    mask = brush_mask(options.size)
    text = mask.to_rle()
    size = (options.size, options.size)
    ours = milliseconds(lambda: Mask.from_rle(text, size=size), options.repeat)
    writing = milliseconds(mask.to_rle, options.repeat)
    plain = milliseconds(lambda: plain_python(text), max(3, options.repeat // 5))

    print(
        f"A mask of 30 strokes, {options.size} x {options.size}: {mask.coverage:.0%} painted, {len(text):,} characters"
    )
    print(f"  read (Mask.from_rle)     {ours:8.2f} ms   (goal at 1024 x 1024: under {GOAL_MS:.0f} ms)")
    print(f"  written (Mask.to_rle)    {writing:8.2f} ms")
    print(f"  plain Python decoder     {plain:8.2f} ms   {plain / ours:6.1f} times as long as ours")
    if (decode := pycocotools_decoder()) is not None:
        theirs = milliseconds(lambda: decode(text), options.repeat)
        print(f"  pycocotools (C)          {theirs:8.2f} ms   {theirs / ours:6.1f} times as long as ours")


if __name__ == "__main__":
    main()
