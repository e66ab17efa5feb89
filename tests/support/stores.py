"""Databases for tests: fresh ones, on SQLite and on a real MariaDB or MySQL server.

`mysql_url` and `database_url` are fixtures; import them into a conftest or a test module.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, make_url, text

from pixelpatchwork.adapters.database import SqlStore, open_store, upgrade
from pixelpatchwork.adapters.database.schema import metadata
from tests.support.mariadb import URL_VARIABLE, throwaway_mariadb

DATABASES = ("sqlite", pytest.param("mysql", marks=pytest.mark.mysql))
"""What a test that runs on both databases is parametrised with."""


@cache
def mysql_server_url() -> str:
    """The server that PPW_TEST_MYSQL_URL names; else one of this process's own, stopped at its end."""
    named = os.environ.get(URL_VARIABLE)
    if named:
        return named
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(throwaway_mariadb())


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Yields the URL of an empty database with a name of its own; dropped afterwards."""
    name = f"ppw_{uuid.uuid4().hex[:16]}"
    server = create_engine(server_url)
    try:
        with server.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            with server.begin() as connection:
                connection.execute(text(f"DROP DATABASE {name}"))
    finally:
        server.dispose()


@contextmanager
def fresh_store(kind: str, directory: Path) -> Iterator[SqlStore]:
    """Yields an empty store on a database with the study's tables: "sqlite" in `directory`, or "mysql"."""
    store = open_store(_copied_sqlite(directory) if kind == "sqlite" else _emptied_mysql())
    try:
        yield store
    finally:
        store.close()


def _copied_sqlite(directory: Path) -> str:
    path = directory / "study.db"
    path.write_bytes(_sqlite_template())
    return f"sqlite:///{path}"


@cache
def _sqlite_template() -> bytes:
    """A migrated file, made once: copying it is faster than migrating."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "template.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def _emptied_mysql() -> str:
    """The process's one migrated database, without the rows of the test before."""
    url = _migrated_mysql()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET SESSION foreign_key_checks = 0"))
        for table in metadata.sorted_tables:
            connection.execute(delete(table))
    engine.dispose()
    return url


@cache
def _migrated_mysql() -> str:
    stack = ExitStack()
    url = stack.enter_context(fresh_database(mysql_server_url()))
    atexit.register(stack.close)  # after the server's own, and so run before it
    upgrade(url)
    return url


@pytest.fixture
def mysql_url() -> Iterator[str]:
    """A fresh, empty MySQL database. Mark the test with `pytest.mark.mysql`."""
    with fresh_database(mysql_server_url()) as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, empty database of each kind: an SQLite file, and MySQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'study.db'}"
        return
    with fresh_database(mysql_server_url()) as url:
        yield url
