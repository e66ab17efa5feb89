"""The marketplace's schema grows up: old databases are brought up to date, strange ones are left alone."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from pixelpatchwork.marketplace import revisions, schema
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.revisions import REVISIONS, VERSION_TABLE, WrongSchemaError
from pixelpatchwork.marketplace.tables import metadata

FIRST = import_module("pixelpatchwork.marketplace.migrations.versions.0001_first_tables")


def differences(database: Database) -> list[Any]:
    with database.begin(writes=False) as connection:
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return [change for change in compare_metadata(found, metadata) if "sqlite_" not in str(change)]


def unnumbered(database: Database) -> None:
    with database.begin(writes=True) as connection:
        FIRST.metadata.create_all(connection)


def number(connection: Connection) -> str:
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())


def test_the_migrations_lead_to_the_tables_that_a_fresh_database_gets(database_url: str) -> None:
    old = Database(database_url)
    unnumbered(old)
    old.create_tables()

    assert differences(old) == []
    with old.begin(writes=False) as connection:
        assert number(connection) == REVISIONS[-1]
    old.close()


def test_a_fresh_database_has_the_newest_number(database_url: str) -> None:
    fresh = Database(database_url)
    fresh.create_tables()
    fresh.create_tables()

    assert differences(fresh) == []
    with fresh.begin(writes=False) as connection:
        assert number(connection) == REVISIONS[-1]
    fresh.close()


def test_what_stood_in_an_old_database_is_still_there_and_done_hits_get_their_disposal(
    database_url: str,
) -> None:
    old = Database(database_url)
    unnumbered(old)
    with old.begin(writes=True) as connection:
        connection.execute(insert(FIRST.metadata.tables["hit"]), done_hit())
    old.create_tables()

    with old.begin(writes=False) as connection:
        row = connection.execute(select(schema.hit)).one()
    assert (row.hit_id, row.due_at) == ("3OLD", 1_000 + 120 * 86_400_000)
    old.close()


def done_hit() -> dict[str, object]:
    counts = {"max_assignments": 1, "available": 1, "pending": 0, "completed": 0, "held_slots": 0}
    money = {"reward_cents": 5, "fee_cents": 1}
    return {
        **counts,
        **money,
        "hit_id": "3OLD",
        "hit_type_id": "3TYPE",
        "requester_id": "A1",
        "status": "Reviewable",
        "reviewing": False,
        "disposed": False,
        "duration_s": 60,
        "auto_approval_s": 60,
        "created_at": 0,
        "expires_at": 1_000,
    }


def test_an_upgrade_that_was_broken_off_half_way_goes_on(database_url: str) -> None:
    old = Database(database_url)
    unnumbered(old)
    with old.begin(writes=True) as connection:
        metadata.tables["outbox"].create(connection)
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('0001')"))
    old.create_tables()

    assert differences(old) == []
    old.close()


def test_a_creation_that_was_broken_off_half_way_goes_on(database_url: str) -> None:
    half = Database(database_url)
    with half.begin(writes=True) as connection:
        metadata.tables["setting"].create(connection)
        metadata.tables["worker"].create(connection)
    half.create_tables()

    assert differences(half) == []
    half.close()


def test_tables_of_the_same_names_that_are_not_ours_are_left_alone(database_url: str) -> None:
    strange = Database(database_url)
    with strange.begin(writes=True) as connection:
        connection.execute(text("CREATE TABLE worker (salary INTEGER)"))

    with pytest.raises(WrongSchemaError, match="Name another marketplace_database"):
        strange.create_tables()
    strange.close()


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    newer = Database(database_url)
    newer.create_tables()
    with newer.begin(writes=True) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(WrongSchemaError, match="schema 9999"):
        newer.create_tables()
    newer.close()


def test_many_processes_that_start_at_once_upgrade_once(database_url: str) -> None:
    first = Database(database_url)
    unnumbered(first)
    others = [Database(database_url) for _ in range(6)]
    faults: list[BaseException] = []

    def upgrade(database: Database) -> None:
        try:
            database.create_tables()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert differences(first) == []
    for database in (first, *others):
        database.close()


def test_the_revisions_are_those_of_the_migrations() -> None:
    files = sorted((revisions.MIGRATIONS / "versions").glob("*.py"))
    assert tuple(file.name[:4] for file in files) == REVISIONS
