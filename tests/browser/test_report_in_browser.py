"""The report in a real browser: it fits a telephone and a desk, needs nothing from outside, and outlines patches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Picture
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from pixelpatchwork.insight.report import build_report, render_report
from tests.support.browser import chromium
from tests.support.insight import one_day_story, stored

pytestmark = pytest.mark.browser

LONG_WORD = "antidisestablishmentarianism" * 8


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = one_day_story()
    records.name = LONG_WORD
    report = build_report(
        records, stored(records.all_images), generated_at=datetime(2026, 11, 21, tzinfo=UTC)
    )
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(report), encoding="utf-8")
    return path.as_uri()


def show(browser: Chrome, address: str, *, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(address)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_sideways(browser: Chrome, address: str, width: int) -> None:
    show(browser, address, width=width)
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_picture_shows_and_nothing_is_fetched_or_refused(browser: Chrome, address: str) -> None:
    show(browser, address, width=1280)
    sizes = browser.execute_script("return [...document.images].map(one => one.naturalWidth)")
    assert sizes
    assert all(sizes)
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map(one => one.name).filter(n => !n.startsWith('data:'))"
    )
    assert fetched == []
    messages = browser.execute("getLog", {"type": "browser"})["value"]
    assert [one for one in messages if "favicon" not in one["message"]] == []


def test_the_switch_outlines_what_was_painted(browser: Chrome, address: str) -> None:
    show(browser, address, width=1280)
    outlines = browser.find_elements(By.CSS_SELECTOR, ".cards .outline")
    # The switch fades; without motion the page shows its end at once.
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    assert [one.value_of_css_property("opacity") for one in outlines] == ["0", "0"]
    browser.find_element(By.CSS_SELECTOR, "label[for=outlines]").click()
    assert [one.value_of_css_property("opacity") for one in outlines] == ["1", "1"]


def right_edge(browser: Chrome) -> int:
    """How bright the right edge of the table of participation is, 0 to 255."""
    table = browser.find_element(By.CSS_SELECTOR, ".scroll[tabindex]")
    with Picture.open(BytesIO(table.screenshot_as_png)) as picture:
        grey = picture.convert("L")
        edge = grey.crop((grey.width - 3, 0, grey.width - 1, grey.height)).resize(
            (1, 1), Picture.Resampling.BOX
        )
    return edge.tobytes()[0]


def test_a_table_that_goes_on_has_a_shadow_where_it_does(browser: Chrome, address: str) -> None:
    show(browser, address, width=390)
    going_on = right_edge(browser)
    browser.execute_script("document.querySelector('.scroll[tabindex]').scrollLeft = 9999")
    at_its_end = right_edge(browser)

    assert going_on < at_its_end - 30


def test_names_in_a_table_stay_readable_on_a_telephone(browser: Chrome, address: str) -> None:
    show(browser, address, width=390)
    for table in browser.find_elements(By.TAG_NAME, "details"):
        table.click()
    names = browser.find_elements(By.CSS_SELECTOR, "details tbody .text")
    assert names
    assert all(name.size["width"] > 100 for name in names)
