"""The workers' pages in a real Chromium, in a sandboxed frame of an opaque origin under a strict policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Picture
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.actions import interaction
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import ImageId
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from tests.support.browser import chromium
from tests.support.hit_host import PREVIEW, HitHost, hit_host, html_of
from tests.support.hit_worker import Worker

pytestmark = pytest.mark.browser

SIZE = (640, 427)
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> \"'{{7*7}}"


def shown(image_id: str, size: tuple[int, int] = SIZE) -> ShownImage:
    width, height = size
    return ShownImage(
        image_id=ImageId(image_id), url=f"/images/{image_id}.png", width=width, height=height, label="offline"
    )


GENERATION = GenerationPage(
    study_name="A study",
    day_number=2,
    reward_usd=Decimal("0.25"),
    seed=shown("seed"),
    past_winners=(PastWinner(day_number=1, image=shown("w1"), prompt=HOSTILE, username=HOSTILE),),
    min_coverage=0.005,
    max_coverage=0.6,
    max_prompt=60,
    consent="Your answers are kept.",
    instructions="Paint.",
)
VOTING = VotingPage(
    study_name="A study",
    day_number=2,
    reward_usd=Decimal("0.10"),
    seed=shown("seed"),
    ballot=tuple((shown(name), HOSTILE) for name in ("i1", "i2", "i3", "i4")),
    consent="Your answers are kept.",
    instructions="Vote.",
)


def png(size: tuple[int, int]) -> bytes:
    buffer = BytesIO()
    Picture.new("RGB", size, (90, 140, 170)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def host() -> Iterator[HitHost]:
    pages = HitPages(resources.hit_templates())
    large, odd = replace(GENERATION, seed=shown("large", (4000, 3000))), shown("odd", (53, 31))
    with hit_host() as running:
        running.documents = {
            "generation": html_of(pages.generation(GENERATION)),
            "large": html_of(pages.generation(large)),
            "odd": html_of(pages.generation(replace(GENERATION, seed=odd))),
            "lost": html_of(pages.generation(replace(GENERATION, seed=shown("lost")))),
            "voting": html_of(pages.voting(VOTING)),
        }
        sizes = {"large": (4000, 3000), "odd": (53, 31)}
        names = ("seed", "w1", "i1", "i2", "i3", "i4", "large", "odd")
        running.images = {f"/images/{name}.png": png(sizes.get(name, SIZE)) for name in names}
        yield running


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with chromium() as running:
        yield running


@pytest.fixture
def worker(driver: Chrome, host: HitHost) -> Worker:
    return Worker(driver, host)


def center_of(pixels: npt.NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(pixels)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize(
    "kind", [interaction.POINTER_MOUSE, interaction.POINTER_TOUCH, interaction.POINTER_PEN]
)
def test_what_is_painted_is_sent_bit_for_bit(worker: Worker, kind: str) -> None:
    worker.open("generation").agree_and_write()
    worker.run("canvas.addEventListener('pointerdown', (event) => { window.kind = event.pointerType; })")
    worker.drag((-100, -40), (60, 50), kind=kind)

    assert worker.run("return window.kind") == kind
    seen = worker.seen()
    answer = worker.send()

    assert seen.sum() > 2_000
    assert np.array_equal(Mask.from_rle(answer["mask"], size=SIZE).pixels, seen)
    assert answer["path"] == "/mturk/externalSubmit"
    assert (answer["assignmentId"], answer["consent"], answer["prompt"]) == (
        "3ASSIGNMENT",
        "yes",
        "a red boat",
    )
    assert answer["language"].startswith("en")
    assert 0 < float(answer["seconds"]) < 60
    assert set(answer) == {"assignmentId", "consent", "language", "mask", "path", "prompt", "seconds"}


def test_a_stroke_falls_where_the_pointer_was_in_the_seeds_own_pixels(worker: Worker) -> None:
    worker.open("generation")
    scale = SIZE[0] / worker.canvas.rect["width"]
    worker.drag((-80, -30), (40, 20))

    x, y = center_of(worker.seen())
    assert abs(x - (SIZE[0] / 2 - 20 * scale)) < 3
    assert abs(y - (SIZE[1] / 2 - 5 * scale)) < 3


@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_the_mask_has_the_seeds_resolution_at_any_density_of_the_screen(worker: Worker, ratio: int) -> None:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": ratio, "mobile": False}
    worker.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        worker.open("generation").agree_and_write()
        worker.drag((-60, 0), (60, 0))
        seen = worker.seen()
        answer = worker.send()
    finally:
        worker.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert seen.shape == SIZE[::-1]
    assert np.array_equal(Mask.from_rle(answer["mask"], size=SIZE).pixels, seen)


def test_undo_redo_and_clear_take_whole_strokes(worker: Worker) -> None:
    worker.open("generation")
    worker.drag((-100, 0), (-50, 0))
    first = worker.seen()
    worker.drag((-70, 0), (80, 40))
    second = worker.seen()

    worker.click("undo")
    assert np.array_equal(worker.seen(), first)
    worker.click("redo")
    assert np.array_equal(worker.seen(), second)
    worker.click("clear")
    assert not worker.seen().any()
    worker.click("undo")
    assert np.array_equal(worker.seen(), second)
    ActionChains(worker.driver).key_down(Keys.CONTROL).send_keys("zz").key_up(Keys.CONTROL).perform()
    assert not worker.seen().any()
    assert worker.run("return painting.painted") == 0


def test_the_eraser_takes_paint_away_and_nothing_else(worker: Worker) -> None:
    worker.open("generation")
    worker.drag((-100, 0), (100, 0))
    painted = worker.seen()
    worker.click("eraser")
    worker.drag((0, -60), (0, 60))
    left = worker.seen()

    assert left.sum() < painted.sum()
    assert not (left & ~painted).any()
    assert worker.run("return painting.painted") == left.sum()


def test_a_larger_brush_paints_more(worker: Worker) -> None:
    worker.open("generation")
    worker.drag((0, 0), (1, 0))
    small = worker.seen().sum()
    worker.click("clear")
    worker.run("find('size').value = 30")
    worker.drag((0, 0), (1, 0))

    assert worker.seen().sum() > 6 * small


def test_a_mask_can_be_painted_with_the_keyboard_alone(worker: Worker) -> None:
    worker.open("generation").agree_and_write()
    worker.run("canvas.focus()")
    keys = ActionChains(worker.driver)
    keys.send_keys(Keys.ARROW_LEFT * 4, " ", Keys.ENTER, Keys.ARROW_RIGHT * 6, Keys.ENTER, Keys.ARROW_UP * 9)
    keys.send_keys(" ", "e", " ").perform()

    seen = worker.seen()
    assert "% of the picture is painted" in worker.find("spoken").get_attribute("textContent")
    assert center_of(seen)[1] == pytest.approx(SIZE[1] / 2, abs=1)
    assert np.array_equal(Mask.from_rle(worker.send()["mask"], size=SIZE).pixels, seen)


def test_the_page_says_what_is_missing_until_all_is_there(worker: Worker) -> None:
    worker.open("generation")
    assert "Tick the box" in worker.why
    worker.click("consent")
    assert worker.why == "Paint over the part that should change."
    worker.run("find('size').value = 1")
    worker.drag((0, 0), (1, 0))
    assert worker.why == "Paint a little more, at least 0.5%."
    worker.run("find('size').value = 40")
    worker.drag((-100, 0), (100, 0))
    assert worker.why == "Write what should be there."
    worker.find("prompt").send_keys("x" * 63)
    assert worker.why == "Your words are too long by 3."
    assert not worker.find("send").is_enabled()
    worker.find("prompt").send_keys(Keys.BACKSPACE * 3)
    assert worker.why == "Ready to send."
    for height in range(-200, 201, 40):
        worker.drag((-300, height), (300, height))
    assert worker.why == "That is too much, at most 60%. Erase some of it."
    assert not worker.find("send").is_enabled()


def test_a_preview_lets_everything_be_tried_and_nothing_be_sent(worker: Worker) -> None:
    worker.open("generation", assignment_id=PREVIEW).agree_and_write()
    worker.drag((-100, 0), (100, 0))

    assert worker.seen().any()
    assert worker.find("preview").is_displayed()
    assert "Accept the HIT first" in worker.why
    worker.run("form.requestSubmit()")
    assert not worker.host.answered.wait(0.2)


@pytest.mark.parametrize("submit_to", ["", "javascript:alert(1)", "file:///tmp", "//evil", "ftp://127.0.0.1"])
def test_an_answer_goes_to_a_web_address_or_nowhere(worker: Worker, submit_to: str) -> None:
    worker.open("generation", submit_to=submit_to)

    assert "not opened by a marketplace" in worker.why
    assert not worker.find("send").is_enabled()


def test_a_picture_that_does_not_load_is_named(worker: Worker) -> None:
    worker.open("lost")

    WebDriverWait(worker.driver, 5).until(lambda _: "could not be loaded" in worker.why)


def test_hostile_words_of_others_run_nowhere(worker: Worker) -> None:
    for name in ("generation", "voting"):
        worker.open(name)
        assert "taken" not in worker.run("return document.title")
        assert worker.run("return document.querySelectorAll('script').length") == 2
        assert HOSTILE in worker.run("return document.querySelector('main').textContent")


def test_runs_are_written_as_python_reads_and_writes_them(worker: Worker) -> None:
    worker.open("odd")
    generator = np.random.default_rng(7)
    masks = [generator.random((31, 53)) < share for share in (0, 0.01, 0.2, 0.5, 0.9, 1)]
    masks += [np.indices((31, 53))[axis] % 2 == 0 for axis in (0, 1)]

    for pixels in masks:
        written = worker.run(
            "return encodeMask(Uint8Array.from(arguments[0]), 53, 31)", pixels.ravel().astype(int).tolist()
        )
        assert json.loads(written) == json.loads(Mask(pixels=pixels).to_rle())
        assert np.array_equal(Mask.from_rle(written, size=(53, 31)).pixels, pixels)


def test_a_seed_of_twelve_megapixels_can_be_painted_on(worker: Worker) -> None:
    worker.open("large").agree_and_write()
    worker.run("find('size').value = 40")
    worker.drag((-200, -100), (200, 100))
    painted = worker.run("return painting.painted")

    mask = Mask.from_rle(worker.send()["mask"], size=(4000, 3000))

    assert mask.count == painted > 1_000_000


def test_a_ballot_is_voted_on_and_sent(worker: Worker) -> None:
    worker.open("voting")
    assert (worker.find("progress").text, worker.find("send").is_enabled()) == ("0 of 4 voted", False)
    worker.click("consent")
    assert worker.why == "Vote on at least one picture."
    for name, choice in (("i1", "up"), ("i2", "down")):
        css = f'input[name="vote_{name}"][value="{choice}"]'
        worker.driver.find_element(By.CSS_SELECTOR, css).click()
    worker.driver.find_element(By.NAME, "flag_i4").click()
    third = worker.driver.find_element(By.CSS_SELECTOR, 'input[name="vote_i3"][value="skip"]')
    third.send_keys(Keys.ARROW_LEFT)
    assert worker.find("progress").text == "3 of 4 voted"

    answer = worker.send()

    sent = {name: value for name, value in answer.items() if name.startswith(("vote_", "flag_"))}
    assert sent == {
        "vote_i1": "up",
        "vote_i2": "down",
        "vote_i3": "down",
        "vote_i4": "skip",
        "flag_i4": "yes",
    }
    assert answer["consent"] == "yes"


def test_a_picture_of_the_ballot_opens_large_and_compares_with_the_seed(worker: Worker) -> None:
    worker.open("voting")
    worker.driver.find_element(By.CSS_SELECTOR, "fieldset .open").click()
    viewer = worker.find("viewer-image")
    assert viewer.get_attribute("src").endswith("/images/i1.png")
    assert worker.find("viewer-title").text.startswith("</script>")

    ActionChains(worker.driver).click_and_hold(worker.find("viewer-compare")).perform()
    assert viewer.get_attribute("src").endswith("/images/seed.png")
    ActionChains(worker.driver).release().perform()
    assert viewer.get_attribute("src").endswith("/images/i1.png")
    worker.click("viewer-close")
    assert not worker.find("viewer").is_displayed()


@pytest.mark.parametrize("name", ["generation", "voting"])
def test_nothing_overflows_a_phones_width(worker: Worker, name: str) -> None:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": False}
    worker.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        worker.open(name)
        assert worker.run("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        worker.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_page_breaks_no_rule_of_its_frame(worker: Worker) -> None:
    worker.driver.get_log("browser")
    for name in ("generation", "voting"):
        worker.open(name)

    complaints = [entry["message"] for entry in worker.driver.get_log("browser")]
    assert [message for message in complaints if "favicon.ico" not in message] == []
