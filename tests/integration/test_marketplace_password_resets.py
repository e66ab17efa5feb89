"""A new password by a link: the old one and all sessions end with it, and it is good once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from pixelpatchwork.marketplace import password_resets, workers
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.password_resets import ResetError
from pixelpatchwork.marketplace.suspensions import SUSPENDED
from pixelpatchwork.marketplace.tables import password_reset
from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.marketplace import Bench, Worker, bench
from tests.support.marketplace_ways_in import PASSWORD, place, query, sign_in, visitor

NEW = "another good password"


def inside(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def signed_up(market: Bench, name: str = "Ann") -> Worker:
    worker = visitor(market)
    assert worker.send("/signup", "form.signin", name=name, password=PASSWORD).status_code == 303
    return worker


def link(market: Bench, worker_id: str, days: int = 3) -> str:
    token = inside(market).write(lambda moment: password_resets.offer(moment, worker_id, days))
    return f"/reset/{token}"


def test_a_link_sets_a_new_password_and_signs_in(database_url: str) -> None:
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.PASSWORD)) as market:
        path = link(market, signed_up(market).worker_id)
        ann = visitor(market)
        chosen = ann.send(path, "form.signin", password=NEW)

        assert (chosen.status_code, chosen.location) == (303, "/")
        assert ann.browser.get("/dashboard").status_code == 200
        assert (sign_in(market, "Ann", NEW).status_code, sign_in(market, "Ann").status_code) == (303, 403)


def test_the_old_password_and_all_sessions_end_as_the_link_is_made() -> None:
    with place(SignUp.PASSWORD) as market:
        ann = signed_up(market)
        link(market, ann.worker_id)

        assert ann.browser.get("/dashboard").status_code == 303
        assert sign_in(market, "Ann").status_code == 403


def test_a_link_is_good_once() -> None:
    with place(SignUp.PASSWORD) as market:
        path = link(market, signed_up(market).worker_id)
        late = visitor(market)
        form = late.page(path).select_one("form.signin")
        assert form is not None
        hidden = {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}
        visitor(market).send(path, "form.signin", password=NEW)

        second = late.browser.post(path, data=hidden | {"password": "mine, not hers"})
        assert (second.status_code, "used already" in second.text) == (403, True)
        assert sign_in(market, "Ann", NEW).status_code == 303


def test_only_the_newest_link_is_good_and_only_for_its_days() -> None:
    with place(SignUp.PASSWORD) as market:
        worker_id = signed_up(market).worker_id
        first, second = (link(market, worker_id, days=1) for _ in range(2))
        anybody = market.app.test_client()
        statuses = [anybody.get(path).status_code for path in (first, second, "/reset/é", "/reset/x")]
        market.clock.advance(days=1)

        assert statuses == [403, 200, 403, 403]
        assert anybody.get(second).status_code == 403


def test_a_poor_password_leaves_the_link_good() -> None:
    with place(SignUp.PASSWORD) as market:
        path = link(market, signed_up(market).worker_id)
        ann = visitor(market)
        poor = ann.send(path, "form.signin", password="short")

        assert (poor.status_code, "at least 10 characters" in poor.text) == (400, True)
        assert ann.send(path, "form.signin", password=NEW).status_code == 303


def test_a_form_without_the_sessions_token_sets_nothing() -> None:
    with place(SignUp.PASSWORD) as market:
        path = link(market, signed_up(market).worker_id)

        assert market.app.test_client().post(path, data={"password": NEW}).status_code == 400
        assert sign_in(market, "Ann", NEW).status_code == 403


def test_a_new_password_does_not_let_a_suspended_worker_in() -> None:
    with place(SignUp.PASSWORD) as market:
        worker_id = signed_up(market).worker_id
        path = link(market, worker_id)
        inside(market).write(lambda moment: workers.suspend(moment, worker_id))
        ann = visitor(market)
        refused = ann.send(path, "form.signin", password=NEW)

        assert (refused.status_code, SUSPENDED in refused.text) == (403, True)
        assert ann.browser.get("/dashboard").status_code == 303


def test_who_has_no_password_gets_none() -> None:
    with bench() as market:
        worker_id = market.worker("Ann").worker_id
        with pytest.raises(ResetError, match="has no password"):
            link(market, worker_id)


def test_the_table_holds_no_link() -> None:
    with place(SignUp.PASSWORD) as market:
        path = link(market, signed_up(market).worker_id)

        assert query(market, select(password_reset.c.token_hash)) not in path
