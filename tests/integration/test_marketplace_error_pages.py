"""What goes wrong is told in the marketplace's own words: to people as a page, to programs as the API's errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from pixelpatchwork.marketplace.ways_in import WaysIn
from tests.support.marketplace import Bench, bench

TARGET = {"X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance"}


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def is_our_page(answer: TestResponse) -> bool:
    """A page of the site's, with its way back and its headers."""
    return (
        '<a class="button" href="/">All tasks</a>' in answer.text
        and 'name="viewport"' in answer.text
        and "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        and answer.headers["Cache-Control"] == "no-store"
        and answer.headers["X-Content-Type-Options"] == "nosniff"
    )


@pytest.mark.parametrize(
    "path", ["/nothing", "/qualifications/3NONE", "/hits/", "/assignments/3NONE/nothing"]
)
def test_an_address_that_leads_nowhere_gets_a_page_of_the_site(market: Bench, path: str) -> None:
    for browser in (market.app.test_client(), market.worker().browser):
        answer = browser.get(path)

        assert answer.status_code == 404
        assert is_our_page(answer)
        assert "There is no such page here." in answer.text


def test_a_request_that_an_address_does_not_take_says_what_to_do(market: Bench) -> None:
    for answer in (market.app.test_client().put("/"), market.app.test_client().get("/signout")):
        assert answer.status_code == 405
        assert answer.headers["Allow"]
        assert is_our_page(answer)
        assert "Go back, reload the page, and try again." in answer.text


def test_a_fault_of_the_site_says_that_it_is_one_even_without_a_database(
    market: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ann = market.worker("Ann")
    market.app.extensions["marketplace"].read = None

    with caplog.at_level(logging.CRITICAL):
        answer = ann.browser.get("/dashboard")

    assert answer.status_code == 500
    assert is_our_page(answer)
    assert "It is not your fault." in answer.text


@pytest.mark.parametrize(
    ("settings", "status"),
    [({"public_url": "https://market.example.org"}, 400), ({"ways_in": WaysIn(local_only=True)}, 403)],
)
def test_a_host_that_is_refused_is_told_so_in_the_form_of_who_asks(
    settings: dict[str, object], status: int
) -> None:
    with bench(**settings) as market:
        stranger = market.app.test_client()
        page = stranger.get("/", headers={"Host": "evil.example"})
        call = stranger.post("/", headers={"Host": "evil.example", **TARGET}, data="{}")

    assert (page.status_code, call.status_code) == (status, status)
    assert is_our_page(page)
    assert call.content_type == "application/x-amz-json-1.1"
    assert json.loads(call.text)["message"]


def test_a_call_to_an_address_that_is_not_the_apis_is_told_so_as_an_error_of_the_api(market: Bench) -> None:
    answer = market.app.test_client().post("/mturk", headers=TARGET, data="{}")

    assert answer.status_code == 404
    assert json.loads(answer.text)["__type"] == "NotFound"
