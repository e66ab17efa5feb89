"""The workers' site, page by page, as a browser and a program see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup

from pixelpatchwork.marketplace.ids import worker_id
from tests.support.marketplace import Bench, Worker, bench


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def listed(worker: Worker) -> list[dict[str, str]]:
    return [
        {
            name: str(link[name])
            for name in ("href", "data-hit-type-id", "data-reward", "data-title", "data-available")
        }
        for link in worker.page("/").select("a.hit")
    ]


def test_the_list_shows_each_type_once_with_its_next_hit(market: Bench) -> None:
    first = market.hit(Title="Paint", Reward="0.25")
    market.hit(Title="Paint", Reward="0.25")
    vote = market.hit(Title="Vote", Reward="0.10")
    types = {hit_id: market.get(hit_id)["HITTypeId"] for hit_id in (first, vote)}

    assert listed(market.worker()) == [
        {
            "href": f"/hits/{vote}",
            "data-hit-type-id": types[vote],
            "data-reward": "0.10",
            "data-title": "Vote",
            "data-available": "1",
        },
        {
            "href": f"/hits/{first}",
            "data-hit-type-id": types[first],
            "data-reward": "0.25",
            "data-title": "Paint",
            "data-available": "2",
        },
    ]


def unfinished(worker: Worker) -> list[tuple[str, str]]:
    """The tasks that the list says are in progress, and where each of them goes on."""
    return [
        (" ".join(job.select_one(".by").text.split()), str(job.select_one("a.button")["href"]))
        for job in worker.page("/").select("li.unfinished")
    ]


def test_the_list_leads_back_to_the_tasks_whose_clocks_run_the_most_pressing_first(market: Bench) -> None:
    ann = market.worker("Ann")
    later = ann.accept(market.hit(Title="Vote", MaxAssignments=1, AssignmentDurationInSeconds=3600))
    sooner = ann.accept(market.hit(Title="Paint", MaxAssignments=1, AssignmentDurationInSeconds=600))
    market.clock.advance(seconds=90)

    assert unfinished(ann) == [
        ("8 minutes 30 seconds left", f"/assignments/{sooner}"),
        ("58 minutes 30 seconds left", f"/assignments/{later}"),
    ]
    assert "There is nothing else for you to do right now." in ann.page("/").text
    assert listed(ann) == []
    assert unfinished(market.worker("Ben")) == []


def test_a_task_that_is_handed_in_or_out_of_time_is_not_in_progress(market: Bench) -> None:
    ann = market.worker("Ann")
    ann.work(market.hit())
    ann.accept(market.hit(AssignmentDurationInSeconds=600))
    market.clock.advance(seconds=601)

    assert unfinished(ann) == []


def test_tasks_in_progress_cost_the_list_no_statement_more(market: Bench) -> None:
    ann = market.worker("Ann")
    none = market.sql_statements(lambda: ann.page("/"))
    for _ in range(3):
        ann.accept(market.hit())

    assert market.sql_statements(lambda: ann.page("/")) == none


def test_what_one_has_done_leads_back_to_what_is_not_done_yet(market: Bench) -> None:
    ann = market.worker("Ann")
    ann.work(market.hit())
    assignment_id = ann.accept(market.hit(Title="Paint"))

    row, done = ann.page("/dashboard").select("tr.assignment")

    assert " ".join(row.select_one(".go-on").text.split()) == "Go on: Paint 10 minutes left"
    assert row.select_one("a.button")["href"] == f"/assignments/{assignment_id}"
    assert done.select_one("a") is None


def test_a_hit_that_was_done_is_not_offered_again(market: Bench) -> None:
    first, second = market.hit(), market.hit()
    ann = market.worker("Ann")

    ann.work(first)

    assert [hit["href"] for hit in listed(ann)] == [f"/hits/{second}"]
    assert ann.page(f"/hits/{first}").select_one("form.accept") is None
    refused = ann.browser.post(f"/hits/{first}/accept", data={"csrf_token": csrf(ann)})
    assert (refused.status_code, "already done" in refused.text) == (409, True)


def test_accepting_the_same_hit_twice_leads_to_the_same_work(market: Bench) -> None:
    hit_id = market.hit()
    ann = market.worker("Ann")
    first = ann.accept(hit_id)

    again = ann.browser.post(f"/hits/{hit_id}/accept", data={"csrf_token": csrf(ann)})

    assert again.location == f"/assignments/{first}"
    assert market.get(hit_id)["NumberOfAssignmentsPending"] == 1


def test_a_returned_hit_can_be_accepted_again_under_a_new_assignment(market: Bench) -> None:
    hit_id = market.hit()
    ann = market.worker("Ann")
    first = ann.accept(hit_id)
    ann.send(f"/assignments/{first}", "form.return")

    second = ann.work(hit_id)

    assert second != first
    assert ann.page(f"/assignments/{first}/done").select_one("h1").text == "Task returned"


def test_the_next_hit_of_a_type_can_be_accepted_from_the_list_and_after_a_submit(market: Bench) -> None:
    hits = [market.hit() for _ in range(2)]
    ann = market.worker("Ann")

    first = ann.send("/", "form.accept-next").location
    ann.post_answer(first.rpartition("/")[2], {"prompt": "kite"})
    second = ann.send(f"{first}/done", "form.accept-next").location
    ann.post_answer(second.rpartition("/")[2], {"prompt": "boat"})

    assert [market.get(hit_id)["NumberOfAssignmentsAvailable"] for hit_id in hits] == [1, 1]
    assert ann.page(f"{second}/done").select_one("form.accept-next") is None


def test_the_work_page_counts_down_from_what_is_left(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit(AssignmentDurationInSeconds=600))
    market.clock.advance(seconds=90)

    page = ann.page(f"/assignments/{assignment_id}")

    assert page.select_one("main")["data-seconds-left"] == "510"
    assert 'sandbox="allow-scripts allow-forms"' in str(page.select_one("iframe.work"))


def test_the_state_of_an_assignment_follows_it(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())

    def state() -> str:
        return str(ann.browser.get(f"/assignments/{assignment_id}/state").get_json()["status"])

    before = state()
    ann.post_answer(assignment_id, {"prompt": "kite"})

    assert (before, state()) == ("Accepted", "Submitted")


def test_after_a_submit_the_work_page_leads_to_the_thanks(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.work(market.hit())

    moved = ann.browser.get(f"/assignments/{assignment_id}")

    assert moved.location == f"/assignments/{assignment_id}/done"
    assert ann.page(moved.location).select_one("h1").text == "Thank you"


def test_the_dashboard_shows_history_and_earnings(market: Bench) -> None:
    ann = market.worker("Ann")
    first, second = ann.work(market.hit()), ann.work(market.hit())
    market.client.approve_assignment(AssignmentId=first, RequesterFeedback="<b>Lovely</b>")
    market.client.send_bonus(WorkerId=ann.worker_id, AssignmentId=first, BonusAmount="0.50", Reason="It won.")

    page = ann.page("/dashboard")

    assert [(row["data-assignment-id"], row["data-status"]) for row in page.select("tr.assignment")] == [
        (second, "Submitted"),
        (first, "Approved"),
    ]
    assert [amount.text for amount in page.select(".totals dd")] == ["$0.65", "$0.50", "$0.15"]
    assert "<b>Lovely</b>" in page.select_one(".feedback").text


def test_what_requesters_write_is_escaped(market: Bench) -> None:
    evil = '"><script>alert(1)</script>'
    hit_id = market.hit(Title=evil, Description=evil, Keywords=evil)
    ann = market.worker(evil)
    assignment_id = ann.accept(hit_id)

    for path in ("/", f"/hits/{hit_id}", f"/assignments/{assignment_id}", "/dashboard"):
        text = ann.browser.get(path).text
        assert "<script>alert" not in text, path
        assert all(script.get("src") for script in BeautifulSoup(text, "html.parser").select("script"))


def test_a_worker_reaches_only_his_own_assignments(market: Bench) -> None:
    assignment_id = market.worker("Ann").accept(market.hit())
    ben = market.worker("Ben")

    pages = [ben.browser.get(f"/assignments/{assignment_id}{tail}") for tail in ("", "/state", "/done")]
    returned = ben.browser.post(f"/assignments/{assignment_id}/return", data={"csrf_token": csrf(ben)})

    assert [page.status_code for page in (*pages, returned)] == [404] * 4
    assert market.app.test_client().get(f"/assignments/{assignment_id}/state").status_code == 404


def test_a_form_without_the_sessions_token_is_refused(market: Bench) -> None:
    hit_id = market.hit()
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())

    for path in (f"/hits/{hit_id}/accept", f"/assignments/{assignment_id}/return", "/signout", "/signin"):
        for token in ("", "wrong", "é"):
            assert ann.browser.post(path, data={"csrf_token": token, "name": "Eve"}).status_code == 400
    assert market.get(hit_id)["NumberOfAssignmentsPending"] == 0


def test_a_visitor_may_look_and_must_sign_in_to_accept(market: Bench) -> None:
    hit_id = market.hit()
    visitor = market.app.test_client()

    preview = visitor.get(f"/hits/{hit_id}")
    accept = visitor.post(f"/hits/{hit_id}/accept")

    assert preview.status_code == 200
    assert accept.location == f"/signin?next=/hits/{hit_id}"


def test_a_name_gives_the_same_worker_whatever_its_case_and_spaces(market: Bench) -> None:
    assert market.worker("Ann  Lee").worker_id == market.worker(" ann lee ").worker_id
    assert market.worker("Ann").worker_id != market.worker("Ben").worker_id


def test_the_worker_id_is_keyed_so_that_it_does_not_tell_the_name(market: Bench) -> None:
    ann = market.worker("Ann").worker_id

    assert ann == worker_id("fixed", "Ann")
    assert ann != worker_id("another secret", "Ann")
    assert ann.startswith("A")
    assert ann.isalnum()
    assert ann.isupper()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\u202eb"])
def test_a_name_that_is_none_is_refused_politely(market: Bench, name: str) -> None:
    visitor = Worker(market.app.test_client(), name)

    refused = visitor.send("/signin", "form.signin", name=name)

    assert (refused.status_code, 'role="alert"' in refused.text) == (400, True)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/a\r\nb",
        "/\t/x",
    ],
)
def test_signing_in_leads_nowhere_else(market: Bench, target: str) -> None:
    visitor = Worker(market.app.test_client(), "Ann")

    assert visitor.send("/signin", "form.signin", name="Ann", next=target).location == "/"


def test_signing_out_ends_the_session(market: Bench) -> None:
    ann = market.worker("Ann")

    ann.send("/", "form.signout")

    assert ann.browser.get("/dashboard").location == "/signin?next=/dashboard"


def test_the_sessions_cookie_is_out_of_reach_for_scripts_and_other_sites(market: Bench) -> None:
    visitor = market.app.test_client()

    plain = visitor.get("/signin").headers["Set-Cookie"]
    over_tls = market.app.test_client().get("/signin", base_url="https://tasks.example").headers["Set-Cookie"]

    assert "HttpOnly" in plain
    assert (
        "Strict-Transport-Security" in market.app.test_client().get("/", base_url="https://x.example").headers
    )
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    assert "Secure" in over_tls


def test_every_page_forbids_what_it_does_not_need(market: Bench) -> None:
    ann = market.worker("Ann")
    hit_id = market.hit()
    assignment_id = ann.accept(hit_id)

    for path in (
        "/",
        "/signin",
        "/dashboard",
        f"/hits/{hit_id}",
        f"/assignments/{assignment_id}",
        "/hits/NONE",
    ):
        headers = ann.browser.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_pages_load_nothing_from_elsewhere(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())

    for path in ("/", "/signin", "/dashboard", f"/assignments/{assignment_id}"):
        page = ann.page(path)
        sources = [str(tag.get("src") or tag.get("href")) for tag in page.select("script, link, img, iframe")]
        assert all(source.startswith("/") and not source.startswith("//") for source in sources)
        for source in sources:
            with ann.browser.get(source) as response:
                assert response.status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/hits/3NOSUCH", "/frame/3NOSUCH", "/static/../app.py"])
def test_an_address_that_does_not_exist_is_a_plain_page(market: Bench, path: str) -> None:
    response = market.app.test_client().get(path)

    assert response.status_code == 404
    assert "Traceback" not in response.text


def csrf(worker: Worker) -> str:
    field = worker.page("/").select_one("form.signout input[name=csrf_token]")
    assert field is not None
    return str(field["value"])
