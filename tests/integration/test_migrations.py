"""The schema's life: made from nothing, brought up to date from any age, and never by two at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from pixelpatchwork.adapters.database import check, open_store, upgrade
from pixelpatchwork.adapters.database.engine import build_engine, parse_url
from pixelpatchwork.adapters.database.revisions import MIGRATIONS
from pixelpatchwork.adapters.database.schema import REVISIONS, VERSION_TABLE, metadata
from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.model import Decision, Settlement
from pixelpatchwork.domain.money import Usd

HEAD = REVISIONS[-1]
TABLES = {
    "Study",
    "User",
    "Image",
    "Day",
    "Round",
    "Hit",
    "Assignment",
    "Edit",
    "Vote",
    "Bonus",
    "Event",
}


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def differences(url: str) -> list[object]:
    """What Alembic would change to make the database's tables those of `schema.metadata`."""
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    with connected(url) as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def upgrade_to(url: str, revision: str) -> None:
    """A database as an older version of the program left it."""
    engine = build_engine(parse_url(url), enforce_keys=False)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_the_program_knows_its_migrations_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == REVISIONS


def test_an_empty_database_gets_the_tables_of_the_design(database_url: str) -> None:
    assert upgrade(database_url) == (None, HEAD)
    with connected(database_url) as connection:
        assert set(inspect(connection).get_table_names()) == TABLES | {VERSION_TABLE}


def test_migrations_and_metadata_describe_the_same_tables(database_url: str) -> None:
    upgrade(database_url)
    assert differences(database_url) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_any_older_schema_is_brought_up_to_date(database_url: str, revision: str) -> None:
    upgrade_to(database_url, revision)
    assert upgrade(database_url) == (revision, HEAD)
    assert differences(database_url) == []


def test_an_upgrade_may_be_repeated(database_url: str) -> None:
    upgrade(database_url)
    assert upgrade(database_url) == (HEAD, HEAD)
    open_store(database_url).close()


def test_several_may_upgrade_at_once(database_url: str) -> None:
    barrier = Barrier(4)

    def start(_number: int) -> tuple[str | None, str]:
        barrier.wait()
        return upgrade(database_url)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(start, range(4)))
    assert sorted(found, key=str) == [(HEAD, HEAD)] * 3 + [(None, HEAD)]
    assert differences(database_url) == []


@pytest.mark.mysql
def test_an_upgrade_stopped_half_way_on_mysql_goes_on_where_it_stopped(mysql_url: str) -> None:
    """MySQL commits after every CREATE: some tables and indexes are there, the revision is not."""
    upgrade(mysql_url)
    with connected(mysql_url) as connection:
        connection.execute(text(f"DELETE FROM `{VERSION_TABLE}`"))
        for table in ("Event", "Bonus", "Vote"):
            connection.execute(text(f"DROP TABLE `{table}`"))
        connection.execute(text("DROP INDEX `ix_Image_day` ON `Image`"))
    assert upgrade(mysql_url) == (None, HEAD)
    assert differences(mysql_url) == []


def test_an_upgrade_that_fails_on_sqlite_leaves_nothing_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    with connected(url) as connection:
        connection.execute(text('CREATE TABLE "Vote" (something_else INTEGER)'))
    with pytest.raises(StoreError):
        upgrade(url)
    with connected(url) as connection:
        assert inspect(connection).get_table_names() == ["Vote"]


@pytest.mark.mysql
def test_texts_on_mysql_hold_every_character_and_compare_byte_by_byte(mysql_url: str) -> None:
    upgrade(mysql_url)
    query = text(
        "SELECT table_name, table_collation FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name <> :version"
    )
    with connected(mysql_url) as connection:
        rows = [tuple(row) for row in connection.execute(query, {"version": VERSION_TABLE})]
    assert {collation for _, collation in rows} == {"utf8mb4_bin"}
    assert {name for name, _ in rows} == TABLES


def test_a_folder_with_a_percent_sign_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "100% mine"
    folder.mkdir()
    assert upgrade(f"sqlite:///{folder / 'study.db'}") == (None, HEAD)


# A store opens only what it was written for


def test_a_database_without_tables_is_sent_to_init(database_url: str) -> None:
    with connected(database_url):
        pass
    with pytest.raises(StoreError, match="Run: ppw init"):
        open_store(database_url)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with pytest.raises(StoreError, match=r"no database yet\. Run: ppw init"):
        open_store(f"sqlite:///{path}")
    assert not path.exists()


def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    upgrade(database_url)
    with connected(database_url) as connection:
        quote = connection.dialect.identifier_preparer.quote
        connection.execute(text(f"UPDATE {quote(VERSION_TABLE)} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer than this program"):
        open_store(database_url)
    with pytest.raises(StoreError, match="newer than this program"):
        upgrade(database_url)


def test_an_older_schema_is_sent_to_init(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(database_url)
    monkeypatch.setattr("pixelpatchwork.adapters.database.revisions.REVISIONS", (*REVISIONS, "next"))
    with pytest.raises(StoreError, match=r"older than this program.*Run: ppw init"):
        open_store(database_url)


def test_the_doctor_is_told_which_database_it_is(database_url: str) -> None:
    upgrade(database_url)
    named = check(database_url)
    assert named.startswith("SQLite " if database_url.startswith("sqlite") else ("MariaDB ", "MySQL "))
    assert named.endswith(f"schema {HEAD}")


def test_a_database_in_memory_is_ready_at_once_and_cannot_be_upgraded() -> None:
    store = open_store("sqlite://")
    assert store.days() == ()
    store.close()
    with pytest.raises(StoreError, match="in memory"):
        upgrade("sqlite://")


def test_pay_and_rounds_of_an_older_study_are_told_in_the_newer_words(database_url: str) -> None:
    upgrade_to(database_url, "0001")
    with connected(database_url) as connection:
        for statement in OLD_STUDY:
            connection.execute(
                text(statement if connection.dialect.name == "sqlite" else mysql_quoted(statement))
            )
    upgrade(database_url)
    store = open_store(database_url)
    try:
        (found,) = store.rounds()
        assert (found.attempt, found.edit_usd, found.cancelled_at) == (1, Usd("0.00"), None)
        assert [hit.checks for hit in store.hits(found.round_id)] == [()]
        told = {
            one.assignment_id: (one.decision, one.settlement) for one in store.assignments(found.round_id)
        }
    finally:
        store.close()
    assert told == {
        "stored": (None, None),
        "judged": (Decision.APPROVE, None),
        "paid": (Decision.APPROVE, Settlement.APPROVED),
        "gone": (Decision.APPROVE, Settlement.LOST),
    }


def mysql_quoted(statement: str) -> str:
    return statement.replace('"', "`")


AT = "'2026-03-01 12:00:00.000000'"
ANSWER = (
    "INSERT INTO \"Assignment\" VALUES ({}, 't', 'u', '', {at}, {at}, {at}, {}, {}, NULL, {}, NULL, NULL)"
)
OLD_STUDY = (
    f"INSERT INTO \"Image\" VALUES ('seed', 'a', 'b', NULL, '', '', {AT}, NULL, '2026-03-01', NULL, NULL, 2,"
    " 2, '', 0, 0, 0, 'visible')",
    "INSERT INTO \"Day\" VALUES ('2026-03-01', 1, 'seed', NULL, 0, 0, 1)",
    f"INSERT INTO \"User\" VALUES ('u', 'U', {AT}, 0, 'W')",
    f"INSERT INTO \"Round\" VALUES ('r', 1, 'generation', 'open', '0.25', {AT}, NULL, '', '{{}}')",
    "INSERT INTO \"Hit\" VALUES ('t', 'r', 0, 'a', 9, '[]', 'open', 'H', NULL)",
    ANSWER.format("'stored'", "'stored'", "NULL", "NULL", at=AT),
    ANSWER.format("'judged'", "'judged'", "'usable'", "NULL", at=AT),
    ANSWER.format("'paid'", "'settled'", "'usable'", AT, at=AT),
    ANSWER.format("'gone'", "'settled'", "'usable'", AT, at=AT),
    f"INSERT INTO \"Event\" VALUES (1, {AT}, 'not_approved', 'gone', '')",
)
