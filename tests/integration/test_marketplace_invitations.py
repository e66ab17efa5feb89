"""Invitation links, and a marketplace that lets nobody new in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.marketplace import bench
from tests.support.marketplace_ways_in import PASSWORD, invitation, place, sign_in, sign_up, visitor


def test_an_invitation_lets_one_person_in_once() -> None:
    with place(SignUp.INVITE) as market:
        link = invitation(market)
        first = visitor(market).send(link, "form.signin", name="Ann", password=PASSWORD)
        second = market.app.test_client().get(link)

    assert first.location == "/"
    assert (second.status_code, "used already" in second.text) == (403, True)


def test_of_many_who_use_one_invitation_at_once_one_comes_in(database_url: str) -> None:
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.INVITE)) as market:
        link = invitation(market)
        guests = [visitor(market) for _ in range(6)]
        forms = [guest.page(link) for guest in guests]
        fields = [
            {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}
            for form in forms
        ]

        def come(number: int) -> int:
            data = fields[number] | {"name": f"Guest {number}", "password": PASSWORD}
            return guests[number].browser.post("/signup", data=data).status_code

        with ThreadPoolExecutor(6) as pool:
            statuses = sorted(pool.map(come, range(6)))

    assert statuses == [303, *[403] * 5]


def test_an_invitation_that_is_over_altered_or_missing_lets_nobody_in() -> None:
    with place(SignUp.INVITE) as market:
        link = invitation(market, days=1)
        market.clock.advance(hours=23)
        assert market.app.test_client().get(link).status_code == 200
        market.clock.advance(hours=1)
        nonce, expiry, signature = link.rpartition("/")[2].split(".")
        links = [
            link,
            f"/invite/{nonce}.{int(expiry) * 2}.{signature}",
            "/invite/x",
            "/invite/é.1.x",
            "/signup",
        ]

        assert [market.app.test_client().get(one).status_code for one in links] == [403] * 5
        ann = visitor(market)
        token = ann.page("/signin").select_one("input[name=csrf_token]")
        assert token is not None
        data = {"csrf_token": str(token["value"]), "name": "Ann", "password": PASSWORD}
        assert ann.browser.post("/signup", data=data).status_code == 403


def test_a_closed_marketplace_lets_in_only_who_has_a_password_there(database_url: str) -> None:
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.PASSWORD)) as market:
        sign_up(market, "Ann")
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.CLOSED)) as market:
        statuses = [sign_in(market, "Ann").status_code, sign_in(market, "Eve").status_code]
        statuses.append(market.app.test_client().get("/signup").status_code)

    assert statuses == [303, 403, 403]
