"""The study that is killed, played once without disturbance by each process of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.kill_points import Played, played
from tests.support.stores import fresh_database, mysql_server_url


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The study on an SQLite file."""
    with played(tmp_path_factory.mktemp("killed")) as study:
        yield study


@pytest.fixture(scope="session")
def on_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The same on a database server."""
    with (
        fresh_database(mysql_server_url()) as url,
        played(tmp_path_factory.mktemp("killed-on-mariadb"), database_url=url) as study,
    ):
        yield study
