"""A marketplace for tests: a clock that can be moved, real boto3 clients, and workers who use the site's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.ledger import available_account, balance, held_account
from pixelpatchwork.marketplace.market import DEFAULT_REQUESTER
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.served import running

KEY_ID = "AKIDTESTTESTTESTTEST"
SECRET = "a-secret-access-key"
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAGE = (
    "<!DOCTYPE html><html><head><title>Task</title></head>"
    '<body><form method="post"><input name="prompt"></form></body></html>'
)
TRANSPORTS = ("embedded", "served")


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def html_question(html: str = PAGE, frame_height: int = 0) -> str:
    return (
        '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
        f'HTMLQuestion.xsd"><HTMLContent><![CDATA[{html}]]></HTMLContent>'
        f"<FrameHeight>{frame_height}</FrameHeight></HTMLQuestion>"
    )


def hit_request(**changes: Any) -> dict[str, Any]:
    """What create_hit is called with, unless a test says otherwise."""
    request: dict[str, Any] = {
        "Title": "Paint",
        "Description": "Paint a part of a picture.",
        "Reward": "0.15",
        "LifetimeInSeconds": 86_400,
        "AssignmentDurationInSeconds": 600,
        "MaxAssignments": 2,
        "Question": html_question(),
    }
    return {name: value for name, value in (request | changes).items() if value is not None}


def socket_client(
    url: str, key_id: str = KEY_ID, secret: str = SECRET, *, attempts: int = 1, **config: Any
) -> Any:
    return boto3.client(
        "mturk",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": attempts}, **config),
    )


@dataclass
class Worker:
    """Somebody who works through the site's pages, in process."""

    browser: FlaskClient
    name: str

    @property
    def worker_id(self) -> str:
        with self.browser.session_transaction() as session:
            return str(session["worker"])

    def page(self, path: str) -> BeautifulSoup:
        response = self.browser.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return BeautifulSoup(response.text, "html.parser")

    def send(self, path: str, selector: str, **fields: str) -> TestResponse:
        """Fills in a form of a page and posts it, with its hidden fields."""
        form = self.page(path).select_one(selector)
        assert form is not None, f"{path} has no {selector}"
        hidden = {
            str(field["name"]): str(field.get("value", "")) for field in form.select("input[type=hidden]")
        }
        return self.browser.post(str(form["action"]), data=hidden | fields)

    def sign_in(self) -> None:
        assert self.send("/signin", "form.signin", name=self.name).status_code == 303

    def accept(self, hit_id: str) -> str:
        """The id of the assignment."""
        response = self.send(f"/hits/{hit_id}", "form.accept")
        assert response.status_code == 303, response.text
        return response.location.rpartition("/")[2]

    def frame(self, assignment_id: str) -> Mapping[str, str]:
        """The query parameters with which the work page opens the HIT's document."""
        frame = self.page(f"/assignments/{assignment_id}").select_one("iframe.work")
        assert frame is not None
        return {name: values[0] for name, values in parse_qs(urlsplit(str(frame["src"])).query).items()}

    def post_answer(self, assignment_id: str, fields: Mapping[str, Any]) -> TestResponse:
        """What the HIT's document sends: no cookie goes with it."""
        target = urlsplit(self.frame(assignment_id)["turkSubmitTo"]).path + "/mturk/externalSubmit"
        anonymous = self.browser.application.test_client()
        return anonymous.post(target, data={"assignmentId": assignment_id, **fields})

    def work(self, hit_id: str, **fields: Any) -> str:
        """Accepts and submits; the id of the assignment."""
        assignment_id = self.accept(hit_id)
        response = self.post_answer(assignment_id, fields or {"prompt": "a red kite"})
        assert response.status_code == 200, response.text
        return assignment_id


@dataclass
class Bench:
    """One marketplace and its requester's client."""

    app: Flask
    client: Any
    clock: MovableClock
    url: str | None = None
    _names: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def hit(self, **changes: Any) -> str:
        return str(self.client.create_hit(**hit_request(**changes))["HIT"]["HITId"])

    def get(self, hit_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_hit(HITId=hit_id)["HIT"]
        return found

    def worker(self, name: str | None = None) -> Worker:
        worker = Worker(self.app.test_client(), name or f"Worker {next(self._names)}")
        worker.sign_in()
        return worker

    def submitted(self, hit_id: str, count: int = 1) -> list[str]:
        return [self.worker().work(hit_id) for _ in range(count)]

    def balance(self) -> tuple[str, str]:
        found = self.client.get_account_balance()
        return found["AvailableBalance"], found["OnHoldBalance"]

    def sql_statements(self, act: Callable[[], object]) -> int:
        """How many statements an act costs."""
        count = 0

        def more(*_arguments: object) -> None:
            nonlocal count
            count += 1

        engine = self.app.extensions["marketplace"].database.engine
        event.listen(engine, "before_cursor_execute", more)
        try:
            act()
        finally:
            event.remove(engine, "before_cursor_execute", more)
        return count


@contextmanager
def bench(
    transport: str = "embedded", *, database_url: str = "sqlite://", **settings: Any
) -> Iterator[Bench]:
    """A fresh marketplace, and a client that reaches it in process or over a socket."""
    clock = MovableClock()
    app = create_app(
        Hosting(
            database_url=database_url,
            clock=clock,
            requesters={KEY_ID: SECRET},
            secret_key="fixed",
            **settings,
        )
    )
    try:
        if transport == "embedded":
            client = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://embedded.invalid")
            attach(client, app)
            yield Bench(app, client, clock)
        else:
            with running(app, threads=4) as url:
                yield Bench(app, socket_client(url), clock, url)
    finally:
        app.extensions["marketplace"].database.close()


def ledger_balances(moment: Moment) -> tuple[int, int]:
    """What the first requester has available and held, in cents, as the ledger's rows add up."""
    available, held = (
        balance(moment.connection, account(DEFAULT_REQUESTER))
        for account in (available_account, held_account)
    )
    return available, held


def refusal(code: str, text: str = "") -> Any:
    """Expects a RequestError with this TurkErrorCode whose message begins with `text`."""

    def right(error: ClientError) -> bool:
        response: Any = error.response
        return (
            response["Error"]["Code"] == "RequestError"
            and response.get("TurkErrorCode") == f"AWS.MechanicalTurk.{code}"
            and response["Error"]["Message"].startswith(text)
        )

    return pytest.raises(ClientError, check=right)
