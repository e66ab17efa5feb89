"""What publishing asks of the marketplace: each thing once; and what is there already is not published again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.interposed import Interposed
from tests.support.study import Stage, open_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path / "here")
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def test_a_new_round_is_looked_up_charged_and_rendered_once(stage: Stage) -> None:
    calls: Counter[str] = Counter()

    def counted(port: object, call: str) -> Interposed:
        return Interposed(port, call, before=lambda: calls.update([call]))

    crowd = counted(counted(stage.services.crowd, "hits"), "balance")
    pages = counted(stage.services.pages, "generation")
    stage.with_services(crowd=crowd, pages=pages).publish()

    assert calls == {"hits": 1, "balance": 1, "generation": 1}


def test_a_restored_database_that_has_forgotten_a_round_finds_its_hits(tmp_path: Path, stage: Stage) -> None:
    stage.publish()
    restored = open_stage(tmp_path / "there")

    published = restored.with_services(crowd=stage.services.crowd).publish()

    assert (published.created, published.found) == (0, 2)
    assert len(list(stage.services.crowd.hits("pixelpatchwork"))) == 2
    restored.services.store.close()  # type: ignore[attr-defined]
