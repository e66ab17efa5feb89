"""What a store says when the database refuses, is not there or is not one; and what it never says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pymysql
import pytest
import stamina
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import OperationalError

from pixelpatchwork.adapters.database import SqlStore, check, open_store, upgrade
from pixelpatchwork.adapters.database.engine import Database, build_engine, parse_url
from pixelpatchwork.domain.errors import StoreError
from tests.support.records import NOW, begin_voting, usable, vote
from tests.support.stores import fresh_store


def message_of(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(url)
    return str(caught.value)


def test_a_server_that_does_not_answer_is_named_as_the_fault_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        message = message_of(f"mysql+pymysql://me:hidden@127.0.0.1:{unused.getsockname()[1]}/study")
    assert "could not be reached" in message
    assert "hidden" not in message


@pytest.mark.mysql
def test_a_wrong_password_is_named_as_the_fault_without_being_shown(mysql_url: str) -> None:
    message = message_of(make_url(mysql_url).set(username="me", password="hidden").render_as_string(False))
    assert "password" in message
    assert "hidden" not in message


@pytest.mark.mysql
def test_a_database_that_does_not_exist_comes_with_the_way_to_create_it(mysql_url: str) -> None:
    assert "CREATE DATABASE" in message_of(make_url(mysql_url).set(database="none").render_as_string(False))


@pytest.mark.mysql
@pytest.mark.parametrize("family", ["mysql", "mariadb", "mariadb+pymysql"])
def test_a_url_need_not_name_the_driver(mysql_url: str, family: str) -> None:
    url = make_url(mysql_url).set(drivername=family).render_as_string(False)
    upgrade(url)
    assert "schema" in check(url)


@pytest.mark.parametrize("url", ["", "study.db", "://", "sqlite+none:///x", "oracle://me:hidden@host/x"])
def test_a_url_that_is_none_of_ours_is_refused_without_being_shown(url: str) -> None:
    assert "hidden" not in message_of(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(b"GIF89a, not a database" * 100)
    assert "not a database" in message_of(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="not a database"):
        upgrade(f"sqlite:///{path}")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        upgrade(f"sqlite:///{tmp_path / 'none' / 'study.db'}")


def test_a_refused_record_is_not_quoted(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        begin_voting(store, "boat")
        with pytest.raises(StoreError) as caught:
            store.record_judgements([usable("ballot-001", votes=[vote(1, "secret-image")])], at=NOW)
    assert "secret-image" not in str(caught.value)
    assert "secret-image" not in str(caught.value.__cause__)


# Deadlocks


def refusal(code: int) -> OperationalError:
    return OperationalError("UPDATE", None, pymysql.err.OperationalError(code, "Try restarting transaction"))


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database(build_engine(parse_url("sqlite://")))
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize("code", [1205, 1213])
def test_a_transaction_ended_for_anothers_sake_is_run_again_from_a_clean_start(
    database: Database, code: int
) -> None:
    runs: list[int] = []

    def work(connection: Connection) -> int:
        runs.append(1)
        connection.execute(text("CREATE TABLE t (x INTEGER)"))  # fails unless the run before was undone
        if len(runs) < 3:
            raise refusal(code)
        return len(runs)

    with stamina.set_testing(True, attempts=12):
        assert database.write(work) == 3


def test_a_conflict_that_does_not_pass_ends_in_an_error(database: Database) -> None:
    runs: list[int] = []

    def work(_connection: Connection) -> NoReturn:
        runs.append(1)
        raise refusal(1213)

    with stamina.set_testing(True, attempts=12), pytest.raises(StoreError, match="busy"):
        database.write(work)
    assert len(runs) == 12


def test_a_lost_connection_is_not_tried_again_because_the_commit_may_have_happened(
    database: Database,
) -> None:
    runs: list[int] = []

    def work(_connection: Connection) -> NoReturn:
        runs.append(1)
        raise refusal(2013)

    with pytest.raises(StoreError, match="lost"):
        database.write(work)
    assert len(runs) == 1


def test_a_closed_store_opens_its_connections_anew(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        store.close()
        assert isinstance(store, SqlStore)
        assert store.days() == ()
