"""Transactions on the marketplace's database: SQLite for one machine, MySQL or MariaDB for many processes.

SQLite is opened in WAL mode and a writer takes its lock at once (`BEGIN IMMEDIATE`), so that reading and then
writing in one transaction can never fail half-way. Writers of one process also queue on a lock of Python's:
it wakes the next one at once, where SQLite's own waiting sleeps in steps. MySQL runs READ COMMITTED with row
locks (`SELECT ... FOR UPDATE`, which SQLite ignores because it needs none). Errors never quote a statement's
parameters: they hold workers' ids and answers.

On MySQL every round trip counts. So a pooled connection is not asked whether it is alive before it is used; a
transaction that finds it dead has left nothing behind and runs again on a new one. And a connection that comes back
to the pool is rolled back only where it was not committed just before.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from pixelpatchwork.marketplace import revisions

T = TypeVar("T")

_POOL_SIZE = 32
_BUSY_MILLIS = 30_000
_LOCK_SECONDS = 60
_BEGIN = "marketplace_begin"
_COMMITTED = "marketplace_committed"
_TRIES = 5
# MySQL: lock wait timeout, deadlock, and a savepoint that went with the transaction a deadlock rolled back.
_LOST_RACE = {1205, 1213, 1305}


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
            with engine.connect() as connection:
                with connection.begin():
                    yield connection
                connection.info[_COMMITTED] = True

    def run(self, act: Callable[[Connection], T], *, writes: bool) -> T:
        """Runs an act in one transaction, on terms of `repeat`."""

        def once() -> T:
            with self.begin(writes=writes) as connection:
                return act(connection)

        return self.repeat(once)

    def repeat(self, act: Callable[[], T]) -> T:
        """Runs an act of one or more transactions, and again where one was lost that has left nothing behind.

        So it is with a deadlock's victim, and where the connection was dead or died before the commit. An error of
        the commit itself is raised: nobody knows whether it was done.
        """
        for _ in range(_TRIES - 1):
            try:
                return act()
            except DBAPIError as error:
                if not _left_nothing(error):
                    raise
        return act()

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
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=_POOL_SIZE,
        pool_recycle=1800,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={"charset": "utf8mb4"},
    )
    event.listen(engine, "reset", _end_transaction)
    return engine


def _end_transaction(connection: Any, record: ConnectionPoolEntry, _state: object) -> None:
    """What the pool does with a connection that comes back, unless its transaction has just been committed."""
    if not record.info.pop(_COMMITTED, False):
        connection.rollback()


def _left_nothing(error: DBAPIError) -> bool:
    """True for a transaction that the server has rolled back as a whole, so that it may be repeated."""
    arguments: Sequence[object] = getattr(error.orig, "args", ())
    if arguments and arguments[0] in _LOST_RACE:
        return True
    # A COMMIT is the one call that SQLAlchemy reports without a statement.
    return error.connection_invalidated and error.statement is not None


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
