"""The pages beside the work: search, messages, qualifications and their tests, history, account."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.site.queries import HISTORY_PAGE
from pixelpatchwork.marketplace.site.search import PAGE_SIZE
from tests.support.marketplace import Bench, Worker, bench
from tests.support.question_forms import SCHEMAS, form, question, selection

TEST = form(question(selection("ab"), identifier="letter", required=True))
KEY = (
    f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>letter</QuestionIdentifier>'
    "<AnswerOption><SelectionIdentifier>b</SelectionIdentifier><AnswerScore>7</AnswerScore></AnswerOption>"
    "</Question></AnswerKey>"
)


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def hide(market: Bench, hit_id: str, copies: int) -> None:
    """Publishes a HIT that nobody may discover again and again, each time as a type of its own."""
    rule = {"QualificationTypeId": "00000000000000000071", "Comparator": "Exists"}
    rule["ActionsGuarded"] = "DiscoverPreviewAndAccept"
    with market.app.extensions["marketplace"].database.begin(writes=True) as connection:
        hit = dict(connection.execute(select(schema.hit)).mappings().one())
        hit_type = dict(connection.execute(select(schema.hit_type)).mappings().one())
        del hit["number"]
        names = [f"{hit_id[:20]}{number}" for number in range(copies)]
        types = [
            hit_type | {"hit_type_id": name, "fingerprint": name, "requirements": json.dumps([rule])}
            for name in names
        ]
        connection.execute(insert(schema.hit_type), types)
        connection.execute(
            insert(schema.hit), [hit | {"hit_id": name, "hit_type_id": name} for name in names]
        )


# ---- search -------------------------------------------------------------------------------------------------


def titles(worker: Worker, path: str) -> list[str]:
    return [str(link["data-title"]) for link in worker.page(path).select("a.hit")]


def test_newer_tasks_that_a_worker_may_not_discover_do_not_push_his_own_off_the_list(market: Bench) -> None:
    hit_id = market.hit(Title="Paint")
    hide(market, hit_id, 1_001)

    assert titles(market.worker(), "/") == ["Paint"]


@pytest.fixture
def shop(market: Bench) -> Worker:
    market.hit(
        Title="Paint", Description="A kite.", Keywords="fun", Reward="0.25", AssignmentDurationInSeconds=300
    )
    market.hit(
        Title="Vote",
        Description="100% easy.",
        Keywords="kite",
        Reward="0.10",
        AssignmentDurationInSeconds=1800,
    )
    market.hit(
        Title="Write", Description="A text.", Keywords=None, Reward="1.00", AssignmentDurationInSeconds=7200
    )
    return market.worker()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Write", "Vote", "Paint"]),
        ("?sort=reward", ["Write", "Paint", "Vote"]),
        ("?q=KITE", ["Vote", "Paint"]),
        ("?q=kite+fun", ["Paint"]),
        ("?q=100%25", ["Vote"]),
        ("?q=requester", ["Write", "Vote", "Paint"]),
        ("?q=nothing", []),
        ("?reward=0.25", ["Write", "Paint"]),
        ("?reward=%240.26", ["Write"]),
        ("?time=30", ["Vote", "Paint"]),
        ("?time=10&reward=0.10&q=kite", ["Paint"]),
        ("?time=7&reward=lots&sort=magic&page=-3", ["Write", "Vote", "Paint"]),
        ("?reward=NaN&page=%C2%B2", ["Write", "Vote", "Paint"]),
        ("?reward=9e999999&time=9999999999", ["Write", "Vote", "Paint"]),
    ],
)
def test_the_list_shows_what_fits_the_search(shop: Worker, query: str, found: list[str]) -> None:
    assert titles(shop, f"/{query}") == found


def test_a_long_list_has_pages_that_keep_the_search(market: Bench) -> None:
    for number in range(PAGE_SIZE + 2):
        market.hit(Title=f"Kite {number}")
    market.hit(Title="Boat")
    ann = market.worker("Ann")

    first = ann.page("/?q=kite")
    following = first.select_one("a[rel=next]")
    assert following is not None
    second = ann.page(str(following["href"]))

    assert len(first.select("a.hit")) == PAGE_SIZE
    assert [link["data-title"] for link in second.select("a.hit")] == ["Kite 1", "Kite 0"]
    assert second.select_one("a[rel=next]") is None
    assert str(second.select_one("a[rel=prev]")["href"]) == "/?q=kite"


def test_a_list_costs_the_same_however_long_it_is(market: Bench) -> None:
    needed = market.client.create_qualification_type(
        Name="Reader", Description="Reads.", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    requirement = {"QualificationTypeId": needed, "Comparator": "Exists", "ActionsGuarded": "Accept"}
    market.hit(Title="First", QualificationRequirements=[requirement])
    ann = market.worker("Ann")
    short = market.sql_statements(lambda: ann.page("/"))
    for number in range(10):
        market.hit(Title=f"More {number}", QualificationRequirements=[requirement])

    assert market.sql_statements(lambda: ann.page("/")) == short
    assert "Needs a" in ann.page("/").select("li.task")[0].text


# ---- messages -----------------------------------------------------------------------------------------------


def test_messages_are_shown_escaped_and_counted_until_they_are_read(market: Bench) -> None:
    ann = market.worker("Ann")
    market.client.approve_assignment(AssignmentId=ann.work(market.hit()))
    market.client.notify_workers(
        Subject="<b>News</b>", MessageText="Line one\n<script>alert(1)</script>", WorkerIds=[ann.worker_id]
    )

    before, listed = ann.page("/messages"), ann.page("/")
    ann.send("/messages", "form.mark-read")
    after = ann.page("/messages")

    assert before.select_one("li.unread h2").text.endswith("<b>News</b>")
    assert "<script>alert(1)</script>" in before.select_one("li.message .text").text
    assert listed.select_one(".count").contents[0] == "1"
    assert after.select("li.unread, .count, form.mark-read") == []


def test_a_worker_sees_his_own_messages_only(market: Bench) -> None:
    ann, ben = market.worker("Ann"), market.worker("Ben")
    market.client.approve_assignment(AssignmentId=ann.work(market.hit()))
    market.client.notify_workers(Subject="News", MessageText="For Ann", WorkerIds=[ann.worker_id])

    ben.browser.post("/messages/read", data={"csrf_token": token(ben)})

    assert "For Ann" not in ben.page("/messages").text
    assert ann.page("/messages").select("li.unread") != []


# ---- qualifications -----------------------------------------------------------------------------------------


def offer(market: Bench, **changes: object) -> str:
    request = {"Name": "Reader", "Description": "Reads well.", "QualificationTypeStatus": "Active", **changes}
    created = market.client.create_qualification_type(**request)
    return str(created["QualificationType"]["QualificationTypeId"])


def begin(worker: Worker) -> TestResponse:
    return worker.send("/qualifications", "li.offered form.begin")


def test_a_test_with_a_key_grants_its_score_at_once(market: Bench) -> None:
    type_id = offer(market, Test=TEST, TestDurationInSeconds=600, AnswerKey=KEY)
    ann = market.worker("Ann")

    begun = begin(ann)
    page = ann.page(begun.location)
    ann.send(begun.location, "form.test", q0="1")

    assert begun.location == f"/qualifications/{type_id}/test"
    assert page.select_one("main")["data-seconds-left"] == "600"
    assert ann.page("/qualifications").select_one("li.held dd").text == "7"
    assert (
        market.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=ann.worker_id)[
            "Qualification"
        ]["IntegerValue"]
        == 7
    )


def test_a_test_with_a_fault_is_shown_again_with_what_to_mend(market: Bench) -> None:
    offer(market, Test=TEST, TestDurationInSeconds=600)
    ann = market.worker("Ann")

    shown = ann.send(begin(ann).location, "form.test")

    page = BeautifulSoup(shown.text, "html.parser")
    assert shown.status_code == 422
    assert "Choose one." in page.select_one("#faults").text


def test_who_scored_low_may_take_the_test_again_once_the_delay_is_over(market: Bench) -> None:
    offer(market, Test=TEST, TestDurationInSeconds=600, AnswerKey=KEY, RetryDelayInSeconds=3600)
    ann = market.worker("Ann")
    ann.send(begin(ann).location, "form.test", q0="0")

    low = ann.page("/qualifications")
    market.clock.advance(hours=1)
    again = ann.page("/qualifications").select_one("li.offered button").text
    ann.send(begin(ann).location, "form.test", q0="1")

    assert (low.select_one("li.held dd").text, low.select("li.offered form")) == ("0", [])
    assert "You can take the test again from 21 Nov 2026, 13:00 UTC." in low.text
    assert again.startswith("Take the test again")
    assert ann.page("/qualifications").select_one("li.held dd").text == "7"


def test_what_can_be_asked_for_once_says_so_when_it_was_refused(market: Bench) -> None:
    offer(market)
    ann = market.worker("Ann")
    begin(ann)
    (request,) = market.client.list_qualification_requests()["QualificationRequests"]
    market.client.reject_qualification_request(QualificationRequestId=request["QualificationRequestId"])

    page = ann.page("/qualifications")

    assert page.select_one("li.offered form") is None
    assert "It can be asked for once, and you have." in page.get_text()


def test_a_request_without_a_test_waits_for_the_requester(market: Bench) -> None:
    type_id = offer(market)
    ann = market.worker("Ann")

    asked = begin(ann)
    waiting = ann.page("/qualifications").select_one("li.offered").text
    (request,) = market.client.list_qualification_requests(QualificationTypeId=type_id)[
        "QualificationRequests"
    ]
    market.client.accept_qualification_request(
        QualificationRequestId=request["QualificationRequestId"], IntegerValue=3
    )

    assert (asked.location, "Waiting" in waiting) == ("/qualifications", True)
    assert ann.page("/qualifications").select_one("li.held dd").text == "3"


def test_a_test_that_was_not_begun_or_is_over_is_not_there(market: Bench) -> None:
    type_id = offer(market, Test=TEST, TestDurationInSeconds=600)
    ann, ben = market.worker("Ann"), market.worker("Ben")
    path = begin(ann).location

    strange = ben.browser.get(path).status_code
    market.clock.advance(seconds=601)

    assert (strange, ann.browser.get(path).status_code) == (404, 404)
    late = ann.browser.post(path, data={"csrf_token": token(ann), "q0": "1"})
    assert (late.status_code, type_id in path) == (404, True)


# ---- history and account ------------------------------------------------------------------------------------


def test_the_history_has_pages(market: Bench) -> None:
    ann = market.worker("Ann")
    done = [ann.work(market.hit()) for _ in range(HISTORY_PAGE + 1)]

    first = ann.page("/dashboard")
    second = ann.page(str(first.select_one("a[rel=next]")["href"]))

    rows = [[row["data-assignment-id"] for row in page.select("tr.assignment")] for page in (first, second)]
    assert rows == [done[:0:-1], done[:1]]
    assert second.select_one("a[rel=next]") is None


def test_a_bonus_stands_with_its_reason_beside_its_task(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.work(market.hit())
    market.client.approve_assignment(AssignmentId=assignment_id)
    market.client.send_bonus(
        WorkerId=ann.worker_id, AssignmentId=assignment_id, BonusAmount="0.50", Reason="<i>It won.</i>"
    )

    assert ann.page("/dashboard").select_one("tr.assignment .bonus").text == "Bonus $0.50 <i>It won.</i>"


def test_a_country_is_said_once_and_opens_tasks_for_it(market: Bench) -> None:
    market.hit(
        QualificationRequirements=[
            {
                "QualificationTypeId": "00000000000000000071",
                "Comparator": "EqualTo",
                "LocaleValues": [{"Country": "DE"}],
                "ActionsGuarded": "DiscoverPreviewAndAccept",
            }
        ]
    )
    ann = market.worker("Ann")
    before = len(ann.page("/").select("a.hit"))
    csrf = token(ann)
    ann.send("/account", "form.country", country="DE", state="CA")
    ann.browser.post("/account/country", data={"csrf_token": csrf, "country": "FR"})

    assert "Germany" in ann.page("/account").select_one(".particulars").text
    assert (before, len(ann.page("/").select("a.hit"))) == (0, 1)
    refused = ann.browser.post("/account/country", data={"csrf_token": csrf, "country": "XX"})
    assert refused.status_code == 400


# ---- what is the same everywhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/dashboard", "/messages", "/qualifications", "/account"])
def test_a_visitor_is_asked_to_sign_in(market: Bench, path: str) -> None:
    assert market.app.test_client().get(path).location == f"/signin?next={path}"


@pytest.mark.parametrize(
    "path",
    [
        "/signin",
        "/signout",
        "/messages/read",
        "/account/country",
        "/qualifications/3X/begin",
        "/types/3X/next",
    ],
)
def test_a_form_without_the_sessions_token_changes_nothing(market: Bench, path: str) -> None:
    ann = market.worker("Ann")

    assert ann.browser.post(path, data={"name": "Eve", "country": "DE"}).status_code == 400
    assert ann.browser.post(path, data={"csrf_token": "guessed", "country": "DE"}).status_code == 400


def test_a_form_of_the_site_has_a_bounded_size(market: Bench) -> None:
    ann = market.worker("Ann")

    too_large = ann.browser.post("/signin", data={"csrf_token": token(ann), "name": "x" * 200_000})

    assert too_large.status_code == 413


def token(worker: Worker) -> str:
    field = worker.page("/").select_one("form.signout input[name=csrf_token]")
    assert field is not None
    return str(field["value"])
