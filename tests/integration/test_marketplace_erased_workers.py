"""A worker who asks to be forgotten: nothing tells any more who he was, and every book stays whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from pixelpatchwork.marketplace import payouts, workers
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.suspensions import SUSPENDED
from pixelpatchwork.marketplace.tables import metadata
from pixelpatchwork.marketplace.ways_in import SignUp
from pixelpatchwork.marketplace.workers import WorkerError, WorkerState
from tests.support.marketplace import Bench, bench
from tests.support.marketplace_ways_in import PASSWORD, join, place, sign_in, sign_up, try_to_join, visitor


def inside(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def erase(market: Bench, worker_id: str, *, unpaid: bool = False) -> None:
    inside(market).write(lambda moment: workers.erase(moment, worker_id, unpaid=unpaid))


def everything(market: Bench, tables: MetaData = metadata) -> str:
    """All rows of all tables."""
    with inside(market).database.begin(writes=False) as connection:
        return repr([connection.execute(select(table)).all() for table in tables.sorted_tables])


def test_nothing_in_any_table_tells_who_he_was() -> None:
    with place(SignUp.PASSWORD) as market:
        ann = visitor(market)
        ann.send("/signup", "form.signin", name="Annabelle", password=PASSWORD, country="IS")
        worker_id = ann.worker_id
        assignment_id = ann.work(market.hit())
        market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")
        market.client.notify_workers(Subject="Dear Annabelle", MessageText="Hello.", WorkerIds=[worker_id])
        assert "Annabelle" in everything(market)
        erase(market, worker_id)

        kept = everything(market)
        for personal in ("Annabelle", "scrypt:", "'IS'"):
            assert personal not in kept
        assert worker_id in kept


def test_his_panel_and_his_id_there_are_forgotten_and_the_link_opens_nothing_any_more() -> None:
    with place(SignUp.NAME) as market:
        worker_id = join(market, "00aa").worker_id
        erase(market, worker_id)
        refused = try_to_join(market, "00aa")

        assert (refused.status_code, SUSPENDED in refused.text) == (403, True)
        assert "00aa" not in everything(market)
        assert try_to_join(market, "00bb").status_code == 303


def test_his_name_opens_no_account_and_is_nobody_elses() -> None:
    with place(SignUp.PASSWORD) as market:
        ann = visitor(market)
        ann.send("/signup", "form.signin", name="Ann", password=PASSWORD)
        erase(market, ann.worker_id)

        assert ann.browser.get("/dashboard").status_code == 303
        assert (sign_in(market, "Ann").status_code, sign_up(market, "Ann").status_code) == (403, 409)


def test_requesters_books_stay_whole(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, hit_id = market.worker("Ann"), market.hit()
        worker_id, assignment_id = ann.worker_id, ann.work(hit_id)
        market.client.approve_assignment(AssignmentId=assignment_id)
        before = market.client.get_assignment(AssignmentId=assignment_id)["Assignment"]
        erase(market, worker_id, unpaid=True)

        assert market.client.get_assignment(AssignmentId=assignment_id)["Assignment"] == before
        assert inside(market).read(lambda moment: list(audit(moment.connection))) == []
        found = inside(market).read(lambda moment: workers.by_id(moment, worker_id))
        assert (found.state, found.name, found.owed) == (WorkerState.ERASED, workers.ERASED_NAME, 15)


def test_who_is_owed_money_or_may_yet_be_is_paid_first() -> None:
    with bench() as market:
        ann, ben = market.worker("Ann"), market.worker("Ben")
        hit_id = market.hit()
        market.client.approve_assignment(AssignmentId=ann.work(hit_id))
        ben.work(hit_id)
        with pytest.raises(WorkerError, match=r"0\.15 USD, and 0 of his answers"):
            erase(market, ann.worker_id)
        with pytest.raises(WorkerError, match=r"0\.00 USD, and 1 of his answers"):
            erase(market, ben.worker_id)
        assert ann.browser.get("/dashboard").status_code == 200

        here = inside(market)
        here.write(lambda moment: payouts.mark_paid(moment, payouts.due(moment, panel=None)))
        erase(market, ann.worker_id)


def test_an_erased_worker_is_on_no_list_of_payouts() -> None:
    with bench() as market:
        ann = market.worker("Ann")
        market.client.approve_assignment(AssignmentId=ann.work(market.hit()))
        erase(market, ann.worker_id, unpaid=True)

        assert inside(market).write(lambda moment: payouts.due(moment, panel=None)) == []


def test_a_message_to_an_erased_worker_comes_back_as_not_delivered() -> None:
    with bench() as market:
        ann, ben = market.worker("Ann"), market.worker("Ben")
        ids = [ann.worker_id, ben.worker_id]
        hit_id = market.hit()
        for worker in (ann, ben):
            market.client.approve_assignment(AssignmentId=worker.work(hit_id))
        erase(market, ids[0], unpaid=True)
        told = market.client.notify_workers(Subject="Hello", MessageText="Again?", WorkerIds=ids)

        failures = told["NotifyWorkersFailureStatuses"]
        assert [failure["WorkerId"] for failure in failures] == ids[:1]
        assert "Again?" in ben.browser.get("/messages").text


def test_erasing_is_for_good_and_happens_once(tmp_path: Path) -> None:
    with bench(database_url=f"sqlite:///{tmp_path / 'market.db'}") as market:
        worker_id = market.worker("Ann").worker_id
        erase(market, worker_id)
        kept = everything(market)
        market.clock.advance(days=1)
        erase(market, worker_id)

        assert everything(market) == kept
        with pytest.raises(WorkerError, match="was erased"):
            inside(market).write(lambda moment: workers.reinstate(moment, worker_id))
