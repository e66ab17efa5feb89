"""Transactions on the marketplace's database: SQLite for one machine, MySQL or MariaDB for many processes.

SQLite is opened in WAL mode and a writer takes its lock at once (`BEGIN IMMEDIATE`), so that reading and then
writing in one transaction can never fail half-way. Writers of one process also queue on a lock of Python's:
it wakes the next one at once, where SQLite's own waiting sleeps in steps. MySQL runs READ COMMITTED with row
locks (`SELECT ... FOR UPDATE`, which SQLite ignores because it needs none). Errors never quote a statement's
parameters: they hold workers' ids and answers.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from pixelpatchwork.marketplace import revisions

_POOL_SIZE = 32
_BUSY_MILLIS = 30_000
_LOCK_SECONDS = 60
_BEGIN = "marketplace_begin"


class DatabaseUnusableError(Exception):
    """The database cannot be opened: it is away, damaged, or refuses its user. The text quotes nothing of it."""


class Database:
    """Hands out transactions. `begin(writes=True)` may change rows; `begin(writes=False)` may not."""

    def __init__(self, url: str) -> None:
        self.engine = _make_engine(make_url(url))
        in_memory = isinstance(self.engine.pool, StaticPool)
        is_sqlite = self.engine.dialect.name == "sqlite"
        queue = threading.RLock()
        nothing = contextlib.nullcontext()
        self._write_lock: contextlib.AbstractContextManager[Any] = queue if is_sqlite else nothing
        # One connection serves all threads of a database in memory, so readers queue as well.
        self._read_lock: contextlib.AbstractContextManager[Any] = queue if in_memory else nothing
        self._writer = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @contextlib.contextmanager
    def begin(self, *, writes: bool) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back if it raises."""
        with self._write_lock if writes else self._read_lock:
            engine = self._writer if writes else self.engine
            with engine.begin() as connection:
                yield connection

    def create_tables(self) -> None:
        """Creates the tables or brings older ones up to date. Safe when several processes start at once.

        Raises DatabaseUnusableError, and WrongSchemaError where the tables are another version's.
        """
        try:
            with _one_at_a_time(self.engine), self.begin(writes=True) as connection:
                revisions.bring_up_to_date(connection)
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise DatabaseUnusableError(type(cause).__name__) from error

    def close(self) -> None:
        """Closes every pooled connection."""
        self.engine.dispose()


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _make_sqlite_engine(url)
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=_POOL_SIZE,
        pool_recycle=1800,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"charset": "utf8mb4"},
    )


def _make_sqlite_engine(url: URL) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    if in_memory:
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
        )
    else:
        _create_private(str(url.database))
        engine = create_engine(url, pool_size=_POOL_SIZE, max_overflow=_POOL_SIZE, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: str) -> None:
    """Makes a new database's file readable for its owner only: it holds the secret key. SQLite keeps to that."""
    # What cannot be created here, SQLite refuses in its own words when it is opened.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Without this, the driver itself decides when a transaction begins.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={_BUSY_MILLIS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


@contextlib.contextmanager
def _one_at_a_time(engine: Engine) -> Iterator[None]:
    """MySQL commits each CREATE TABLE by itself, so a named lock keeps two starting processes apart.

    A connection of its own holds it, so that it outlasts the other one's last commit.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    name = {"name": f"marketplace-{engine.url.database}"[:64], "seconds": _LOCK_SECONDS}
    with engine.connect() as holder:
        if holder.scalar(text("SELECT GET_LOCK(:name, :seconds)"), name) != 1:
            raise DatabaseUnusableError(f"another process has been changing it for {_LOCK_SECONDS} seconds")
        try:
            yield
        finally:
            holder.execute(text("SELECT RELEASE_LOCK(:name)"), name).all()
