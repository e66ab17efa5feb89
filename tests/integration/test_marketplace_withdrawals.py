"""Prepaid money that goes out again, and the ledger as the operator reads it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from pixelpatchwork.marketplace import requesters, schema
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.clock import to_millis
from pixelpatchwork.marketplace.entries import Choice, entries
from pixelpatchwork.marketplace.market import DEFAULT_REQUESTER, Market
from pixelpatchwork.marketplace.requesters import RequesterError
from tests.support.marketplace import Bench, bench


@pytest.fixture
def market(database_url: str) -> Iterator[Bench]:
    with bench(database_url=database_url) as found:
        yield found


def inside(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def withdraw(market: Bench, cents: int, reference: str | None = None) -> bool:
    return inside(market).write(
        lambda moment: requesters.withdraw(moment, "requester", cents, reference=reference)
    )


def kinds(market: Bench, choice: Choice) -> list[str]:
    return inside(market).read(lambda moment: [entry.kind for entry in entries(moment, choice)])


def test_a_withdrawal_lowers_the_balance_and_the_ledger_balances(market: Bench) -> None:
    assert withdraw(market, 9_999_00)

    assert market.balance() == ("1.00", "0.00")
    assert inside(market).read(lambda moment: list(audit(moment.connection))) == []
    assert kinds(market, Choice()) == ["prepay", "withdraw"]


def test_what_is_held_for_hits_cannot_be_withdrawn(market: Bench) -> None:
    market.hit(Reward="1.00", MaxAssignments=1)
    with pytest.raises(RequesterError, match=r"9998\.80 USD available; 1\.20 more are held"):
        withdraw(market, 9_999_00)

    assert market.balance() == ("9998.80", "1.20")
    assert withdraw(market, 9_998_80)
    assert market.balance() == ("0.00", "1.20")


@pytest.mark.parametrize("cents", [0, -5])
def test_nothing_or_less_cannot_be_withdrawn(cents: int) -> None:
    with bench() as market, pytest.raises(RequesterError, match="less than a cent"):
        withdraw(market, cents)


def test_a_withdrawal_with_a_reference_is_made_once(market: Bench) -> None:
    made = [withdraw(market, 5_00, "transfer 7") for _ in range(3)]
    with pytest.raises(RequesterError, match=r"transfer 7 5\.00 USD were withdrawn already"):
        withdraw(market, 6_00, "transfer 7")

    assert made == [True, False, False]
    assert withdraw(market, 5_00, "transfer 8")
    assert withdraw(market, 5_00)
    assert market.balance()[0] == "9985.00"


def test_of_many_withdrawals_of_one_reference_at_once_one_is_made(market: Bench) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: withdraw(market, 5_00, "transfer 7"), range(6)))

    assert sorted(made) == [False] * 5 + [True]
    assert market.balance()[0] == "9995.00"


def test_two_requesters_may_use_one_reference(market: Bench) -> None:
    here = inside(market)
    here.write(lambda moment: requesters.add(moment, here.secret_key, "Lab", 10_00))

    assert withdraw(market, 5_00, "7")
    assert here.write(lambda moment: requesters.withdraw(moment, "Lab", 5_00, reference="7"))


def test_the_ledger_is_read_by_requester_by_worker_and_by_time(market: Bench) -> None:
    here = inside(market)
    lab = here.write(lambda moment: requesters.add(moment, here.secret_key, "Lab", 10_00))
    ann, ben = market.worker("Ann"), market.worker("Ben")
    hit_id = market.hit()
    for worker in (ann, ben):
        market.client.approve_assignment(AssignmentId=worker.work(hit_id))
    market.clock.advance(days=1)
    withdraw(market, 5_00, "7")
    noon = to_millis(datetime(2026, 11, 22, tzinfo=UTC))

    paid = ["reward", "fee"] * 2
    assert kinds(market, Choice(requester_id=DEFAULT_REQUESTER)) == ["prepay", "hold", *paid, "withdraw"]
    assert kinds(market, Choice(requester_id=lab)) == ["prepay"]
    assert kinds(market, Choice(worker_id=ann.worker_id)) == ["reward"]
    assert kinds(market, Choice(since=noon)) == ["withdraw"]
    assert kinds(market, Choice(worker_id=ann.worker_id, since=noon)) == []


def test_a_long_ledger_is_read_piece_by_piece_and_misses_nothing() -> None:
    with bench() as market:
        row = {"at": 0, "kind": "test", "from_account": "a", "to_account": "b", "cents": 1}
        with inside(market).database.begin(writes=True) as connection:
            connection.execute(insert(schema.ledger), [row] * 2_500)
        numbers = inside(market).read(
            lambda moment: [entry.number for entry in entries(moment, Choice())],
        )

    assert numbers == list(range(1, 2_502))
