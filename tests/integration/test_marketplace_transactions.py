"""What a call costs the database, and what becomes of a transaction whose connection dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Connection, create_engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from tests.support.marketplace import Bench, bench, hit_request

CONNECTIONS = text("SELECT id FROM information_schema.processlist WHERE db = :name AND id <> CONNECTION_ID()")
OPEN = text(
    "SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist "
    "ON id = trx_mysql_thread_id WHERE db = :name"
)


def statements(here: Bench, act: Callable[[], object]) -> list[str]:
    """The statements of an act, without those that only begin a transaction."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    engine = here.app.extensions["marketplace"].database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen


def test_a_call_over_a_socket_costs_few_statements() -> None:
    """Of each call four are the frame: the signature twice, what came due, and whether the caller is suspended."""
    with bench("served") as here:
        hit_id = here.hit()
        (assignment_id,) = here.submitted(hit_id)
        cost = {
            "create": len(statements(here, lambda: here.hit(UniqueRequestToken="one"))),
            "get": len(statements(here, lambda: here.get(hit_id))),
            "list": len(statements(here, lambda: here.client.list_assignments_for_hit(HITId=hit_id))),
            "approve": len(
                statements(here, lambda: here.client.approve_assignment(AssignmentId=assignment_id))
            ),
        }

    assert cost == {"create": 4 + 6, "get": 4 + 1, "list": 4 + 1, "approve": 4 + 5}


def test_a_wrong_question_is_refused_before_a_transaction_begins() -> None:
    with bench("served") as here:

        def refused() -> None:
            with pytest.raises(ClientError, match="error parsing the XML"):
                here.hit(Question="<broken")

        (who_calls,) = statements(here, refused)
        assert who_calls.startswith("SELECT requester.requester_id, requester.suspended_at")


def test_what_a_new_hit_is_answered_with_is_what_is_stored() -> None:
    with bench() as here:
        for changes in ({}, {"Keywords": "paint, mask"}, {"RequesterAnnotation": "day 1"}):
            made = here.client.create_hit(**hit_request(**changes))["HIT"]

            assert made == here.get(made["HITId"])


class Deadly:
    """A MariaDB database, and the means to cut connections to it."""

    def __init__(self, url: str, market: Market) -> None:
        self.market = market
        self._engine = create_engine(url)
        self._name = {"name": self._engine.url.database}

    def cut(self, number: int | None = None) -> None:
        """Ends a connection by its number, or every one but its own."""
        with self._engine.connect() as connection:
            numbers = [number] if number else connection.execute(CONNECTIONS, self._name).scalars().all()
            for each in numbers:
                connection.execute(text(f"KILL {each}"))

    def open_transactions(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(OPEN, self._name).scalar_one())

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def deadly(here: Bench, url: str) -> Iterator[Deadly]:
    found = Deadly(url, here.app.extensions["marketplace"])
    try:
        yield found
    finally:
        found.close()


def number_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT CONNECTION_ID()")).scalar_one())


def note(moment: Moment, name: str) -> None:
    moment.connection.execute(insert(schema.setting), {"name": name, "value": "1"})


def noted(database: Database, name: str) -> int:
    count = select(func.count()).where(schema.setting.c.name == name)
    return database.run(lambda connection: int(connection.execute(count).scalar_one()), writes=False)


@pytest.mark.mysql
def test_connections_that_died_in_the_pool_are_noticed_by_nobody(mysql_url: str) -> None:
    with bench("served", database_url=mysql_url) as here, deadly(here, mysql_url) as server:
        hit_id = here.hit()
        for _ in range(3):
            server.cut()
            here.get(hit_id)
            server.cut()
            here.hit()

        assert here.client.list_hits()["NumResults"] == 4


@pytest.mark.mysql
def test_an_act_whose_connection_dies_before_the_commit_is_done_once(mysql_url: str) -> None:
    with bench(database_url=mysql_url) as here, deadly(here, mysql_url) as server:
        runs: list[int] = []

        def act(moment: Moment) -> None:
            runs.append(number_of(moment.connection))
            note(moment, "done")
            if len(runs) == 1:
                server.cut(runs[0])
            number_of(moment.connection)

        server.market.write(act)

        assert len(set(runs)) == len(runs) == 2
        assert noted(server.market.database, "done") == 1


@pytest.mark.mysql
def test_an_act_whose_commit_fails_is_not_done_again(mysql_url: str) -> None:
    """Nobody knows whether it was done."""
    with bench(database_url=mysql_url) as here, deadly(here, mysql_url) as server:
        runs: list[int] = []

        def act(moment: Moment) -> None:
            runs.append(number_of(moment.connection))
            note(moment, "done")
            server.cut(runs[0])

        with pytest.raises(DBAPIError):
            server.market.write(act)

        assert len(runs) == 1
        assert noted(server.market.database, "done") == 0


@pytest.mark.mysql
def test_no_connection_returns_to_the_pool_with_a_transaction_open(mysql_url: str) -> None:
    with bench("served", database_url=mysql_url) as here, deadly(here, mysql_url) as server:
        here.hit()
        with pytest.raises(ClientError):
            here.get("3UNKNOWN")
        with pytest.raises(ClientError):
            here.client.approve_assignment(AssignmentId="3UNKNOWN")
        raw = server.market.database.engine.raw_connection()
        raw.cursor().execute("SELECT * FROM hit FOR UPDATE")
        raw.close()

        assert server.open_transactions() == 0
