"""A whole Day by hand: two people in a real browser before `ppw serve`, a requester at the command line meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pillow
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.mask import Mask
from tests.support.browser import chromium
from tests.support.hit_host import HitHost
from tests.support.hit_worker import Worker
from tests.support.ppw import Ran, ppw, serving
from tests.support.studies import new_study

pytestmark = pytest.mark.browser

PROMPT = '🦊 a fox & <b onclick="alert(1)">two</b> ☃️ snowmen in red'
SECONDS = 15
SIZE = (240, 160)

Bits = npt.NDArray[np.bool_]


class Person:
    """Somebody with a browser of his own at the marketplace's site."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver = driver
        self.url = url
        self.desk = Worker(driver, HitHost())

    def sign_in(self, name: str) -> None:
        self.driver.get(f"{self.url}/signin")
        self.driver.find_element(By.ID, "name").send_keys(name)
        self._press("form.signin button")

    def accept(self) -> None:
        """Opens the first HIT on the list, looks at its preview, accepts it, and turns to its frame."""
        self._press("a.hit")
        self._wait_for("iframe.preview")
        self._press("form.accept button")
        self.driver.switch_to.frame(self._wait_for("iframe.work"))
        self._wait_for("#answer")

    def sizes_of_pictures(self) -> list[int]:
        """The own widths of the frame's pictures, once each has been loaded or has failed."""
        script = "return [...document.querySelectorAll('main img')]"
        WebDriverWait(self.driver, SECONDS).until(
            lambda driver: driver.execute_script(f"{script}.every(one => one.complete)")
        )
        return list(self.driver.execute_script(f"{script}.map(one => one.naturalWidth)"))

    def write(self, text: str) -> None:
        """Types into the prompt; a key of its own for each character would have no key for an emoji."""
        self.desk.find("prompt").click()
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def vote(self, image_id: str, choice: str) -> None:
        self._press(f'input[name="vote_{image_id}"][value="{choice}"]')

    def send(self) -> str:
        """Hands in, and reads the page that follows."""
        WebDriverWait(self.driver, SECONDS).until(lambda _: self.desk.find("send").is_enabled())
        self.desk.click("send")
        self.driver.switch_to.default_content()
        return str(self._wait_for("section.done h1").text)

    def complaints(self) -> list[str]:
        """What the browser's console says."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries]

    def _press(self, selector: str) -> None:
        element = self._wait_for(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def _wait_for(self, selector: str) -> Any:
        found = conditions.presence_of_element_located((By.CSS_SELECTOR, selector))
        return WebDriverWait(self.driver, SECONDS).until(found)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return new_study(tmp_path / "study", {"generation.assignments": "1", "voting.assignments": "1"})


def run(study: Path, *arguments: str) -> Ran:
    return ppw("--config", study, *arguments, cwd=study.parent).well()


@contextmanager
def records(study: Path) -> Iterator[SqlStore]:
    store = open_store(load_settings(study, {}).database_url)
    try:
        yield store
    finally:
        store.close()


def pixels(study: Path, key: str) -> npt.NDArray[np.uint8]:
    with Pillow.open(study.parent / "images" / key) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_person_paints_another_votes_and_the_next_day_begins(study: Path) -> None:
    run(study, "publish-round")
    with serving("--config", study, cwd=study.parent) as served:
        painted = one_person_paints(served.url)
        assert run(study, "collect", "--json").json["edits"]["made"] == 1
        image_id = the_image_differs_where_it_was_painted(study, painted)

        run(study, "publish-round")
        another_person_votes(served.url, image_id)
        assert run(study, "collect", "--json").json["rounds_closed"] == 1

        advanced = run(study, "advance-day", "--json").json
    assert advanced["winner_image_id"] == image_id
    status = run(study, "status", "--json").json
    first, second = status["days"]
    assert (first["winner_image_id"], first["winner_prompt"]) == (image_id, PROMPT)
    assert (first["images"], first["total_votes"], first["total_participants"]) == (1, 2, 2)
    assert (second["seed_image_id"], second["is_current"]) == (image_id, True)
    assert status["next_command"].endswith(" publish-round")
    assert served.ran is not None
    assert "Traceback" not in served.ran.text


def one_person_paints(url: str) -> Bits:
    """The mask that he saw on his screen when he handed in."""
    with chromium() as driver:
        person = Person(driver, url)
        person.sign_in("Ada Lövelace 🎨")
        person.accept()
        assert person.sizes_of_pictures() == [SIZE[0]]
        person.desk.click("consent")
        person.desk.drag((-120, -60), (100, 40))
        person.desk.drag((60, -80), (90, 90))
        person.write(PROMPT)
        seen = person.desk.seen()
        assert person.send() == "Thank you"
        assert person.complaints() == []
    return seen


def the_image_differs_where_it_was_painted(study: Path, painted: Bits) -> str:
    with records(study) as store:
        seed, image = store.images()
        (round_,) = store.rounds()
        (answer,) = store.assignments(round_.round_id)
    posted = Mask.from_rle(field_of(answer.raw_answer, "mask"), size=SIZE).pixels
    assert np.array_equal(posted, painted)
    assert field_of(answer.raw_answer, "prompt") == image.prompt_text == PROMPT

    changed = (pixels(study, image.s3_path) != pixels(study, seed.s3_path)).any(axis=-1)
    assert not (changed & ~posted).any()
    assert changed.sum() > 0.8 * posted.sum() > 0
    return image.image_id


def field_of(answer: str, name: str) -> str:
    """One field of an answer's XML, as the marketplace hands it out."""
    for element in ElementTree.fromstring(answer):
        identifier, text = (child.text or "" for child in element)
        if identifier == name:
            return text
    raise AssertionError(f"there is no field {name}")


def another_person_votes(url: str, image_id: str) -> None:
    with chromium() as driver:
        person = Person(driver, url)
        person.sign_in("Grace")
        person.accept()
        assert (
            person.sizes_of_pictures() == [SIZE[0]] * 3
        )  # today's seed, the image, and the seed on the ballot
        ballot = driver.find_elements(By.CSS_SELECTOR, "fieldset[data-image-id]")
        assert PROMPT in [one.find_element(By.CSS_SELECTOR, "[data-prompt]").text for one in ballot]
        person.desk.click("consent")
        for one in ballot:
            shown = str(one.get_attribute("data-image-id"))
            person.vote(shown, "up" if shown == image_id else "down")
        assert person.send() == "Thank you"
        assert person.complaints() == []
