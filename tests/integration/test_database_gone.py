"""An SQLite file that is moved away for a while: no empty one appears in its place, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pixelpatchwork.adapters.database import SqlStore, open_store, upgrade
from pixelpatchwork.domain.errors import StoreError

AT_ONCE = 4


def read_at_once(store: SqlStore) -> list[str]:
    """What becomes of so many reads that each needs a connection of its own."""
    barrier = Barrier(AT_ONCE)

    def read(_number: int) -> str:
        def work(_connection: object) -> str:
            barrier.wait(10)
            return "read"

        try:
            return store.database.read(work)
        except StoreError as error:
            barrier.abort()
            return str(error)
        except RuntimeError:  # the barrier is broken: another one failed
            return "read alone"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, range(AT_ONCE)))


def test_a_file_that_is_away_is_an_error_until_it_is_back(tmp_path: Path) -> None:
    file, away = tmp_path / "study.db", tmp_path / "away"
    away.mkdir()
    upgrade(f"sqlite:///{file}")
    store = open_store(f"sqlite:///{file}")
    try:
        for one in tmp_path.glob("study.db*"):
            one.rename(away / one.name)
        said = set(read_at_once(store))
        assert any("study.db is not there" in text for text in said), said
        assert not file.exists()
        for one in away.glob("study.db*"):
            one.rename(tmp_path / one.name)
        assert read_at_once(store) == ["read"] * AT_ONCE
        assert store.rounds() == ()
    finally:
        store.close()


def test_a_store_that_was_never_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ppw init"):
        open_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()
