"""ExternalQuestion, QuestionForm and crowd elements, as the site serves them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup

from pixelpatchwork.marketplace.site.frames import PREVIEW_ID
from tests.support.marketplace import Bench, Worker, bench, html_question
from tests.support.question_forms import external_question, form, free_text, question, selection

FORM = form(
    question(selection("abc", most=2, other=True), identifier="seen", required=True),
    question(free_text('<Constraints><Length maxLength="9"/></Constraints>'), identifier="said"),
)


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def frame_page(worker: Worker, assignment_id: str) -> BeautifulSoup:
    frame = worker.page(f"/assignments/{assignment_id}").select_one("iframe.work")
    assert frame is not None
    return worker.page(str(frame["src"]))


# ---- ExternalQuestion ---------------------------------------------------------------------------------------


def test_an_external_page_gets_the_four_parameters_beside_its_own(market: Bench) -> None:
    ann = market.worker("Ann")
    hit_id = market.hit(Question=external_question("https://lab.example/task?lang=en#top", 450))
    assignment_id = ann.accept(hit_id)

    frame = ann.page(f"/assignments/{assignment_id}").select_one("iframe.work")
    address = urlsplit(str(frame["src"]))
    query = parse_qs(address.query)

    assert (address.scheme, address.netloc, address.path, address.fragment) == (
        "https",
        "lab.example",
        "/task",
        "top",
    )
    assert {name: values[0] for name, values in query.items()} == {
        "lang": "en",
        "assignmentId": assignment_id,
        "hitId": hit_id,
        "workerId": ann.worker_id,
        "turkSubmitTo": query["turkSubmitTo"][0],
    }
    assert frame["height"] == "450"
    assert ann.post_answer(assignment_id, {"answer": "kite"}).status_code == 200


def test_a_preview_of_an_external_page_names_no_assignment_and_no_worker(market: Bench) -> None:
    ann = market.worker("Ann")
    hit_id = market.hit(Question=external_question("https://lab.example/task"))

    frame = ann.page(f"/hits/{hit_id}").select_one("iframe.preview")
    query = parse_qs(urlsplit(str(frame["src"])).query)

    assert query["assignmentId"] == [PREVIEW_ID]
    assert "workerId" not in query


def test_only_the_page_around_an_external_frame_lets_it_in(market: Bench) -> None:
    external = market.hit(Question=external_question("http://127.0.0.1:5000/task"))
    own = market.hit()
    visitor = market.app.test_client()

    policies = [
        visitor.get(f"/hits/{hit_id}").headers["Content-Security-Policy"] for hit_id in (external, own)
    ]

    assert "frame-src 'self' https: http://127.0.0.1:5000;" in policies[0]
    assert "frame-src 'self';" in policies[1]


@pytest.mark.parametrize(
    ("url", "has_origin"),
    [
        ("https://lab.example/task", True),
        ("http://localhost:5000/task", True),
        ("http://localhost/task", False),
        ("http://localhost:80/task", False),
        ("http://LOCALHOST/task", False),
    ],
)
def test_an_external_page_of_the_sites_own_host_gets_no_origin(
    market: Bench, url: str, has_origin: bool
) -> None:
    hit_id = market.hit(Question=external_question(url))

    page = BeautifulSoup(market.app.test_client().get(f"/hits/{hit_id}").text, "html.parser")

    assert ("allow-same-origin" in str(page.select_one("iframe")["sandbox"])) is has_origin
    assert "allow-top-navigation" not in str(page)


def test_an_external_question_has_no_frame_of_ours(market: Bench) -> None:
    hit_id = market.hit(Question=external_question("https://lab.example/task"))

    response = market.app.test_client().get(f"/frame/{hit_id}")

    assert (response.status_code, "Location" in response.headers) == (404, False)


# ---- QuestionForm -------------------------------------------------------------------------------------------


def test_a_forms_answers_come_back_as_the_documented_xml(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id := market.hit(Question=FORM))

    sent = ann.post_answer(
        assignment_id, {"q0": ["2", "other"], "q0_other": "a boat & a <kite>", "q1": "hello"}
    )

    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    assert sent.status_code == 200
    assert (
        "<QuestionIdentifier>seen</QuestionIdentifier>\n<SelectionIdentifier>c</SelectionIdentifier>\n"
        "<OtherSelectionText>a boat &amp; a &lt;kite&gt;</OtherSelectionText>\n" in assignment["Answer"]
    )
    assert (
        "<QuestionIdentifier>said</QuestionIdentifier>\n<FreeText>hello</FreeText>\n" in assignment["Answer"]
    )


def test_a_form_with_faults_is_shown_again_and_not_handed_in(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id := market.hit(Question=FORM))

    shown = ann.post_answer(assignment_id, {"q1": "much too long"})

    page = BeautifulSoup(shown.text, "html.parser")
    assert shown.status_code == 422
    assert [link["href"] for link in page.select("#faults a")] == ["#q0", "#q1"]
    assert page.select_one("#q1")["value"] == "much too long"
    assert "Set-Cookie" not in shown.headers
    assert market.get(hit_id)["NumberOfAssignmentsPending"] == 1
    again = {str(field["name"]): str(field["value"]) for field in page.select("input[type=hidden]")}
    target = urlsplit(str(page.select_one("form")["action"])).path
    anonymous = market.app.test_client()
    assert anonymous.post(target, data={**again, "q0": "0", "q1": "short"}).status_code == 200


def test_a_fault_is_told_by_the_number_that_its_question_has_in_the_form(market: Bench) -> None:
    questions = [question(free_text(), identifier=f"q{number}", required=True) for number in range(3)]
    ann = market.worker("Ann")
    unnamed = form(*questions).replace("<DisplayName>About q1</DisplayName>", "")
    assignment_id = ann.accept(market.hit(Question=unnamed))

    shown = ann.post_answer(assignment_id, {"q0": "here", "q1": "", "q2": "here"})

    (link,) = BeautifulSoup(shown.text, "html.parser").select("#faults a")
    assert (link["href"], link.text) == ("#q1", "Question 2")


def test_every_field_of_a_form_has_a_name_for_those_who_cannot_see(market: Bench) -> None:
    styles = "".join(
        question(selection("ab", style=style, most=most), identifier=f"{style}{most}")
        for style in ("radiobutton", "dropdown", "list", "checkbox")
        for most in (1, 2)
    )
    ann = market.worker("Ann")
    page = frame_page(ann, ann.accept(market.hit(Question=form(question(), styles))))

    identifiers = {str(tag["id"]) for tag in page.select("[id]")}
    for field in page.select("input:not([type=hidden]), select, textarea"):
        labels = str(field.get("aria-labelledby", "")).split()
        assert field.find_parent("label") or (labels and set(labels) <= identifiers), field
    for group in page.select("[role=group]"):
        assert group["aria-labelledby"] in identifiers


def test_a_form_is_framed_without_anything_inline(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit(Question=FORM))
    frame = ann.page(f"/assignments/{assignment_id}").select_one("iframe.work")

    response = ann.browser.get(str(frame["src"]))

    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-forms")
    assert "allow-same-origin" not in policy
    assert "unsafe-inline" not in policy


def test_a_forms_address_cannot_send_the_answer_elsewhere(market: Bench) -> None:
    ann, ben = market.worker("Ann"), market.worker("Ben")
    assignment_id = ann.accept(hit_id := market.hit(Question=FORM))
    path = f"/frame/{hit_id}?assignmentId={assignment_id}&turkSubmitTo=https://evil.example"

    own, strangers = ann.page(path).select_one("form"), ben.page(path).select_one("form")

    assert str(own["action"]).startswith("http://localhost/s/")
    assert (strangers["action"], strangers.select_one("input[name=assignmentId]")["value"]) == ("", "")


# ---- crowd elements -----------------------------------------------------------------------------------------

CROWD = (
    '<!DOCTYPE html> <script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
    '<crowd-form><crowd-input name="tag"></crowd-input></crowd-form>'
)


def test_a_page_may_load_one_script_of_ours_at_most_and_none_of_others(market: Bench) -> None:
    crowd, plain = market.hit(Question=html_question(CROWD)), market.hit()
    bare = market.hit(Question=html_question("<!DOCTYPE html><html><body>Look.</body></html>"))
    visitor = market.app.test_client()

    with_ours, with_form, without = (visitor.get(f"/frame/{hit_id}") for hit_id in (crowd, plain, bare))

    assert '<!DOCTYPE html><script src="/static/crowd.js" defer></script>' in with_ours.text
    assert (
        "script-src 'unsafe-inline' http://localhost/static/crowd.js;"
        in with_ours.headers["Content-Security-Policy"]
    )
    assert "assets.crowd.aws" not in with_ours.headers["Content-Security-Policy"]
    assert (
        "script-src 'unsafe-inline' http://localhost/static/mturk.js;"
        in with_form.headers["Content-Security-Policy"]
    )
    assert "script-src 'unsafe-inline';" in without.headers["Content-Security-Policy"]
    assert "/static/" not in without.text
