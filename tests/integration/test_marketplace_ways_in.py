"""How people come in: passwords, invitations, panels; how often they may try; and whose name is whose."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from pixelpatchwork.marketplace.invitations import make_invitation
from pixelpatchwork.marketplace.limits import Attempt, Limit
from pixelpatchwork.marketplace.people import is_right
from pixelpatchwork.marketplace.site.addresses import network
from pixelpatchwork.marketplace.tables import attempt, credential
from pixelpatchwork.marketplace.ways_in import Panel, SignUp, WaysIn
from tests.support.marketplace import Bench, MovableClock, Worker, bench

PASSWORD = "correct horse battery"
COMPLETE = "https://panel.example/complete?cc=C1"
PANEL = Panel(parameter="PROLIFIC_PID", complete_url=COMPLETE, pattern="[a-f0-9]{4}")


@contextmanager
def place(
    signup: SignUp, limits: Mapping[Attempt, Limit] | None = None, time_of_day: MovableClock | None = None
) -> Iterator[Bench]:
    ways_in = WaysIn(signup=signup, panels={"prolific": PANEL}, limits=limits or {})
    with bench(ways_in=ways_in, signature_clock=time_of_day or MovableClock()) as found:
        yield found


def visitor(market: Bench) -> Worker:
    return Worker(market.app.test_client(), "visitor")


def sign_up(market: Bench, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
    return visitor(market).send("/signup", "form.signin", name=name, password=password, **fields)


def sign_in(market: Bench, name: str, password: str = PASSWORD) -> TestResponse:
    return visitor(market).send("/signin", "form.signin", name=name, password=password)


def invitation(market: Bench, days: int = 7) -> str:
    inside = market.app.extensions["marketplace"]
    return f"/invite/{make_invitation(inside.secret_key, inside.now(), days)}"


# ---- passwords ----------------------------------------------------------------------------------------------


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


# ---- invitations and closed doors ---------------------------------------------------------------------------


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


# ---- panels -------------------------------------------------------------------------------------------------


def try_to_join(market: Bench, external_id: str, address: str = "127.0.0.1") -> TestResponse:
    stranger = visitor(market)
    stranger.browser.environ_base["REMOTE_ADDR"] = address
    return stranger.send(f"/join/prolific?PROLIFIC_PID={external_id}", "form.signin")


def join(market: Bench, external_id: str) -> Worker:
    worker = visitor(market)
    joined = worker.send(
        f"/join/prolific?PROLIFIC_PID={external_id}", "form.signin", country="US", state="CA"
    )
    assert joined.location == "/"
    return worker


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


# ---- how often ----------------------------------------------------------------------------------------------


FEW = {
    Attempt.WRONG_PASSWORD_FOR_NAME: Limit(most=3, seconds=900),
    Attempt.WRONG_PASSWORD_FROM: Limit(most=5, seconds=900),
    Attempt.SIGN_UP_FROM: Limit(most=2, seconds=3600),
    Attempt.SUBMIT: Limit(most=2, seconds=60),
    Attempt.REFUSED_SUBMIT: Limit(most=2, seconds=900),
}


def test_a_password_cannot_be_tried_forever() -> None:
    time_of_day = MovableClock()
    with place(SignUp.PASSWORD, FEW, time_of_day) as market:
        sign_up(market, "Ann")
        tries = [sign_in(market, "Ann", f"wrong password {number}") for number in range(4)]
        right = sign_in(market, "Ann")
        others = sign_in(market, "Ben", "wrong password")

        assert [response.status_code for response in tries] == [403, 403, 403, 429]
        assert (right.status_code, int(right.headers["Retry-After"]) > 0) == (429, True)
        assert others.status_code == 403
        time_of_day.advance(minutes=15)
        assert sign_in(market, "Ann").status_code == 303


def test_who_knows_his_password_may_sign_in_as_often_as_he_likes() -> None:
    with place(SignUp.PASSWORD, FEW) as market:
        sign_up(market, "Ann")

        assert [sign_in(market, "Ann").status_code for _ in range(8)] == [303] * 8


def test_guesses_that_come_at_once_are_counted_too(database_url: str) -> None:
    limits = {Attempt.WRONG_PASSWORD_FOR_NAME: Limit(most=3, seconds=900)}
    with bench(database_url=database_url, ways_in=WaysIn(signup=SignUp.PASSWORD, limits=limits)) as market:
        sign_up(market, "Ann")
        with ThreadPoolExecutor(8) as pool:
            tried = list(pool.map(lambda guess: sign_in(market, "Ann", f"guess number {guess}"), range(8)))

    assert sorted(response.status_code for response in tried) == [403] * 3 + [429] * 5


def test_many_names_cannot_be_tried_from_one_address() -> None:
    with place(SignUp.PASSWORD, FEW) as market:
        statuses = [sign_in(market, f"Name {number}", "wrong password").status_code for number in range(6)]

    assert statuses == [403] * 5 + [429]


@pytest.mark.parametrize("signup", [SignUp.NAME, SignUp.PASSWORD])
def test_sign_ups_from_one_address_are_counted(signup: SignUp) -> None:
    with place(signup, FEW) as market:
        come = sign_up if signup is SignUp.PASSWORD else sign_in
        statuses = [come(market, f"Person {number}").status_code for number in range(3)]

    assert statuses == [303, 303, 429]


def test_joining_is_counted_by_address_for_known_participants_too() -> None:
    with place(SignUp.NAME, {Attempt.JOIN_FROM: Limit(most=3, seconds=3600)}) as market:
        for external_id in ("00aa", "00bb", "00aa"):
            join(market, external_id)
        one_more = try_to_join(market, "00aa")

    assert one_more.status_code == 429


def test_joining_is_counted_by_participant_from_wherever() -> None:
    with place(SignUp.NAME, {Attempt.JOIN_AS: Limit(most=2, seconds=900)}) as market:
        tries = [try_to_join(market, "00aa", f"192.0.2.{number}").status_code for number in range(3)]
        other = try_to_join(market, "00bb").status_code

    assert (tries, other) == ([303, 303, 429], 303)


def test_a_workers_submits_are_counted_and_one_too_many_changes_nothing() -> None:
    time_of_day = MovableClock()
    with place(SignUp.NAME, FEW, time_of_day) as market:
        ann = market.worker("Ann")
        hits = [market.hit() for _ in range(3)]
        accepted = [ann.accept(hit_id) for hit_id in hits]
        sent = [ann.post_answer(assignment_id, {"prompt": "kite"}) for assignment_id in accepted]

        assert [response.status_code for response in sent] == [200, 200, 429]
        assert market.get(hits[2])["NumberOfAssignmentsPending"] == 1
        time_of_day.advance(minutes=1)
        assert ann.post_answer(accepted[2], {"prompt": "kite"}).status_code == 200


def test_submits_that_are_refused_are_counted_by_address() -> None:
    with place(SignUp.NAME, FEW) as market:
        anonymous = market.app.test_client()
        data = {"assignmentId": "3NONE", "prompt": "x"}
        statuses = [anonymous.post("/s/00/mturk/externalSubmit", data=data).status_code for _ in range(3)]

    assert statuses == [403, 403, 429]


def test_counters_hold_no_names_and_are_forgotten() -> None:
    time_of_day = MovableClock()
    with place(SignUp.PASSWORD, FEW, time_of_day) as market:
        sign_in(market, "Ann", "wrong password")
        kept = query(market, select(func.group_concat(attempt.c.who)))
        time_of_day.advance(hours=2)
        sign_in(market, "Ben", "wrong password")

        assert "Ann" not in kept
        assert "127.0.0.1" not in kept
        assert query(market, select(func.count()).select_from(attempt)) == 2


def test_counting_is_shared_and_loses_nothing(database_url: str) -> None:
    limits = {Attempt.REFUSED_SUBMIT: Limit(most=30, seconds=900)}
    with bench(database_url=database_url, ways_in=WaysIn(limits=limits)) as market:
        clients = [market.app.test_client() for _ in range(40)]
        data = {"assignmentId": "3NONE", "prompt": "x"}

        def post(client: FlaskClient) -> int:
            return client.post("/s/00/mturk/externalSubmit", data=data).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(post, clients))

    assert (statuses.count(403), statuses.count(429)) == (30, 10)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_an_ipv6_home_counts_as_one(address: str, counted: str) -> None:
    assert network(address) == counted


def query(market: Bench, statement: Any) -> Any:
    return market.app.extensions["marketplace"].read(
        lambda moment: moment.connection.execute(statement).scalar_one()
    )


def session(browser: FlaskClient) -> dict[str, Any]:
    with browser.session_transaction() as found:
        return dict(found)
