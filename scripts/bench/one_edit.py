"""How long one whole edit takes, step by step, and how little of it is ours beside the editor.

The steps are those of the workflow: frame the mask, cut out and encode what the editor gets, decode what it returns,
composite, check the promise, measure the drift, encode the result and its thumbnail.

Run: python scripts/bench/one_edit.py [--size 1024] [--repeat 21] [--prompt TEXT]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw

from pixelpatchwork.adapters.offline_editor import OfflineEditor
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import EditKey
from pixelpatchwork.domain.patch import (
    assert_kept,
    composite,
    drift,
    plan_frame,
    provider_image,
    provider_mask,
)
from pixelpatchwork.domain.pictures import png_bytes, read_png, read_seed, thumbnail
from pixelpatchwork.domain.ports import EditRequest

SEED = Path(__file__).parents[2] / "config/seeds/chelsea.png"
GOAL_MS = 60.0
EDITOR = "the offline editor"

Result = TypeVar("Result")


class Stopwatch:
    """Notes what each step took, in milliseconds."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Result]) -> Result:
        """Does the work and notes how long it took."""
        begun = perf_counter()
        result = work()
        self.steps[step] = (perf_counter() - begun) * 1000
        return result


def brush_mask(side: int, *, strokes: int = 30, random_seed: int = 4) -> Mask:
    """Strokes of a round brush that cover one place of a square picture, about a tenth of it."""
    rng = np.random.default_rng(random_seed)
    picture = Image.new("1", (side, side))
    draw = ImageDraw.Draw(picture)
    for _ in range(strokes):
        x, y = rng.normal([0.55, 0.45], 0.075) * side
        heading, radius = rng.uniform(0, 2 * np.pi), 0.024 * side
        for _ in range(24):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
            heading += rng.normal() * 0.12
            x, y = x + np.cos(heading) * side * 0.005, y + np.sin(heading) * side * 0.005
    return Mask(pixels=np.asarray(picture))


def one_edit(seed: Image.Image, mask_text: str, prompt: str) -> dict[str, float]:
    """The milliseconds of each step."""
    watch = Stopwatch()
    timed = watch.time
    editor = OfflineEditor()
    mask = timed("read the mask", lambda: Mask.from_rle(mask_text, size=seed.size))
    frame = timed("plan the frame", lambda: plan_frame(seed.size, mask.box, editor.limits))
    image_png = timed(
        "picture for the editor", lambda: png_bytes(provider_image(seed, frame), transient=True)
    )
    mask_png = timed("mask for the editor", lambda: png_bytes(provider_mask(mask, frame)))
    request = EditRequest(
        image_png=image_png,
        mask_png=mask_png,
        width=frame.canvas[0],
        height=frame.canvas[1],
        prompt=prompt,
        edit_key=EditKey("0" * 64),
        safety_identifier="0" * 64,
    )
    answer = timed(EDITOR, lambda: editor.edit(request, sending=lambda: None))
    painted = timed("decode its picture", lambda: read_png(answer.image))
    result = timed("composite", lambda: composite(seed, mask, frame, painted))
    timed("check what is kept", lambda: assert_kept(seed, result, mask))
    timed("measure the drift", lambda: drift(seed, mask, frame, painted))
    timed("encode the result", lambda: png_bytes(result))
    timed("thumbnail", lambda: thumbnail(result))
    return watch.steps


def pillow_encoding(picture: Image.Image, repeat: int) -> float:
    """The median milliseconds in which Pillow writes a picture, at its fastest level that compresses: the reference."""
    watch = Stopwatch()
    times = []
    for _ in range(repeat):
        watch.time("write", lambda: picture.save(BytesIO(), "PNG", compress_level=1))
        times.append(watch.steps["write"])
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1024, help="pixels of a side of the seed (default: 1024)")
    parser.add_argument(
        "--repeat", type=int, default=21, help="edits, of which the medians count (default: 21)"
    )
    parser.add_argument("--prompt", default="golden stars over a purple sea", help="what to paint")
    options = parser.parse_args()

    seed = read_seed(SEED.read_bytes()).resize((options.size, options.size), Image.Resampling.LANCZOS)
    mask = brush_mask(options.size)
    runs = [one_edit(seed, mask.to_rle(), options.prompt) for _ in range(options.repeat)]
    steps = {step: median(run[step] for run in runs) for step in runs[0]}
    ours = median(sum(run.values()) - run[EDITOR] for run in runs)
    pillow = pillow_encoding(seed, options.repeat)

    print(
        f"One edit at {options.size} x {options.size}, {mask.coverage:.0%} of it masked, medians of {options.repeat}"
    )
    for step, took in steps.items():
        print(f"  {step:24}{took:8.2f} ms")
    print(f"  all but the editor      {ours:8.2f} ms   (goal at 1024 x 1024: {GOAL_MS:.0f} ms)")
    print(
        f"  {ours / (ours + steps[EDITOR]):.0%} of the whole edit is ours, with an editor of {steps[EDITOR]:.0f} ms"
    )
    ratio = pillow / steps["encode the result"]
    print(f"  writing the result as PNG takes Pillow {ratio:.1f} times as long ({pillow:.0f} ms)")


if __name__ == "__main__":
    main()
