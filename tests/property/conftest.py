"""Properties are to hold within little memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hostile import little_memory


@pytest.fixture(autouse=True)
def _within_little_memory() -> Iterator[None]:
    with little_memory():
        yield
