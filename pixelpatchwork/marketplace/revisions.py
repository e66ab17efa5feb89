"""The age of the marketplace's schema: is it the one this program was written for, and how an older one catches up.

An empty database gets today's tables at once, and the newest revision's number; a test holds that the migrations lead
to the same tables. Only a database that is older runs Alembic. Every program that opens a marketplace brings it up
to date first, and several that start at once wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from pixelpatchwork.marketplace.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "MarketplaceSchema"
REVISIONS = ("0001", "0002", "0003")

# The columns of all tables, as `_columns` writes them, in the days before the schema was numbered.
_UNNUMBERED = "f4c7505885a1b6e71212cd88256e05575a301aa42b9ca16c557e701fb44ae263"
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


class WrongSchemaError(Exception):
    """The database is not one that this version of the marketplace can use; the text says what to do."""


def bring_up_to_date(connection: Connection) -> None:
    """Creates the tables, or changes older ones. Call it while nobody else does. Raises WrongSchemaError."""
    names = set(inspect(connection).get_table_names())
    found = _revision(connection) if VERSION_TABLE in names else None
    if found == REVISIONS[-1]:
        return
    if found is None and not names & metadata.tables.keys():
        _create(connection)
    elif found is None:
        _number(connection, names)
    elif found in REVISIONS:
        _migrate(connection)
    else:
        raise WrongSchemaError(
            f"The marketplace's database was written by a newer version of this program (schema {found}). "
            "Install that version."
        )


def _revision(connection: Connection) -> str | None:
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    _stamp(connection, REVISIONS[-1])


def _stamp(connection: Connection, revision: str) -> None:
    _version.create(connection, checkfirst=True)
    connection.execute(insert(_version).values(version_num=revision))


def _number(connection: Connection, names: set[str]) -> None:
    """Recognises tables without a number: older than numbers, or a creation that was broken off."""
    ours = names & metadata.tables.keys()
    found = _columns(
        {name: [column["name"] for column in inspect(connection).get_columns(name)] for name in ours}
    )
    if hashlib.sha256(found.encode()).hexdigest() == _UNNUMBERED:
        _stamp(connection, REVISIONS[0])
        _migrate(connection)
    elif found == _columns({name: metadata.tables[name].columns.keys() for name in ours}):
        _create(connection)
    else:
        raise WrongSchemaError(
            "These tables were made neither by this program nor by a version of it that can be brought up to date. "
            "Name another marketplace_database, or move this one away."
        )


def _columns(tables: Mapping[str, Iterable[str]]) -> str:
    return "\n".join(sorted(f"{name}.{column}" for name, columns in tables.items() for column in columns))


def _migrate(connection: Connection) -> None:
    # Alembic takes 80 ms to import; a database that is up to date does without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
