"""How the workers' pages use the room they have: tall and small pictures, long words, narrow telephones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest
from PIL import Image as Picture
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.domain.model import ImageId
from pixelpatchwork.domain.ports import GenerationPage, ShownImage, VotingPage
from tests.support.browser import chromium
from tests.support.hit_host import HitHost, hit_host, html_of
from tests.support.hit_worker import Worker

pytestmark = pytest.mark.browser

LANGUAGES = ("de", "en", "es", "fr")
SIZES = {"tall": (300, 1900), "small": (300, 200)}
BROKEN_WORDS = """
return [...document.querySelectorAll('button, .vote span')].flatMap((button) => {
  const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
  const broken = [];
  while (texts.nextNode())
    for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((line) => line.top)).size > 1) broken.push(word[0]);
    }
  return button.scrollWidth > button.clientWidth + 1 ? [...broken, button.textContent.trim()] : broken;
})
"""
"""The words that are broken in two, and the buttons that their words stick out of."""


def shown(name: str) -> ShownImage:
    width, height = SIZES[name]
    return ShownImage(
        image_id=ImageId(name), url=f"/images/{name}.png", width=width, height=height, label="offline"
    )


def voting(name: str) -> VotingPage:
    return VotingPage(
        study_name="A study",
        day_number=2,
        reward_usd=Decimal("0.10"),
        seed=shown(name),
        ballot=(
            (shown(name), ""),
            (replace(shown(name), image_id=ImageId("kite"), url=f"/images/kite-{name}.png"), "a kite"),
        ),
        consent="Your answers are kept.",
        instructions="Vote.",
    )


GENERATION = GenerationPage(
    study_name="A study",
    day_number=2,
    reward_usd=Decimal("0.25"),
    seed=shown("small"),
    past_winners=(),
    min_coverage=0.005,
    max_coverage=0.6,
    max_prompt=60,
    consent="Your answers are kept.",
    instructions="Paint.",
)


def png(size: tuple[int, int]) -> bytes:
    buffer = BytesIO()
    Picture.new("RGB", size, (90, 140, 170)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def host() -> Iterator[HitHost]:
    with hit_host() as running:
        for language in LANGUAGES:
            pages = HitPages(resources.hit_templates(), language=language)
            running.documents |= {
                f"generation-{language}": html_of(pages.generation(GENERATION)),
                f"tall-{language}": html_of(pages.voting(voting("tall"))),
                f"small-{language}": html_of(pages.voting(voting("small"))),
            }
        running.images = {
            f"/images/{prefix}{name}.png": png(size)
            for name, size in SIZES.items()
            for prefix in ("", "kite-")
        }
        yield running


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with chromium() as running:
        yield running


@pytest.fixture
def worker(driver: Chrome, host: HitHost) -> Worker:
    return Worker(driver, host)


def show(worker: Worker, name: str, *, width: int, height: int = 844) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    worker.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    worker.open(name)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_tall_picture_stands_on_the_screen_together_with_its_buttons(worker: Worker, width: int) -> None:
    show(worker, "tall-en", width=width)

    cards = worker.driver.find_elements(By.CSS_SELECTOR, "fieldset, section:has(> .open)")
    assert len(cards) == 3
    assert all(card.size["height"] <= 844 for card in cards)


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_button_breaks_a_word_or_is_too_narrow_for_it(worker: Worker, language: str, width: int) -> None:
    for name in ("generation", "small"):
        show(worker, f"{name}-{language}", width=width)
        assert worker.run(BROKEN_WORDS) == []
        assert worker.run("return document.documentElement.scrollWidth <= innerWidth")
    worker.driver.find_element(By.CSS_SELECTOR, "fieldset:last-child .open").click()
    assert worker.find("viewer-compare").is_displayed()
    assert worker.run(BROKEN_WORDS) == []
    assert worker.run("const viewer = find('viewer'); return viewer.scrollWidth <= viewer.clientWidth")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_small_picture_is_larger_in_the_viewer_than_on_its_card(worker: Worker, width: int) -> None:
    show(worker, "small-en", width=width)
    card = worker.driver.find_element(By.CSS_SELECTOR, "fieldset .open")
    before = card.size["width"]

    card.click()

    assert worker.find("viewer-image").size["width"] > before
    viewer = worker.find("viewer").rect
    assert viewer["x"] >= 0
    assert viewer["x"] + viewer["width"] <= width
    assert viewer["height"] <= 844
