"""Rows that time cannot settle: they are put off and said once, and everybody else's deadlines go on."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from pixelpatchwork.marketplace import schema
from tests.support.marketplace import Bench, bench

DAY = 86_400


def change(market: Bench, statement: Any) -> None:
    with market.app.extensions["marketplace"].database.begin(writes=True) as connection:
        connection.execute(statement)


def no_such_status(market: Bench, hit_id: str) -> None:
    change(
        market,
        update(schema.assignment).where(schema.assignment.c.hit_id == hit_id).values(status="Nonsense"),
    )


def nobody_pending(market: Bench, hit_id: str) -> None:
    change(market, update(schema.hit).where(schema.hit.c.hit_id == hit_id).values(pending=0, available=1))


def no_hit(market: Bench, hit_id: str) -> None:
    change(market, delete(schema.hit).where(schema.hit.c.hit_id == hit_id))


def no_hit_status(market: Bench, hit_id: str) -> None:
    change(
        market, update(schema.hit).where(schema.hit.c.hit_id == hit_id).values(status="Nonsense", due_at=1)
    )


def due_at_once_for_ever(market: Bench, hit_id: str) -> None:
    columns = schema.assignment.c
    change(
        market,
        update(schema.assignment)
        .where(columns.hit_id == hit_id)
        .values(due_at=1, deadline_at=columns.deadline_at + 1_000 * DAY),
    )


@pytest.mark.parametrize(
    "spoil", [no_such_status, nobody_pending, no_hit, no_hit_status, due_at_once_for_ever]
)
def test_a_row_that_cannot_be_settled_stops_nobody(
    database_url: str, spoil: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with bench(database_url=database_url) as market:
        faulty, sound = market.hit(MaxAssignments=1), market.hit(MaxAssignments=1)
        ann, ben = market.worker("Ann"), market.worker("Ben")
        ann.accept(faulty)
        ben.accept(sound)
        spoil(market, faulty)
        market.clock.advance(seconds=601)

        with caplog.at_level(logging.ERROR):
            statuses = [ann.browser.get("/").status_code for _ in range(3)]

        assert statuses == [200] * 3
        assert market.get(sound)["NumberOfAssignmentsAvailable"] == 1
        assert market.balance()
        told = [record for record in caplog.records if "cannot be settled" in record.getMessage()]
        assert len(told) == 1
        assert all(
            secret not in told[0].getMessage() + str(told[0].exc_info)
            for secret in (ann.worker_id, "Ann", "Nonsense")
        )


def test_a_faulty_row_is_tried_again_after_an_hour_and_settled_where_it_was_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with bench() as market:
        hit_id = market.hit(MaxAssignments=1)
        market.worker().accept(hit_id)
        no_such_status(market, hit_id)
        market.clock.advance(seconds=601)
        market.balance()
        change(market, update(schema.assignment).values(status="Accepted"))
        market.clock.advance(minutes=59)
        early = market.get(hit_id)["NumberOfAssignmentsPending"]
        market.clock.advance(minutes=1)

        assert (early, market.get(hit_id)["NumberOfAssignmentsPending"]) == (1, 0)
        assert len(caplog.records) == 1


def test_a_hit_that_was_put_off_expires_at_its_own_time_when_it_was_mended() -> None:
    with bench() as market:
        hit_id = market.hit(LifetimeInSeconds=3600)
        columns = schema.hit.c
        change(market, update(schema.hit).values(status="Nonsense"))
        market.clock.advance(seconds=3601)
        market.balance()
        change(market, update(schema.hit).where(columns.hit_id == hit_id).values(status="Assignable"))
        market.clock.advance(hours=1)
        market.balance()

        with market.app.extensions["marketplace"].database.begin(writes=False) as connection:
            row = connection.execute(select(schema.hit)).one()
        assert row.status == "Reviewable"
        assert row.due_at == row.expires_at + 120 * DAY * 1000


def test_many_faulty_rows_do_not_keep_the_sound_ones_waiting(caplog: pytest.LogCaptureFixture) -> None:
    with bench() as market:
        faulty = market.hit(MaxAssignments=120)
        workers = [market.worker() for _ in range(120)]
        for worker in workers:
            worker.accept(faulty)
        no_such_status(market, faulty)
        sound = market.hit(MaxAssignments=1)
        market.worker().accept(sound)
        market.clock.advance(seconds=601)

        assert market.get(sound)["NumberOfAssignmentsAvailable"] == 1
        assert [record.getMessage().split()[0] for record in caplog.records] == ["100", "20"]


def test_the_ordinary_case_needs_no_savepoint_and_as_many_statements_as_ever(database_url: str) -> None:
    counts, savepoints = [], []
    with bench(database_url=database_url) as market:
        engine = market.app.extensions["marketplace"].database.engine
        for count in (1, 2):
            for _ in range(count):
                market.worker().accept(market.hit(MaxAssignments=1))
            market.clock.advance(seconds=601)
            event.listen(engine, "savepoint", noted := lambda *_arguments: savepoints.append(1))
            counts.append(market.sql_statements(market.balance))
            event.remove(engine, "savepoint", noted)

    assert counts[1] - counts[0] == 3  # a row is found, and it and its HIT are changed
    assert savepoints == []
