"""The schema's age: is it the one this program was written for, and how an older one catches up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, column, select, table, text
from sqlalchemy.exc import DBAPIError

from pixelpatchwork.adapters.database.engine import build_engine, is_in_memory, is_missing_file, parse_url
from pixelpatchwork.adapters.database.faults import is_missing_table, translated
from pixelpatchwork.adapters.database.schema import REVISIONS, VERSION_TABLE
from pixelpatchwork.domain.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"

_OLDEST: dict[str, tuple[int | str, ...]] = {"MariaDB": (10, 6), "MySQL": (8, 0)}

_UPGRADE_SECONDS = 60
"""How long one upgrade waits for another."""


def revision(connection: Connection) -> str | None:
    """The schema's revision, by one query; None where there is no schema."""
    try:
        return connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    except DBAPIError as error:
        if is_missing_table(error):
            return None
        raise


def require_current(connection: Connection) -> None:
    """Raises StoreError unless the schema is the one this program was written for."""
    found = revision(connection)
    if found == REVISIONS[-1]:
        return
    if found is None:
        raise StoreError("The database has no tables yet. Run: ppw init")
    if found in REVISIONS:
        raise StoreError(f"The database's schema is older than this program ({found}). Run: ppw init")
    raise StoreError(f"The database's schema is newer than this program ({found}). Install a newer version.")


def upgrade(url: str) -> tuple[str | None, str]:
    """Brings the schema up to date and gives its revision before and after.

    Safe to run again and by several processes at once. Raises StoreError; also for a database in memory,
    which would be gone with the connection.
    """
    parsed = parse_url(url)
    if is_in_memory(parsed):
        raise StoreError("A database in memory cannot be prepared in advance.")
    if is_missing_file(parsed):
        _create_private(str(parsed.database))
    engine = build_engine(parsed, enforce_keys=False)
    try:
        with engine.connect() as plain, _alone(plain) as connection:
            return _migrate(connection)
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def _create_private(path: str) -> None:
    """Makes a new database's file readable for its owner only: it holds worker ids. SQLite keeps to that."""
    # What cannot be created here, SQLite refuses in its own words when it is opened.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _migrate(connection: Connection) -> tuple[str | None, str]:
    # Alembic takes 80 ms to import; every other command does without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    before = revision(connection)
    if before is not None and before not in REVISIONS:
        require_current(connection)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, REVISIONS[-1]


@contextmanager
def _alone(plain: Connection) -> Iterator[Connection]:
    """A transaction during which nobody else upgrades this database."""
    connection = plain.execution_options(writes=True)
    if connection.dialect.name == "sqlite":
        with connection.begin():
            yield connection
            _check_keys(connection)
        return
    # MySQL commits at every CREATE TABLE. A lock by name outlasts them; it falls with the connection, which is
    # closed only after the last commit.
    lock = {"name": f"ppw-{connection.engine.url.database}"[:64], "seconds": _UPGRADE_SECONDS}
    with connection.begin():
        if connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), lock) != 1:
            raise StoreError("Another process is upgrading the database. Run the command again.")
        yield connection


def _check_keys(connection: Connection) -> None:
    """Raises StoreError, which undoes the upgrade, where a record names one that is missing."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreError(f"The upgrade was undone: a row of the table {broken[0]} names a missing record.")


def _require_version(name: str, version: tuple[int | str, ...]) -> None:
    """Raises StoreError for a server without FOR UPDATE SKIP LOCKED."""
    oldest = _OLDEST.get(name)
    if oldest is not None and version < oldest:
        raise StoreError(f"This {name} server is too old: {'.'.join(map(str, oldest))} or newer is needed.")


def describe(connection: Connection) -> str:
    """Which database this is, in a line. Raises StoreError where the server or its schema is too old."""
    dialect = connection.dialect
    mysql_name = "MariaDB" if getattr(dialect, "is_mariadb", False) else "MySQL"
    name = "SQLite" if dialect.name == "sqlite" else mysql_name
    version = dialect.server_version_info or ()
    _require_version(name, version)
    require_current(connection)
    return f"{name} {'.'.join(map(str, version[:3]))}, schema {REVISIONS[-1]}"
