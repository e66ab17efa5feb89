"""How often somebody may try, and what is remembered of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from pixelpatchwork.marketplace.limits import Attempt, Limit
from pixelpatchwork.marketplace.site.addresses import network
from pixelpatchwork.marketplace.tables import attempt
from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.marketplace import MovableClock, bench
from tests.support.marketplace_ways_in import join, place, query, sign_in, sign_up, try_to_join

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


def test_a_submit_does_not_wait_while_old_counters_are_deleted() -> None:
    time_of_day = MovableClock()
    with place(SignUp.NAME, FEW, time_of_day) as market:
        ann = market.worker("Ann")
        first, second = ann.accept(market.hit()), ann.accept(market.hit())
        ann.post_answer(first, {"prompt": "kite"})
        time_of_day.advance(hours=2)
        deleted: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("DELETE"):
                deleted.append(statement)

        event.listen(market.app.extensions["marketplace"].database.engine, "before_cursor_execute", note)
        assert ann.post_answer(second, {"prompt": "kite"}).status_code == 200
        assert deleted == []
        sign_in(market, "Ben")
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
