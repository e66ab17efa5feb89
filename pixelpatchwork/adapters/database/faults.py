"""Driver errors in our words: the one place that knows the databases' error codes.

The servers' own texts may quote values ("Duplicate entry 'A1B2...'") and users' names: only codes go on.
"""

from __future__ import annotations

import sqlite3

import pymysql
from sqlalchemy.exc import DBAPIError

from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError

_DUPLICATE = 1062
_PASSING = frozenset({1205, 1213})
"""Lock wait timeout, deadlock: the transaction was undone and may succeed when tried again."""
_NO_TABLE = 1146

_MYSQL_MESSAGES = {
    1044: "The database refused this user. Grant it all rights on the study's database.",
    1045: "The database refused the user's name or password. Check the database's URL.",
    1049: "This database does not exist. Create it: CREATE DATABASE ... CHARACTER SET utf8mb4",
    1142: "The database refused this user. Grant it all rights on the study's database.",
    1205: "The database is busy: another process holds its rows. Run the command again.",
    1213: "The database is busy: another process holds its rows. Run the command again.",
    1406: "A value is too long for its column.",
    1452: "A record names another one that is not there.",
    2002: "The database server could not be reached. Check that it runs and the database's URL.",
    2003: "The database server could not be reached. Check that it runs and the database's URL.",
    2006: "The connection to the database server was lost. Run the command again.",
    2013: "The connection to the database server was lost. Run the command again.",
}


def is_passing_conflict(error: Exception) -> bool:
    """Whether MySQL ended this transaction for the sake of another."""
    return isinstance(error, DBAPIError) and _mysql_code(error) in _PASSING


def is_busy(error: Exception) -> bool:
    """Whether SQLite gave up on a lock that another connection holds."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def is_missing_table(error: DBAPIError) -> bool:
    """Whether the statement named a table that is not there."""
    if isinstance(error.orig, sqlite3.Error):
        return str(error.orig).startswith("no such table")
    return _mysql_code(error) == _NO_TABLE


def translated(error: DBAPIError) -> StoreError:
    """The same failure as a StoreError, free of credentials and of the statement's values."""
    if isinstance(error.orig, sqlite3.Error):
        return _translated_sqlite(error.orig)
    code = _mysql_code(error)
    if code == _DUPLICATE:
        return AlreadyRecorded("This has been recorded before.")
    if code is None:
        return StoreError(f"The database driver failed ({type(error.orig).__name__}).")
    return StoreError(_MYSQL_MESSAGES.get(code, f"The database refused a statement (error {code})."))


def _translated_sqlite(error: sqlite3.Error) -> StoreError:
    """SQLite's texts name tables and columns, never values."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}:
        return AlreadyRecorded("This has been recorded before.")
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return StoreError("A record names another one that is not there.")
    if is_busy(error):
        return StoreError("The database is busy: another process is writing. Run the command again.")
    return StoreError(f"The database failed: {error}.")


def _mysql_code(error: DBAPIError) -> int | None:
    args = error.orig.args if isinstance(error.orig, pymysql.Error) else ()
    return args[0] if args and isinstance(args[0], int) else None
