"""Edits as the tests ask for them, and the editor that runs them against a local server without waiting."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

from PIL import Image

from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import OpenAISettings
from pixelpatchwork.domain.model import EditKey
from pixelpatchwork.domain.ports import EditRequest
from tests.support.images_api import KEY, ImagesApi


class Sleeper:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 1_000.0

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def allow() -> None:
    """Lets every request go out."""


def png(width: int, height: int, colour: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def request(prompt: str = "a red door", *, side: int = 256) -> EditRequest:
    return EditRequest(
        image_png=png(side, side, (40, 90, 140)),
        mask_png=png(side, side, (255, 255, 255, 0)),
        width=side,
        height=side,
        prompt=prompt,
        edit_key=EditKey("e" * 64),
        safety_identifier="5" * 64,
    )


@contextmanager
def editor_for(
    api: ImagesApi,
    sleeper: Sleeper,
    *,
    api_key: str | None = KEY,
    today: Callable[[], date] = lambda: date(2026, 11, 21),
    **chosen: object,
) -> Iterator[OpenAIEditor]:
    plain = OpenAISettings(base_url=api.base_url, images_per_minute=1_000, moderation=False, timeout=20)
    editor = OpenAIEditor(
        replace(plain, **chosen),  # type: ignore[arg-type]  # the tests choose
        api_key=api_key,
        sleep=sleeper.sleep,
        monotonic=sleeper.monotonic,
        today=today,
    )
    try:
        yield editor
    finally:
        editor.close()
