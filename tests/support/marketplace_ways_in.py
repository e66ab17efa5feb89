"""A marketplace whose ways in are chosen, and people who come in by each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pixelpatchwork.marketplace.invitations import make_invitation
from pixelpatchwork.marketplace.limits import Attempt, Limit
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
    return f"/invite/{make_invitation(inside.signing, inside.now(), days)}"


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


def query(market: Bench, statement: Any) -> Any:
    return market.app.extensions["marketplace"].read(
        lambda moment: moment.connection.execute(statement).scalar_one()
    )


def session(browser: FlaskClient) -> dict[str, Any]:
    with browser.session_transaction() as found:
        return dict(found)
