"""Participants of a recruiting panel: how they come, what they see, and how they get back."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace

import pytest

from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.marketplace import bench
from tests.support.marketplace_ways_in import COMPLETE, PANEL, join, place, session, visitor


def test_a_participant_who_returns_is_the_same_worker() -> None:
    with place(SignUp.CLOSED) as market:
        first, again, other = join(market, "00aa"), join(market, "00aa"), join(market, "00AA".lower()[::-1])

        assert first.worker_id == again.worker_id != other.worker_id


@pytest.mark.parametrize(
    "path",
    [
        "/join/prolific",
        "/join/prolific?PROLIFIC_PID=",
        "/join/prolific?PROLIFIC_PID=00AA",
        "/join/prolific?prolific_pid=00aa",
        "/join/prolific?PROLIFIC_PID=00aa%0A",
    ],
)
def test_a_link_without_a_usable_id_is_refused(path: str) -> None:
    with place(SignUp.NAME) as market:
        assert market.app.test_client().get(path).status_code == 400


def test_a_panel_that_is_not_configured_does_not_exist() -> None:
    with place(SignUp.NAME) as market:
        assert market.app.test_client().get("/join/other?PROLIFIC_PID=00aa").status_code == 404


def test_a_panels_link_signs_nobody_in_by_itself() -> None:
    with place(SignUp.NAME) as market:
        browser = market.app.test_client()
        browser.get("/join/prolific?PROLIFIC_PID=00aa")
        forged = browser.post("/join/prolific", data={"PROLIFIC_PID": "00aa"})

        assert forged.status_code == 400
        assert "worker" not in session(browser)


def test_completion_leads_to_the_configured_address_and_only_after_work() -> None:
    with place(SignUp.NAME) as market:
        participant = join(market, "00aa")
        early = participant.browser.get("/complete?complete_url=https://evil.example")
        assignment_id = participant.work(market.hit())
        done = participant.page(f"/assignments/{assignment_id}/done")

        assert early.status_code == 409
        assert done.select_one('a[href="/complete"]') is not None
        late = participant.browser.get("/complete?complete_url=https://evil.example&next=//evil.example")
        assert (late.status_code, late.location) == (303, COMPLETE)
        assert market.worker("Ann").browser.get("/complete").status_code == 404


def test_who_comes_back_completes_only_after_work_of_this_time() -> None:
    with place(SignUp.NAME) as market:
        join(market, "00aa").work(market.hit())
        market.clock.advance(days=1)
        again = join(market, "00aa")
        early = again.browser.get("/complete").status_code
        offered = again.page("/").select_one('a[href="/complete"]')
        again.work(market.hit())

        assert (early, offered) == (409, None)
        assert again.browser.get("/complete").location == COMPLETE


def test_rejected_work_completes_nothing() -> None:
    with place(SignUp.NAME) as market:
        participant = join(market, "00aa")
        assignment_id = participant.work(market.hit())
        market.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="Empty.")

        assert participant.browser.get("/complete").status_code == 409
        assert (
            participant.page(f"/assignments/{assignment_id}/done").select_one('a[href="/complete"]') is None
        )


def test_a_panels_page_does_not_tell_who_took_part() -> None:
    with place(SignUp.NAME) as market:
        join(market, "00aa")
        pages = [
            visitor(market).page(f"/join/prolific?PROLIFIC_PID={external_id}").select_one("main")
            for external_id in ("00aa", "00bb")
        ]

    shown = [re.sub(r'value="[^"]*"', "", str(page)) for page in pages]
    assert shown[0] == shown[1]


def test_a_link_that_proves_nothing_shows_nothing_of_earlier_visits() -> None:
    with place(SignUp.NAME) as market:
        first = join(market, "00aa")
        hit_id = market.hit(Title="Paint")
        assignment_id = first.work(hit_id)
        market.client.approve_assignment(AssignmentId=assignment_id)
        bonus = {"WorkerId": first.worker_id, "AssignmentId": assignment_id, "BonusAmount": "9.87"}
        market.client.send_bonus(**bonus, Reason="Thanks.")
        market.client.notify_workers(Subject="Hello", MessageText="Again?", WorkerIds=[first.worker_id])
        market.clock.advance(hours=1)
        guesser = join(market, "00aa")
        paths = ("/dashboard", "/messages", "/account", f"/hits/{hit_id}", "/")
        shown = "".join(str(guesser.page(path).select_one("body")) for path in paths[:3])

        assert guesser.worker_id == first.worker_id
        for text in ("Paint", "9.87", "0.15", "Again?", "<dd>United States", 'class="count"'):
            assert text not in shown
        assert assignment_id not in str(guesser.page(paths[3]))
        assert "9.87" in first.browser.get("/dashboard").text
        guesser.work(market.hit(Title="Vote"))
        assert "Vote" in guesser.page("/dashboard").text


def test_a_browser_that_was_his_goes_on_showing_a_participant_his_work() -> None:
    with place(SignUp.NAME) as market:
        participant = join(market, "00aa")
        participant.accept(market.hit(Title="Paint"))
        market.clock.advance(minutes=1)
        participant.send("/join/prolific?PROLIFIC_PID=00aa", "form.signin")

        assert "Paint" in participant.page("/dashboard").text


def test_a_panel_with_a_secret_takes_signed_links_only_and_shows_everything() -> None:
    panel = replace(PANEL, secret="between us")
    right = hmac.new(b"between us", b"00aa", "sha256").hexdigest()
    link = f"/join/prolific?PROLIFIC_PID=00aa&sig={right}"
    with bench(ways_in=WaysIn(panels={"prolific": panel})) as market:
        first, again, guesser = visitor(market), visitor(market), visitor(market)
        first.send(link, "form.signin")
        first.work(market.hit(Title="Paint"))
        market.clock.advance(days=1)
        again.send(link, "form.signin")
        refused = [
            guesser.browser.get(address).status_code
            for address in (link[:-1], link.replace("00aa", "00ab"), "/join/prolific?PROLIFIC_PID=00aa")
        ]
        guesser.page("/signin")
        form = {"csrf_token": session(guesser.browser)["csrf"], "PROLIFIC_PID": "00aa", "sig": "é"}
        refused.append(guesser.browser.post("/join/prolific", data=form).status_code)

        assert "Paint" in again.page("/dashboard").text
        assert refused == [403] * 4
