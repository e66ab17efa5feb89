"""The crowd before a site that is written out by hand: its markup, its refusals, and its defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from random import Random

import pytest
from PIL import Image

from pixelpatchwork.crowd.browser import CrowdTrouble, Form, Page, Values
from pixelpatchwork.crowd.simulation import Simulation, Worked
from pixelpatchwork.crowd.workers import Persona, draw_personas

ONE = draw_personas(1, Random(1))
SIGN_IN = '<form action="/signin" method="post"><input type="hidden" name="csrf" value="c1"><input name="name"></form>'
LIST = '<a class="hit" href="/hits/1" data-hit-type-id="T">Paint</a>'
PREVIEW = '<form class="accept" method="post" action="/accept"></form><iframe class="preview" src="/frame"></iframe>'
WORK = (
    '<form class="return" method="post" action="/return"></form>'
    '<iframe class="work" src="/frame?assignmentId=3A&amp;turkSubmitTo=http://site.test/s/"></iframe>'
)
PAINTING = (
    '<title>Day 1</title><form id="answer" method="post" data-kind="generation" data-width="60" data-height="40" '
    'data-seed-url="/seed.png"><input type="hidden" name="mask"><textarea name="prompt"></textarea>'
    '<input type="checkbox" name="consent" value="yes"><input type="hidden" name="assignmentId" value=""></form>'
)
SUBMIT = "POST /s/mturk/externalSubmit"
PAGES: Mapping[str, str | int] = {
    "GET /signin": SIGN_IN,
    "POST /signin": "",
    "GET /": LIST,
    "GET /hits/1": PREVIEW,
    "POST /accept": WORK,
    "GET /frame": PAINTING,
    SUBMIT: "<main class=submitted>",
    "POST /return": "",
}


def seed() -> bytes:
    file = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(file, "PNG")
    return file.getvalue()


@dataclass
class Paper:
    """A browser on pages by method and path, where a number is the status of a page that cannot be had."""

    pages: Mapping[str, str | int]
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def get(self, url: str) -> Page:
        return self._page("GET", url)

    def submit(self, form: Form, values: Values) -> Page:
        page = self._page(form.method.upper(), form.action)
        self.sent.append((form.action, form.filled(values)))
        return page

    def fetch(self, url: str) -> bytes:
        assert url == "http://site.test/seed.png"
        return seed()

    def _page(self, method: str, url: str) -> Page:
        address = "http://site.test" + url.removeprefix("http://site.test")
        name = f"{method} {address.removeprefix('http://site.test').partition('?')[0]}"
        found = self.pages.get(name, 404)
        if isinstance(found, int):
            raise CrowdTrouble(f"{name} gave status {found}.", status=found)
        return Page(status=200, url=address, html=found)


def work(
    changes: Mapping[str, str | int], personas: tuple[Persona, ...] = ONE
) -> tuple[Worked, Paper, list[timedelta]]:
    paper = Paper({**PAGES, **changes})
    steps: list[timedelta] = []
    return Simulation(lambda: paper, personas, 1, on_step=steps.append).work(), paper, steps


def test_a_worker_signs_in_accepts_fills_in_and_submits() -> None:
    worked, paper, steps = work({})
    assert worked == Worked(accepted=1, submitted=1)
    (_, signed_in), (accepted, _), (submitted, answer) = paper.sent
    assert signed_in == {"csrf": "c1", "name": ONE[0].name}
    assert accepted == "http://site.test/accept"
    assert submitted == "http://site.test/s/mturk/externalSubmit"
    assert set(answer) == {"assignmentId", "mask", "prompt", "consent", "language", "seconds"}
    assert answer["assignmentId"] == "3A"
    assert answer["mask"].startswith('{"size":[40,60],"counts":"')
    assert answer["prompt"]
    assert all(step > timedelta() for step in steps)


def test_the_time_on_the_page_is_the_time_that_went_by() -> None:
    _, paper, steps = work({})
    assert timedelta(seconds=float(paper.sent[-1][1]["seconds"])) in [
        timedelta(seconds=round(step.total_seconds(), 1)) for step in steps
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"GET /hits/1": 404},
        {"GET /hits/1": PREVIEW.replace('class="accept"', 'class="other"')},
        {"POST /accept": 409},
        {"POST /accept": PREVIEW},
        {"POST /accept": "<p>Sorry</p>"},
    ],
)
def test_a_refused_hit_is_counted_and_left_alone(changes: Mapping[str, str | int]) -> None:
    worked, paper, _ = work(changes)
    assert worked == Worked(refused=1)
    assert not any("externalSubmit" in action for action, _ in paper.sent)


def test_a_refused_answer_is_counted_and_not_sent_again() -> None:
    assert work({SUBMIT: 409})[0] == Worked(accepted=1, refused=1)


@pytest.mark.parametrize("frame", ["<p>A survey</p>", '<form id="answer" data-kind="survey"></form>'])
def test_a_task_of_another_kind_is_none_of_the_crowds_business(frame: str) -> None:
    assert work({"GET /frame": frame})[0] == Worked()


@pytest.mark.parametrize("page", ["GET /", "GET /hits/1", "POST /accept", "GET /frame", SUBMIT])
def test_a_site_that_fails_stops_the_crowd(page: str) -> None:
    with pytest.raises(CrowdTrouble, match="status 500"):
        work({page: 500})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"GET /signin": "<p>closed</p>"}, "no form with a field called name"),
        ({"POST /accept": WORK.replace("turkSubmitTo", "other")}, "names no turkSubmitTo"),
        ({"GET /frame": PAINTING.replace('"60"', '"wide"')}, "data-width is 'wide'"),
        (
            {"GET /frame": '<form id="answer" data-kind="voting" data-seed-url="/seed.png">'},
            "no pictures on it",
        ),
    ],
)
def test_a_page_that_nobody_could_work_with_is_said_plainly(
    changes: Mapping[str, str | int], words: str
) -> None:
    with pytest.raises(CrowdTrouble, match=words):
        work(changes)


def test_the_list_is_read_page_after_page() -> None:
    pages = {
        "GET /": '<a rel="next" href="/second">more</a>',
        "GET /second": LIST + '<a rel="next" href="/second">more</a>',
    }
    assert work(pages)[0].submitted == 1


def test_who_has_returned_a_hit_does_it_the_next_time() -> None:
    crowd = draw_personas(60, Random(2))
    worked = work({}, crowd)[0]
    assert worked.submitted == 60
    assert 1 <= worked.returned <= 10
    assert worked.accepted == worked.submitted + worked.returned


def test_a_hit_without_a_form_to_return_it_with_is_said_plainly() -> None:
    with pytest.raises(CrowdTrouble, match="no form to return it with"):
        work({"POST /accept": WORK.replace('class="return"', "")}, draw_personas(60, Random(2)))


def test_a_large_crowd_works_side_by_side() -> None:
    def took(workers: int) -> timedelta:
        return sum(work({}, draw_personas(workers, Random(2)))[2], start=timedelta())

    assert timedelta(minutes=10) < took(12) < timedelta(hours=1)
    assert took(72) < 3 * took(12)
