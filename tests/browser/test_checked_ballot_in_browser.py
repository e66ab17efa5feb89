"""A ballot with attention checks before a worker: he sees which pictures are checks, and no markup tells them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.domain.judging import JudgementRules
from pixelpatchwork.domain.model import CheckKind, Hit, RoundKind
from pixelpatchwork.workflow.pages import render_questions, store_check_pictures
from pixelpatchwork.workflow.publish import plan_round
from tests.support.browser import chromium
from tests.support.hit_host import hit_host, html_of
from tests.support.hit_worker import Worker
from tests.support.study import RULES, Stage, open_stage

pytestmark = pytest.mark.browser

CHECKED = replace(
    RULES,
    has_incumbent=True,
    judgement=JudgementRules(attention_checks=(CheckKind.REPEAT, CheckKind.BROKEN)),
)
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{20}(?![0-9a-f])")
_NUMBER = re.compile(r"\b[Pp]icture \d+\b")
_WORDS = re.compile(r"(<p class=\"prompt\"[^>]*>).*?(</p>)")
_UNCHANGED = re.compile(r"\s*<p class=\"quiet\">[^<]*</p>")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A study whose pictures stand under `/pictures`, with four of them painted."""
    folder = tmp_path_factory.mktemp("study")
    stage = open_stage(folder, rules=CHECKED)
    stage = stage.with_services(images=FolderImages(folder / "images", public_url="/pictures"))
    stage.publish()
    for number in range(4):
        stage.paint(f"Worker {number}", f"a boat of {number} sails")
    stage.collect()
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def hit(stage: Stage) -> Hit:
    plan = plan_round(stage.services)
    assert plan.round.kind is RoundKind.VOTING
    store_check_pictures(plan.hits, stage.services)
    return plan.hits[0]


@pytest.fixture(scope="module")
def worker(stage: Stage, hit: Hit) -> Iterator[Worker]:
    services = stage.services
    plan = plan_round(services)
    question = render_questions(plan.round, [hit], services, services.current_day())[hit.ballot]
    with hit_host() as host, chromium() as driver:
        host.documents = {"ballot": html_of(question)}
        host.images = {f"/pictures/{key}": services.images.get(key) for key in services.images.keys("full/")}
        yield Worker(driver, host)


def skeleton(fieldset: str) -> str:
    """A place of the ballot without what differs from picture to picture anyway: id, number, words, the seed's note."""
    plain = _UNCHANGED.sub("", _WORDS.sub(r"\1words\2", fieldset))
    return _NUMBER.sub("picture N", _ID.sub("id", plain))


def test_a_check_has_the_markup_of_any_picture(worker: Worker, hit: Hit) -> None:
    places = re.findall(r"<fieldset.*?</fieldset>", worker.host.documents["ballot"], re.DOTALL)
    assert len(places) == len(hit.ballot) == 7
    assert len({skeleton(place) for place in places}) == 1


def test_every_picture_of_a_checked_ballot_loads_and_every_place_is_voted_on(
    worker: Worker, hit: Hit, tmp_path: Path
) -> None:
    worker.driver.set_window_size(1280, 1600)
    worker.open("ballot")
    worker.click("consent")
    assert all(
        worker.run("return [...document.querySelectorAll('fieldset img')].map((one) => one.naturalWidth > 0)")
    )
    assert worker.driver.save_screenshot(str(tmp_path / "ballot.png"))
    for place in hit.ballot:
        worker.run("document.querySelector(`[name=vote_${arguments[0]}][value=up]`).click()", place)
    answer = worker.send()
    assert {name for name in answer if name.startswith("vote_")} == {f"vote_{place}" for place in hit.ballot}
