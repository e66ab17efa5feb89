"""What the workflows rely on in every editor, over the same pictures and masks that they will send."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from PIL import Image

from pixelpatchwork.adapters.offline_editor import OfflineEditor
from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import OpenAISettings
from pixelpatchwork.domain.errors import LeaseLost
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
from pixelpatchwork.domain.ports import Editor, EditRequest
from tests.support.editors import allow
from tests.support.images_api import KEY, ImagesApi, Painter, paint_inside, paint_noise


@pytest.fixture(params=["offline", "openai", "openai painting noise"])
def editor(request: pytest.FixtureRequest) -> Iterator[Editor]:
    if request.param == "offline":
        yield OfflineEditor()
        return
    painter: Painter = paint_noise if "noise" in request.param else paint_inside
    with ImagesApi(painter=painter) as api:
        openai = OpenAIEditor(OpenAISettings(base_url=api.base_url, images_per_minute=100), api_key=KEY)
        yield openai
        openai.close()


def seed_of(width: int, height: int) -> Image.Image:
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return Image.fromarray(np.stack([columns % 256, rows % 256, (columns + rows) % 256], -1).astype(np.uint8))


def mask_of(width: int, height: int) -> Mask:
    bits = np.zeros((height, width), dtype=np.bool_)
    bits[height // 4 : height // 2, width // 3 : width // 2] = True
    return Mask(pixels=bits)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def request_for(editor: Editor, seed: Image.Image, mask: Mask, prompt: str = "a red door") -> EditRequest:
    frame = plan_frame(seed.size, mask.box, editor.limits)
    width, height = frame.canvas
    return EditRequest(
        image_png=png(provider_image(seed, frame)),
        mask_png=png(provider_mask(mask, frame)),
        width=width,
        height=height,
        prompt=prompt,
        edit_key=EditKey("e" * 64),
        safety_identifier="5" * 64,
    )


@pytest.mark.parametrize("size", [(640, 480), (333, 517), (900, 200)])
def test_a_picture_of_the_canvas_comes_back(editor: Editor, size: tuple[int, int]) -> None:
    request = request_for(editor, seed_of(*size), mask_of(*size))

    result = editor.edit(request, sending=allow)

    with Image.open(io.BytesIO(result.image), formats=["PNG", "JPEG", "WEBP"]) as picture:
        picture.load()
        assert picture.size == (request.width, request.height)


def test_something_changes_inside_the_mask_and_nothing_outside_it(editor: Editor) -> None:
    seed, mask = seed_of(640, 480), mask_of(640, 480)
    result = editor.edit(request_for(editor, seed, mask), sending=allow)
    frame = plan_frame(seed.size, mask.box, editor.limits)

    with Image.open(io.BytesIO(result.image)) as painted:
        edited = composite(seed, mask, frame, painted)
        strayed = drift(seed, mask, frame, painted)

    assert_kept(seed, edited, mask)
    assert np.any(np.asarray(edited)[mask.pixels] != np.asarray(seed)[mask.pixels])
    assert 0 <= strayed <= 1


def test_edits_may_run_at_the_same_time(editor: Editor) -> None:
    seed, mask = seed_of(320, 240), mask_of(320, 240)
    requests = [request_for(editor, seed, mask, f"door number {number}") for number in range(4)]

    with ThreadPoolExecutor(editor.parallel) as pool:
        together = [result.image for result in pool.map(partial(editor.edit, sending=allow), requests)]

    assert together == [editor.edit(request, sending=allow).image for request in requests]


def test_an_editor_says_what_it_is_and_what_it_costs(editor: Editor) -> None:
    assert editor.name in {"offline", "openai"}
    assert editor.model
    assert json.dumps(json.loads(editor.parameters), sort_keys=True) == editor.parameters
    assert editor.worst_case_usd >= 0
    assert editor.parallel >= 1


def test_the_cost_of_an_edit_is_within_the_worst_case_or_unknown(editor: Editor) -> None:
    result = editor.edit(request_for(editor, seed_of(320, 240), mask_of(320, 240)), sending=allow)

    assert result.cost_usd is None or 0 <= result.cost_usd <= editor.worst_case_usd


def test_an_edit_is_announced_once_before_it_is_made(editor: Editor) -> None:
    announced: list[str] = []

    editor.edit(
        request_for(editor, seed_of(320, 240), mask_of(320, 240)),
        sending=lambda: announced.append("going out"),
    )

    assert announced == ["going out"]


def test_an_edit_may_be_called_off_when_it_is_announced(editor: Editor) -> None:
    def refuse() -> None:
        raise LeaseLost("Another collector has this edit.")

    with pytest.raises(LeaseLost):
        editor.edit(request_for(editor, seed_of(320, 240), mask_of(320, 240)), sending=refuse)


def test_a_cost_names_its_price_table_where_tokens_were_counted(editor: Editor) -> None:
    result = editor.edit(request_for(editor, seed_of(320, 240), mask_of(320, 240)), sending=allow)

    assert (result.rates is None) == (result.usage is None)
