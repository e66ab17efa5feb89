"""The work page in a real Chromium: the frame's opaque origin, the clock, and noticing that an answer was sent."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import chromium
from tests.support.marketplace import Bench, bench, html_question

pytestmark = pytest.mark.browser

NOSY_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Task</title></head><body>
<form id="answer" method="post"><input type="hidden" name="assignmentId" id="assignment">
<label>Prompt <input name="prompt" id="prompt"></label><button>Send</button></form>
<pre id="seen"></pre>
<script>
const query = new URLSearchParams(location.search);
const attempt = (act) => { try { return String(act()); } catch (error) { return error.name; } };
document.getElementById("assignment").value = query.get("assignmentId");
document.getElementById("answer").action = query.get("turkSubmitTo").replace(/[/]$/, "") + "/mturk/externalSubmit";
const seen = document.getElementById("seen");
const tell = (text) => { seen.textContent += text + ";"; };
tell("origin " + self.origin);
tell("cookie " + attempt(() => document.cookie));
tell("parent " + attempt(() => parent.document.title));
tell("storage " + attempt(() => localStorage.length));
tell("top " + attempt(() => { top.location = "/dashboard"; }));
fetch("/dashboard").then(() => tell("fetched"), () => tell("fetch refused"));
</script></body></html>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(width=1280, height=900) as driver:
        yield driver


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench("served") as found:
        yield found


def press(browser: Chrome, selector: str) -> None:
    """Goes there with the keyboard alone."""
    browser.find_element(By.CSS_SELECTOR, selector).send_keys(Keys.ENTER)


def wait_for_path(browser: Chrome, part: str) -> None:
    WebDriverWait(browser, 15).until(lambda driver: part in urlsplit(driver.current_url).path)


def start_work(browser: Chrome, market: Bench) -> str:
    """Signs in and accepts a HIT, by keyboard; leaves the browser on the work page."""
    hit_id = market.hit(Question=html_question(NOSY_PAGE))
    browser.get(f"{market.url}/signin?next=/hits/{hit_id}")
    browser.find_element(By.ID, "name").send_keys("Ann", Keys.ENTER)
    wait_for_path(browser, f"/hits/{hit_id}")
    press(browser, "form.accept button")
    wait_for_path(browser, "/assignments/")
    return hit_id


def test_a_hits_page_reaches_neither_cookies_nor_the_site(browser: Chrome, market: Bench) -> None:
    start_work(browser, market)
    browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, "iframe.work"))
    WebDriverWait(browser, 15).until(
        expected_conditions.text_to_be_present_in_element((By.ID, "seen"), "fetch")
    )

    assert browser.find_element(By.ID, "seen").text.split(";") == [
        "origin null",
        "cookie SecurityError",
        "parent SecurityError",
        "storage SecurityError",
        "top SecurityError",
        "fetch refused",
        "",
    ]
    assert "/assignments/" in browser.current_url


def test_the_work_page_notices_the_submit_and_thanks(browser: Chrome, market: Bench) -> None:
    hit_id = start_work(browser, market)
    browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, "iframe.work"))
    browser.find_element(By.ID, "prompt").send_keys("a red kite", Keys.ENTER)
    browser.switch_to.default_content()
    wait_for_path(browser, "/done")

    assert browser.find_element(By.TAG_NAME, "h1").text == "Thank you"
    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    assert "<FreeText>a red kite</FreeText>" in assignment["Answer"]


def test_the_time_that_is_left_is_counted_down(browser: Chrome, market: Bench) -> None:
    start_work(browser, market)
    left = WebDriverWait(browser, 15).until(
        lambda driver: text if (text := driver.find_element(By.ID, "left").text).startswith("09:") else None
    )

    assert left <= "09:59"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(browser: Chrome, market: Bench, width: int) -> None:
    long_title = "Repaint " + "unbroken" * 14
    market.hit(Title=long_title, Question=html_question(NOSY_PAGE))
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    hit_id = start_work(browser, market)

    for address in (
        browser.current_url,
        f"{market.url}/",
        f"{market.url}/hits/{hit_id}",
        f"{market.url}/dashboard",
    ):
        browser.get(address)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, address
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
