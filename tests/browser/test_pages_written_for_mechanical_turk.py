"""HTML pages as people wrote them for Mechanical Turk, filled in and handed in by somebody in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import chromium
from tests.support.marketplace import Bench, bench, html_question
from tests.support.question_forms import ANSWERS

pytestmark = pytest.mark.browser

SECONDS = 15
DOCS = Path(__file__).parents[2] / "docs" / "marketplace.md"
HEAD = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A word</title>'
AMAZONS = '<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>'
TO_AMAZON = "https://www.mturk.com/mturk/externalSubmit"

# The way of Amazon's own reference: an empty field, an address of Amazon's, and a call after the form.
AS_IN_THE_REFERENCE = f"""{HEAD}{AMAZONS}</head><body>
<form name="mturk_form" method="post" id="mturk_form" action="{TO_AMAZON}">
<input type="hidden" value="" name="assignmentId" id="assignmentId">
<input name="word"><input type="submit" id="submitButton" value="Submit"></form>
<script>turkSetAssignmentID();</script></body></html>"""

OTHER_WAYS = {
    "no address": f'{HEAD}</head><body><form method="post"><input name="word"></form></body></html>',
    "the sandbox's address": f"""{HEAD}</head><body>
<form action="https://workersandbox.mturk.com/mturk/externalSubmit"><input name="word"></form></body></html>""",
    "a path": f"""{HEAD}</head><body>
<form method="POST" action="/mturk/externalSubmit"><input name="word"></form></body></html>""",
    "a form sent by a script": f"""{HEAD}{AMAZONS}</head><body>
<form method="post" action="{TO_AMAZON}"><input type="hidden" name="assignmentId"><input name="word"></form><script>
const form = document.forms[0];
form.assignmentId.value = turkGetParam("assignmentId", "");
form.onsubmit = (event) => {{ event.preventDefault(); form.submit(); }};
</script></body></html>""",
    "an address asked for": f"""{HEAD}{AMAZONS}</head><body>
<form method="post"><input name="word"></form><script>
const form = document.forms[0];
form.action = turkGetSubmitToHost() + "/mturk/externalSubmit";
const hidden = Object.assign(document.createElement("input"), {{ type: "hidden", name: "assignmentId" }});
hidden.value = turkGetParam("assignmentId");
form.append(hidden);
</script></body></html>""",
    "a form made by a script": f"""{HEAD}</head><body><input id="word" name="word"><script>
document.getElementById("word").onchange = (event) => {{
  const form = document.createElement("form");
  form.method = "post";
  form.action = "{TO_AMAZON}";
  form.append(event.target);
  document.body.append(form);
  form.submit();
}};
</script></body></html>""",
    "fields that hide the form's own words": f"""{HEAD}</head><body>
<form method="post" action="{TO_AMAZON}"><input name="word"><input type="hidden" name="action" value="a">
<input type="hidden" name="submit" value="s"><input type="hidden" name="getAttribute" value="g">
</form></body></html>""",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(width=1280, height=900) as driver:
        yield driver


@pytest.fixture(scope="module")
def market() -> Iterator[Bench]:
    with bench("served") as found:
        yield found


def published(market: Bench, html: str) -> str:
    return market.hit(Title="A word", Question=html_question(html))


def open_as(browser: Chrome, market: Bench, path: str, name: str) -> None:
    """Signs somebody in, goes there, and into the frame."""
    browser.switch_to.default_content()
    browser.delete_all_cookies()
    browser.get(f"{market.url}/signin?next={path}")
    browser.find_element(By.ID, "name").send_keys(name, Keys.ENTER)
    wait_for_path(browser, path)


def at_work(browser: Chrome, market: Bench, hit_id: str, name: str = "Ann") -> None:
    open_as(browser, market, f"/hits/{hit_id}", name)
    browser.find_element(By.CSS_SELECTOR, "form.accept button").send_keys(Keys.ENTER)
    wait_for_path(browser, "/assignments/")
    enter_frame(browser)


def wait_for_path(browser: Chrome, part: str) -> None:
    WebDriverWait(browser, SECONDS).until(lambda driver: part in urlsplit(driver.current_url).path)


def enter_frame(browser: Chrome) -> None:
    frame: WebElement = WebDriverWait(browser, SECONDS).until(
        lambda driver: driver.find_element(By.TAG_NAME, "iframe")
    )
    browser.switch_to.frame(frame)


def answers(market: Bench, hit_id: str) -> dict[str, str]:
    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    return {
        answer.findtext(f"{{{ANSWERS}}}QuestionIdentifier") or "": answer.findtext(f"{{{ANSWERS}}}FreeText")
        or ""
        for answer in ElementTree.fromstring(assignment["Answer"])
    }


def hand_in(browser: Chrome, field: str, text: str) -> None:
    browser.find_element(By.NAME, field).send_keys(text, Keys.ENTER)
    browser.switch_to.default_content()
    wait_for_path(browser, "/done")


def test_the_page_of_the_documents_can_be_handed_in(browser: Chrome, market: Bench) -> None:
    found = re.search(r"<!\[CDATA\[\s*(.*?)\s*\]\]>", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    hit_id = published(market, found[1])

    at_work(browser, market, hit_id)
    hand_in(browser, "colour", "blue")

    assert answers(market, hit_id) == {"colour": "blue"}


def test_the_page_of_amazons_reference_can_be_handed_in(browser: Chrome, market: Bench) -> None:
    hit_id = published(market, AS_IN_THE_REFERENCE)

    at_work(browser, market, hit_id)
    assert browser.find_element(By.ID, "submitButton").is_enabled()
    hand_in(browser, "word", "kite")

    assert answers(market, hit_id) == {"word": "kite"}


def test_its_button_is_off_in_a_preview(browser: Chrome, market: Bench) -> None:
    open_as(browser, market, f"/hits/{published(market, AS_IN_THE_REFERENCE)}", "Ann")
    enter_frame(browser)

    button = browser.find_element(By.ID, "submitButton")

    assert not button.is_enabled()
    assert button.get_attribute("value") == "Accept the task first"


@pytest.mark.parametrize("way", sorted(OTHER_WAYS))
def test_a_form_leads_to_the_marketplace_however_it_was_addressed(
    browser: Chrome, market: Bench, way: str
) -> None:
    hit_id = published(market, OTHER_WAYS[way])

    at_work(browser, market, hit_id)
    hand_in(browser, "word", "kite")

    assert answers(market, hit_id)["word"] == "kite"


def test_a_form_without_an_address_says_in_a_preview_that_it_is_one(browser: Chrome, market: Bench) -> None:
    open_as(browser, market, f"/hits/{published(market, OTHER_WAYS['no address'])}", "Ann")
    enter_frame(browser)

    browser.find_element(By.NAME, "word").send_keys("kite", Keys.ENTER)

    WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(
        lambda driver: "This is a preview." in driver.find_element(By.TAG_NAME, "body").text
    )
