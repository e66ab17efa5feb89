"""People at the marketplace in a real Chromium: with the keyboard alone, on a phone, and in each kind of question."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from tests.support.browser import chromium
from tests.support.marketplace import Bench, bench, html_question
from tests.support.question_forms import ANSWERS, external_question, form, free_text, question, selection

pytestmark = pytest.mark.browser

SECONDS = 15
MOST_TABS = 60
FORM = form(
    "<Overview><Title>Look</Title><FormattedContent><![CDATA[A <b>kite</b>?]]></FormattedContent></Overview>",
    question(selection("ab", style="radiobutton", other=True), identifier="seen", required=True),
    question(selection("abc", most=2, style="checkbox"), identifier="colours"),
    question(
        free_text(
            '<Constraints><AnswerFormatRegex regex="^[a-h][1-8]$" flags="i" errorText="A square, like c4."/>'
            "</Constraints>"
        ),
        identifier="square",
        required=True,
    ),
)
CROWD = """<!DOCTYPE html><html><head>
<script src="https://assets.crowd.aws/crowd-html-elements.js"></script></head><body><crowd-form>
<crowd-input name="tag" label="One word" required></crowd-input>
<crowd-text-area name="why" label="Why?"></crowd-text-area>
<crowd-radio-group><crowd-radio-button name="yes" value="yes">Yes</crowd-radio-button>
<crowd-radio-button name="no" value="no">No</crowd-radio-button></crowd-radio-group>
<crowd-checkbox name="blurry" value="blurry">It is blurry</crowd-checkbox>
<crowd-slider name="liking" min="1" max="5" label="How much do you like it?"></crowd-slider>
<input type="hidden" name="late">
</crowd-form><script>
document.querySelector("crowd-form").onsubmit = () => { document.querySelector("[name=late]").value = "set"; };
</script></body></html>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(width=1280, height=900) as driver:
        yield driver


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench("served", ways_in=WaysIn(signup=SignUp.PASSWORD)) as found:
        yield found


def wait(browser: Chrome, condition: Any) -> Any:
    return WebDriverWait(browser, SECONDS).until(condition)


def wait_for_path(browser: Chrome, part: str) -> None:
    wait(browser, lambda driver: part in urlsplit(driver.current_url).path)


def keys(browser: Chrome, *sent: str) -> None:
    """Presses keys, wherever the focus is: real key events, no element named."""
    ActionChains(browser).send_keys(*sent).perform()


def tab_to(browser: Chrome, selector: str) -> WebElement:
    """Walks with the tabulator until the focus is there."""
    for _ in range(MOST_TABS):
        keys(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        if browser.execute_script("return arguments[0].matches(arguments[1])", focused, selector):
            return focused
    raise AssertionError(f"The tabulator never comes to {selector}.")


def sign_up(browser: Chrome, market: Bench, name: str = "Ann") -> None:
    browser.delete_all_cookies()
    browser.get(f"{market.url}/signup")
    keys(browser, name)
    tab_to(browser, "#password")
    keys(browser, "correct horse battery", Keys.ENTER)
    wait(browser, lambda driver: urlsplit(driver.current_url).path == "/")


def accept(browser: Chrome, market: Bench, hit_id: str) -> None:
    """Accepts, and turns to the frame."""
    browser.get(f"{market.url}/hits/{hit_id}")
    tab_to(browser, "form.accept button")
    keys(browser, Keys.ENTER)
    wait_for_path(browser, "/assignments/")
    enter_frame(browser)


def enter_frame(browser: Chrome) -> None:
    browser.switch_to.frame(wait(browser, lambda driver: driver.find_element(By.CSS_SELECTOR, "iframe.work")))


def thanked(browser: Chrome) -> bool:
    browser.switch_to.default_content()
    wait_for_path(browser, "/done")
    return browser.find_element(By.TAG_NAME, "h1").text == "Thank you"


def answer_of(market: Bench, hit_id: str) -> dict[str, list[str]]:
    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    return {
        answer.findtext(f"{{{ANSWERS}}}QuestionIdentifier") or "": [part.text or "" for part in answer[1:]]
        for answer in ElementTree.fromstring(assignment["Answer"])
    }


def test_everything_can_be_done_with_the_keyboard_alone(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Title="Look", Question=FORM)
    sign_up(browser, market)

    tab_to(browser, "#q")
    keys(browser, "look", Keys.ENTER)
    wait(browser, lambda driver: "q=look" in driver.current_url)
    tab_to(browser, "a.hit")
    keys(browser, Keys.ENTER)
    wait_for_path(browser, "/hits/")
    tab_to(browser, "form.accept button")
    keys(browser, Keys.ENTER)
    wait_for_path(browser, "/assignments/")
    enter_frame(browser)
    tab_to(browser, "input[name=q0]")
    keys(browser, Keys.ARROW_DOWN)
    tab_to(browser, "input[name=q1]")
    keys(browser, Keys.SPACE)
    tab_to(browser, "#q2")
    keys(browser, "C4")
    tab_to(browser, "button")
    keys(browser, Keys.ENTER)

    assert thanked(browser)
    assert answer_of(market, hit_id) == {"seen": ["b"], "colours": ["a"], "square": ["C4"]}
    tab_to(browser, "form.signout button")
    keys(browser, Keys.ENTER)
    wait(browser, lambda driver: driver.find_elements(By.CSS_SELECTOR, "a[href='/signin']"))


def test_the_browser_asks_for_what_a_form_asks_for(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Question=FORM)
    sign_up(browser, market)
    accept(browser, market, hit_id)

    def complaint(selector: str) -> str:
        return str(browser.execute_script(f"return document.querySelector('{selector}').validationMessage"))

    browser.find_element(By.CSS_SELECTOR, "input[name=q0][value=other]").click()
    for box in browser.find_elements(By.NAME, "q1"):
        box.click()
    browser.find_element(By.ID, "q2").send_keys("z9")

    assert complaint("#q1") == "Choose at most 2."
    assert complaint("#q2") == "A square, like c4."
    assert complaint("#q0_other") != ""
    browser.find_element(By.ID, "q1").click()
    browser.find_element(By.ID, "q0_other").send_keys("a boat")
    browser.find_element(By.ID, "q2").clear()
    browser.find_element(By.ID, "q2").send_keys("a1", Keys.ENTER)
    assert thanked(browser)
    assert answer_of(market, hit_id) == {"seen": ["a boat"], "colours": ["b", "c"], "square": ["a1"]}


def test_on_a_phone_everything_fits_and_is_large_enough_to_touch(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Title="Describe a picture in a sentence", Question=FORM, MaxAssignments=3)
    market.hit(Title="Tag", Question=html_question(CROWD))
    sign_up(browser, market)
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        for path in (
            "/",
            f"/hits/{hit_id}",
            "/dashboard",
            "/messages",
            "/qualifications",
            "/account",
            "/signup",
        ):
            browser.get(f"{market.url}{path}")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, path
            assert small_targets(browser) == [], path
        accept(browser, market, hit_id)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert small_targets(browser) == []
        browser.find_element(By.CSS_SELECTOR, "label.choice").click()
        browser.find_element(By.ID, "q1").click()
        browser.find_element(By.ID, "q2").send_keys("b2")
        browser.find_element(By.CSS_SELECTOR, "#answer button").click()
        assert thanked(browser)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_a_table_in_a_form_keeps_its_rows_and_its_header(browser: Chrome, market: Bench) -> None:
    table = (
        "<table><thead><tr><th>Year</th><th>Price</th><th>Sales</th><th>Profit</th></tr></thead>"
        "<tbody><tr><td>2024</td><td>p1</td><td>s1</td><td>p2</td></tr></tbody></table>"
    )
    overview = f"<Overview><FormattedContent><![CDATA[{table}]]></FormattedContent></Overview>"
    hit_id = market.hit(Question=form(overview, question(free_text())))
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        browser.get(f"{market.url}/frame/{hit_id}")
        rows = browser.execute_script(
            "return [...document.querySelectorAll('tr')].map(row => [...row.cells].map("
            "cell => { const box = cell.getBoundingClientRect(); return [box.top, box.width > 20]; }))"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [len(row) for row in rows] == [4, 4]
    assert all(top == row[0][0] and is_visible for row in rows for top, is_visible in row)


def small_targets(browser: Chrome) -> list[str]:
    """Buttons, menus and fields that are less than 40 pixels high."""
    found: list[str] = browser.execute_script(
        """return [...document.querySelectorAll("button, .button, select, input:not([type=hidden]), .places a")]
        .map(one => one.closest("label.choice") || one).filter(one => one.offsetHeight > 0 && one.offsetHeight < 40)
        .map(one => one.outerHTML.slice(0, 80))"""
    )
    return found


def test_crowd_elements_work_and_fold_into_one_answer(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Question=html_question(CROWD))
    sign_up(browser, market)
    accept(browser, market, hit_id)

    wait(browser, lambda driver: driver.find_elements(By.CSS_SELECTOR, "crowd-input input"))
    browser.find_element(By.CSS_SELECTOR, "crowd-input input").send_keys("kite")
    browser.find_element(By.CSS_SELECTOR, "crowd-text-area textarea").send_keys("It flies.")
    browser.find_element(By.CSS_SELECTOR, "crowd-radio-button:nth-of-type(2) label").click()
    browser.find_element(By.CSS_SELECTOR, "crowd-checkbox label").click()
    browser.find_element(By.CSS_SELECTOR, "crowd-slider input").send_keys(Keys.ARROW_RIGHT)
    browser.find_element(By.CSS_SELECTOR, "crowd-form button").click()

    assert thanked(browser)
    assert json.loads(answer_of(market, hit_id)["taskAnswers"][0]) == [
        {
            "tag": "kite",
            "why": "It flies.",
            "yes": {"yes": False},
            "no": {"no": True},
            "blurry": {"blurry": True},
            "liking": 2,
            "late": "set",
        }
    ]


def test_a_crowd_form_in_a_preview_cannot_be_sent(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Question=html_question(CROWD))
    browser.get(f"{market.url}/hits/{hit_id}")
    browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, "iframe.preview"))

    button = wait(browser, lambda driver: driver.find_element(By.CSS_SELECTOR, "crowd-form button"))

    assert not button.is_enabled()
    browser.switch_to.default_content()


# ---- ExternalQuestion ---------------------------------------------------------------------------------------

LAB_PAGE = b"""<!DOCTYPE html><html lang="en"><head><title>Lab</title></head><body><h1>The lab's own page</h1>
<pre id="seen"></pre><form id="answer" method="post"><input type="hidden" name="assignmentId" id="assignment">
<label>Word <input name="word" id="word"></label><button>Send</button></form><script>
const query = new URLSearchParams(location.search);
const attempt = (act) => { try { return String(act()); } catch (error) { return error.name; } };
document.getElementById("assignment").value = query.get("assignmentId");
document.getElementById("answer").action = query.get("turkSubmitTo") + "/mturk/externalSubmit";
const seen = document.getElementById("seen");
const tell = (text) => { seen.textContent += text + ";"; };
tell("origin " + (self.origin === location.origin));
tell("storage " + attempt(() => localStorage.length));
tell("site's cookie " + document.cookie.includes("marketplace"));
tell("parent " + attempt(() => parent.document.title));
tell("top " + attempt(() => { top.location = "about:blank"; }));
const site = new URL(query.get("turkSubmitTo")).origin;
fetch(site + "/dashboard", { credentials: "include" })
  .then((answer) => answer.text())
  .then(() => tell("read"), () => tell("fetch refused"));
</script></body></html>"""


class _Lab(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(LAB_PAGE)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@contextmanager
def lab() -> Iterator[str]:
    """A requester's own server, on another port and under another name than the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Lab)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/task?lang=en"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_external_page_keeps_its_own_origin_and_reaches_nothing_of_ours(
    browser: Chrome, market: Bench
) -> None:
    with lab() as url:
        hit_id = market.hit(Question=external_question(url, 333))
        sign_up(browser, market)
        accept(browser, market, hit_id)
        wait(browser, lambda driver: "fetch" in driver.find_element(By.ID, "seen").text)

        assert browser.find_element(By.ID, "seen").text.split(";") == [
            "origin true",
            "storage 0",
            "site's cookie false",
            "parent SecurityError",
            "top SecurityError",
            "fetch refused",
            "",
        ]
        browser.find_element(By.ID, "word").send_keys("kite", Keys.ENTER)
        assert thanked(browser)
    assert answer_of(market, hit_id) == {"word": ["kite"]}


# ---- the countdown ------------------------------------------------------------------------------------------


def test_the_end_is_announced_in_time_and_what_was_written_stays(browser: Chrome, market: Bench) -> None:
    hit_id = market.hit(Question=FORM, AssignmentDurationInSeconds=62)
    sign_up(browser, market)
    accept(browser, market, hit_id)
    browser.find_element(By.ID, "q2").send_keys("c4")
    browser.switch_to.default_content()

    alarm = browser.find_element(By.ID, "alarm")
    wait(browser, lambda _driver: alarm.is_displayed())

    assert alarm.get_attribute("role") == "alert"
    assert alarm.text == "Less than a minute is left. Hand in what you have."
    enter_frame(browser)
    assert browser.find_element(By.ID, "q2").get_attribute("value") == "c4"
    browser.switch_to.default_content()
