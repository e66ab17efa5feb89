"""The review page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from pixelpatchwork.domain.model import OFFLINE, AssignmentId, CheckKind, Choice, ImageId, RoundKind
from pixelpatchwork.insight.held import HeldAnswer, HeldVote
from pixelpatchwork.insight.review import build_review, render_review
from tests.support.browser import chromium
from tests.support.insight import HEIGHT, NOON, WIDTH, one_day_story, stored
from tests.support.study import box_mask

pytestmark = pytest.mark.browser

HOSTILE = (
    "</title><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> '{{7*7}}"
)


def held(name: str, *, mask: str = "", votes: tuple[HeldVote, ...] = ()) -> HeldAnswer:
    return HeldAnswer(
        assignment_id=AssignmentId(name),
        artist=HOSTILE,
        day=1,
        round=RoundKind.VOTING if votes else RoundKind.GENERATION,
        reason=HOSTILE,
        submitted_at=NOON,
        pays_itself_at=NOON + timedelta(days=3),
        prompt=HOSTILE,
        mask=mask,
        votes=votes,
    )


def vote(image_id: ImageId, check: CheckKind | None = None) -> HeldVote:
    return HeldVote(
        shown_as=image_id, image_id=image_id, check=check, choice=Choice.UP, is_flagged=True, words=HOSTILE
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = one_day_story()
    images = [image.image_id for image in records.all_images]
    mask = box_mask((4, 4, 20, 20), size=(WIDTH, HEIGHT))
    ballot = tuple(vote(image_id, CheckKind.REPEAT if n else None) for n, image_id in enumerate(images[:3]))
    cases = (held("3PAINTED", mask=mask), held("3SCRAWLED", mask="~~~"), held("3VOTED", votes=ballot))
    page = build_review(cases, records, stored(records.all_images), study_name=HOSTILE, generated_at=NOON)
    path: Path = tmp_path_factory.mktemp("review") / "held.html"
    path.write_text(render_review(page), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [390, 1280])
def test_masks_and_pictures_stand_side_by_side_and_no_word_of_a_worker_acts(
    browser: Chrome, address: str, width: int, tmp_path: Path
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(address)
    assert browser.title.startswith("To review · </title><script>")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert all(browser.execute_script("return [...document.images].map(one => one.naturalWidth)"))
    outlines = browser.find_elements(By.CSS_SELECTOR, ".sides .outline")
    assert [one.value_of_css_property("opacity") for one in outlines] == ["1"]
    (tint,) = browser.find_elements(By.CSS_SELECTOR, ".sides .tint")
    picture = browser.find_element(By.CSS_SELECTOR, ".sides .tinted img")
    assert tint.rect == pytest.approx(picture.rect, abs=1)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".cards .check")) == 2
    text = browser.find_element(By.TAG_NAME, "body").text
    assert "ppw review 3PAINTED --accept" in text
    assert "No mask that can be read" in text
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map(one => one.name).filter(n => !n.startsWith('data:'))"
    )
    assert fetched == []
    assert browser.save_screenshot(str(tmp_path / "held.png"))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_badge_of_a_narrow_picture_is_one_whole_word(browser: Chrome, tmp_path: Path, width: int) -> None:
    records = one_day_story()
    records.all_images = [replace(one, width=300, height=1900, editor=OFFLINE) for one in records.all_images]
    ballot = tuple(vote(image.image_id) for image in records.all_images)
    case = held("3VOTED", votes=ballot)
    page = build_review((case,), records, stored(records.all_images), study_name="A", generated_at=NOON)
    path = tmp_path / "held.html"
    path.write_text(render_review(page), encoding="utf-8")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )

    browser.get(path.as_uri())

    badge = browser.find_element(By.CSS_SELECTOR, ".badge")
    assert badge.size["height"] < 30
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", badge)
    assert browser.execute_script(
        "const box = arguments[0].getBoundingClientRect();"
        "return document.elementFromPoint(box.right - 2, box.top + 4) === arguments[0]",
        badge,
    ), "its end is cut off"
