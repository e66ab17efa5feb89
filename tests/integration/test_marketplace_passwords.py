"""Names and passwords: whose name is whose, and what signing in and out does to sessions."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from pixelpatchwork.marketplace.people import is_right
from pixelpatchwork.marketplace.tables import credential
from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.marketplace import bench
from tests.support.marketplace_ways_in import PASSWORD, place, query, session, sign_in, sign_up, visitor


def test_a_name_and_a_password_sign_up_and_in() -> None:
    with place(SignUp.PASSWORD) as market:
        assert sign_up(market, "Ann", country="DE").location == "/"
        assert sign_in(market, "ann").location == "/"


def test_a_wrong_password_and_a_name_nobody_has_look_the_same() -> None:
    with place(SignUp.PASSWORD) as market:
        sign_up(market, "Ann")

        wrong, nobody = sign_in(market, "Ann", "wrong password"), sign_in(market, "Ben", "wrong password")

    assert (wrong.status_code, nobody.status_code) == (403, 403)
    told = [BeautifulSoup(page.text, "html.parser").select_one("[role=alert]") for page in (wrong, nobody)]
    assert told[0] == told[1]


def test_a_password_is_compared_even_for_a_name_that_nobody_has() -> None:
    assert not is_right("nobody has this one", None)


def test_a_name_that_is_taken_cannot_be_taken_over() -> None:
    with place(SignUp.PASSWORD) as market:
        sign_up(market, "Ann")
        again = sign_up(market, " ANN ", "another password")

        assert (again.status_code, sign_in(market, "Ann").status_code) == (409, 303)


def test_a_name_with_a_password_needs_it_where_names_alone_are_enough(database_url: str) -> None:
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.PASSWORD)) as market:
        assert sign_up(market, "Ann").status_code == 303
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.NAME)) as market:
        refused = visitor(market).send("/signin", "form.signin", name="Ann")
        market.worker("Ben")
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.PASSWORD)) as market:
        taken = sign_up(market, "Ben")

    assert (refused.status_code, "has a password" in refused.text) == (403, True)
    assert taken.status_code == 409


@pytest.mark.parametrize("password", ["", "too short", "a" * 12, "x" * 201, "Annabelle77"])
def test_a_poor_password_is_refused_with_the_rule(password: str) -> None:
    with place(SignUp.PASSWORD) as market:
        refused = sign_up(market, "Annabelle77", password)

    assert (refused.status_code, "Choose a password" in refused.text) == (400, True)


def test_only_a_hash_of_the_password_is_kept() -> None:
    with place(SignUp.PASSWORD) as market:
        sign_up(market, "Ann")
        kept = query(market, select(credential.c.password_hash))

    assert kept.startswith("scrypt:")
    assert PASSWORD not in kept


def test_signing_in_starts_a_session_of_its_own() -> None:
    with place(SignUp.PASSWORD) as market:
        sign_up(market, "Ann")
        ann = visitor(market)
        ann.page("/signin")
        before = session(ann.browser)
        ann.send("/signin", "form.signin", name="Ann", password=PASSWORD)

        assert session(ann.browser).get("csrf") != before["csrf"]


def test_a_copy_of_the_cookie_opens_nothing_after_signing_out() -> None:
    with place(SignUp.PASSWORD) as market:
        sign_up(market, "Ann")
        ann, thief, ben = visitor(market), visitor(market), visitor(market)
        ann.send("/signin", "form.signin", name="Ann", password=PASSWORD)
        ben.send("/signup", "form.signin", name="Ben", password=PASSWORD)
        with thief.browser.session_transaction() as copy:
            copy.update(session(ann.browser))
        before = thief.browser.get("/dashboard").status_code
        ann.send("/", "form.signout")
        after = [worker.browser.get("/dashboard").status_code for worker in (thief, ann, ben)]
        ann.send("/signin", "form.signin", name="Ann", password=PASSWORD)

        assert (before, after) == (200, [303, 303, 200])
        assert ann.browser.get("/dashboard").status_code == 200
        assert thief.browser.get("/dashboard").status_code == 303
