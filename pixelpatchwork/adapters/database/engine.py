"""Connections and transactions: what SQLite and MySQL need to behave alike.

SQLite: foreign keys enforced, a write-ahead log, and writers that queue up instead of failing.
MySQL and MariaDB: READ COMMITTED, UTC, strict mode, and deadlocks tried again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import stamina
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from pixelpatchwork.adapters.database.faults import is_busy, is_passing_conflict, translated
from pixelpatchwork.domain.errors import StoreError

_P = ParamSpec("_P")
_R = TypeVar("_R")

BUSY_SECONDS = 30
"""How long a writer on SQLite waits for its turn."""

_ATTEMPTS = 12
"""How often a transaction is tried that MySQL ended for another's sake (deadlock, lock wait)."""

_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    # FULL: a row that says money is about to be spent survives a power cut, not only a killed process.
    # It costs one fsync a commit, 0.04 ms where 0.006 were spent without; the bulk methods commit once a batch.
    "PRAGMA synchronous = FULL",
)

_MYSQL_SESSION = (
    "SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 10,"
    " SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'"
)


def parse_url(url: str) -> URL:
    """The URL with its driver named. Raises StoreError for what is neither SQLite nor MySQL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text of the URL stays out of the message: it may hold a password.
        raise StoreError("The database's URL cannot be read. It looks like sqlite:///study.db") from error
    family = parsed.get_backend_name()
    if family in {"mysql", "mariadb"}:
        return parsed.set(drivername="mysql+pymysql")
    if family != "sqlite":
        raise StoreError(f"The database {family} is not known here. Use sqlite:/// or mysql+pymysql://")
    return parsed


def is_in_memory(url: URL) -> bool:
    """Whether the database lives and dies with its one connection."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def is_missing_file(url: URL) -> bool:
    """Whether the URL names an SQLite file that is not there. Connecting would create it."""
    return (
        url.get_backend_name() == "sqlite" and not is_in_memory(url) and not Path(str(url.database)).exists()
    )


def build_engine(url: URL, *, enforce_keys: bool = True) -> Engine:
    """An engine whose transactions begin when and as `Database` says.

    `enforce_keys=False` is for migrations on SQLite, which rebuild tables.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, enforce_keys=enforce_keys)
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_size=16,
        max_overflow=16,
        hide_parameters=True,
        connect_args={
            "charset": "utf8mb4",
            "init_command": _MYSQL_SESSION,
            "connect_timeout": 10,
            "read_timeout": 300,
            "write_timeout": 300,
        },
    )


def _sqlite_engine(url: URL, *, enforce_keys: bool) -> Engine:
    # One connection for a database in memory: whoever has it checked out has the database to himself.
    only_one = is_in_memory(url)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if only_one else 16,
        max_overflow=0 if only_one else 16,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        # The driver's own idea of when a transaction begins is switched off; `begin` below says it.
        connection.isolation_level = None
        cursor = connection.cursor()
        # The one lock for which SQLite does not wait by itself: two that open a new file at once collide here.
        for attempt in stamina.retry_context(on=is_busy, attempts=None, timeout=BUSY_SECONDS, wait_max=0.2):
            with attempt:
                cursor.execute("PRAGMA journal_mode = WAL")
        for pragma in (*_SQLITE_PRAGMAS, f"PRAGMA foreign_keys = {'ON' if enforce_keys else 'OFF'}"):
            cursor.execute(pragma)
        cursor.close()

    if enforce_keys:  # migrations do make files

        @event.listens_for(engine, "do_connect")
        def require_file(*_how: object) -> None:
            # A file that was moved away for a while must not be found empty: SQLite would make a new one, and
            # connections to that one would be kept when the old one is back.
            if is_missing_file(url):
                raise sqlite3.OperationalError(f"{Path(str(url.database)).name} is not there")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that first reads and then asks for it can only fail.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class Database:
    """Runs functions of a connection, each as one transaction, and turns driver errors into StoreError."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # SQLite polls for its write lock, slowly and unfairly; threads of one process queue up here.
        self._turn: AbstractContextManager[Any] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    def read(
        self, work: Callable[Concatenate[Connection, _P], _R], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """What `work` finds, all of it from one transaction that writes nothing."""
        return self._run(False, lambda connection: work(connection, *args, **kwargs))

    def write(
        self, work: Callable[Concatenate[Connection, _P], _R], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """Runs `work` and commits. It may be run several times, each time from a clean start."""
        with self._turn:
            return self._run(True, lambda connection: work(connection, *args, **kwargs))

    def _run(self, writes: bool, work: Callable[[Connection], _R]) -> _R:
        try:
            for attempt in stamina.retry_context(
                on=is_passing_conflict,
                attempts=_ATTEMPTS,
                timeout=None,
                wait_initial=0.01,
                wait_max=1.0,
                wait_jitter=0.1,
            ):
                with attempt, self.engine.connect() as plain:
                    connection = plain.execution_options(writes=writes)
                    with connection.begin():
                        return work(connection)
        except DBAPIError as error:
            raise translated(error) from error
        except SQLAlchemyError as error:
            raise StoreError(f"The database could not be used ({type(error).__name__}).") from error
        raise AssertionError("the loop above returns or raises")
