"""A small study for tests: the real store, marketplace, pages and image folder, with everything in process.

Workers answer through the workers' site, as they do in the world. What tests steer are the clock, the editor, and
the moments at which a call fails.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
from flask import Flask
from PIL import Image as Pillow

from pixelpatchwork import resources
from pixelpatchwork.adapters.clocks import MovableClock
from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.crowd.browser import CrowdTrouble, Page, WsgiBrowser
from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Study, StudyId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import CanvasLimits
from pixelpatchwork.domain.pictures import png_bytes
from pixelpatchwork.domain.plan import RoundRules
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.workflow.begin import Beginning, begin_study
from pixelpatchwork.workflow.collect import Collected, collect
from pixelpatchwork.workflow.publish import Published, plan_round, publish
from pixelpatchwork.workflow.services import Services, StudyRules

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = (96, 80)
KEEP_ALL = CanvasLimits(multiple=1, min_area=1, max_area=10_000_000, max_ratio=1000.0)

_ROUND = RoundRules(
    title="Repaint",
    description="Repaint a part of a picture.",
    keywords="picture",
    instructions="Brush, then write.",
    consent="I agree.",
    reward_usd=Usd("0.25"),
    assignments=4,
    assignments_per_hit=2,
    lifetime=timedelta(hours=24),
    assignment_duration=timedelta(minutes=30),
    auto_approval_delay=timedelta(days=3),
)
RULES = StudyRules(
    generation=_ROUND,
    voting=replace(_ROUND, title="Vote", reward_usd=Usd("0.10")),
    answers=GenerationRules(min_coverage=0.005, max_coverage=0.6, max_prompt=200),
    ballot_size=5,
    has_incumbent=False,
    past_winners=3,
    timezone=ZoneInfo("UTC"),
    parallel_calls=4,
    edit_lease=timedelta(minutes=5),
)


class NoiseEditor:
    """The port `Editor`: returns noise everywhere, or raises what its script holds next.

    `script` holds errors by prompt; each is raised once, in order. `requests` are those that reached it.
    """

    name = "noise"
    model = "noise-1"
    parameters = "{}"
    limits = KEEP_ALL
    parallel = 2

    def __init__(self, *, worst_case_usd: str = "0") -> None:
        self.worst_case_usd = Usd(worst_case_usd)
        self.script: dict[str, list[Exception]] = {}
        self.requests: list[EditRequest] = []

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        sending()
        self.requests.append(request)
        waiting = self.script.get(request.prompt, [])
        if waiting:
            raise waiting.pop(0)
        noise = np.random.default_rng(len(request.prompt)).integers(
            0, 256, (request.height, request.width, 3), np.uint8
        )
        return EditResult(
            image=png_bytes(Pillow.fromarray(noise)),
            usage=None,
            cost_usd=self.worst_case_usd,
            request_id="noise",
        )


def seed_bytes(size: tuple[int, int] = SIZE) -> bytes:
    """A smooth picture without any repetition, as a PNG file."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([x, y, (x + y) / 2], axis=-1).astype(np.uint8)
    out = BytesIO()
    Pillow.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def box_mask(box: tuple[int, int, int, int] = (20, 20, 60, 50), size: tuple[int, int] = SIZE) -> str:
    """The run-length text of a rectangle."""
    pixels = np.zeros(size[::-1], dtype=np.bool_)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = True
    return Mask(pixels=pixels).to_rle()


@dataclass(kw_only=True)
class Stage:
    """One study and its workers."""

    services: Services
    app: Flask
    clock: MovableClock
    editor: NoiseEditor
    spending: list[tuple[Usd, str]] = field(default_factory=list)
    allows: bool = True

    # The requester

    def publish(self) -> Published:
        return publish(plan_round(self.services), self.services)

    def collect(self, *, close: bool = False) -> Collected:
        return collect(self.services, owner="test", may_spend=self._may_spend, close=close)

    def with_services(self, **changes: object) -> Stage:
        """The same study with other parts."""
        return replace(self, services=replace(self.services, **changes))  # type: ignore[arg-type]

    def _may_spend(self, amount: Usd, what: str) -> bool:
        self.spending.append((amount, what))
        return self.allows

    # The workers

    def paint(self, worker: str, prompt: str, **fields: str) -> None:
        """One worker does the next generation HIT."""
        answer = {"mask": box_mask(), "prompt": prompt, "consent": "yes", "language": "en", "seconds": "30"}
        self.answer(worker, {**answer, **fields})

    def accept(self, worker: str) -> AtWork:
        """One worker takes the next HIT, and has not answered yet."""
        return accept_hit(self.app, worker)

    def vote(self, worker: str, choose: Callable[[str], str]) -> None:
        """One worker does the next voting HIT; `choose` gives the choice for an image id."""
        self.answer(worker, {"consent": "yes"}, choose)

    def answer(
        self, worker: str, fields: Mapping[str, str], choose: Callable[[str], str] | None = None
    ) -> None:
        """See `answer_hit`."""
        answer_hit(self.app, worker, fields, choose)


def answer_hit(
    app: Flask, worker: str, fields: Mapping[str, str], choose: Callable[[str], str] | None = None
) -> None:
    """A worker signs in, accepts the first HIT on the list, and sends the form in its frame.

    `choose` gives his choice for each image id of a ballot.
    """
    accept_hit(app, worker).submit(fields, choose)


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """A worker before the frame of a HIT that he has accepted."""

    browser: WsgiBrowser
    page: Page

    def submit(self, fields: Mapping[str, str], choose: Callable[[str], str] | None = None) -> None:
        """Sends the form; see `answer_hit`."""
        form = self.page.form("form#answer")
        assert form is not None
        values = dict(fields)
        if choose is not None:
            for fieldset in self.page.soup.select("fieldset[data-image-id]"):
                image_id = str(fieldset["data-image-id"])
                values[f"vote_{image_id}"] = choose(image_id)
        query = self.page.query
        target = replace(form, action=query["turkSubmitTo"].rstrip("/") + "/mturk/externalSubmit")
        self.browser.submit(target, {**values, "assignmentId": query["assignmentId"]})


def accept_hit(app: Flask, worker: str) -> AtWork:
    """A worker signs in and accepts the first HIT on the list."""
    browser = WsgiBrowser(app.wsgi_app)
    signin = browser.get("/signin").form("form.signin")
    assert signin is not None
    browser.submit(signin, {"name": worker})
    link = browser.get("/").soup.select_one("a.hit")
    if link is None:
        raise CrowdTrouble("there is no HIT for this worker")
    accept = browser.get(str(link["href"])).form("form.accept")
    assert accept is not None
    work = browser.submit(accept, {})
    frame = work.soup.select_one("iframe.work")
    assert frame is not None
    return AtWork(browser=browser, page=browser.get(work.link(str(frame["src"]))))


def _store_in_memory() -> SqlStore:
    """A store whose connection ends with it: the many tests that open a stage need not close it."""
    store = open_store("sqlite://")
    weakref.finalize(store, store.database.engine.dispose)
    return store


def open_stage(
    folder: Path, *, rules: StudyRules = RULES, seed: bytes | None = None, store: SqlStore | None = None
) -> Stage:
    """A study on its first Day, with nothing published, in memory or in an empty `store`."""
    clock = MovableClock(START)
    app = create_app(Hosting(database_url="sqlite://", clock=clock.now, secret_key="test", random=Random(1)))
    client = mturk_client(
        endpoint_url="http://embedded.invalid", access_key="key", secret_key="secret", max_connections=4
    )
    attach(client, app)
    editor = NoiseEditor()
    store = store or _store_in_memory()
    images = FolderImages(folder / "images")
    study = Study(
        study_id=StudyId("test-0001"), name="A test", pseudonym_key="ab" * 32, created_at=clock.now()
    )
    beginning = Beginning(
        study=study, seed=seed or seed_bytes(), max_side=2048, caption="The start", timezone=rules.timezone
    )
    begin_study(beginning, store=store, images=images, now=clock.now())
    clock.advance(timedelta(minutes=1))
    services = Services(
        store=store,
        crowd=MTurkCrowd(client),
        market="tests",
        editor=editor,
        images=images,
        pages=HitPages(resources.hit_templates()),
        clock=clock,
        rules=rules,
    )
    return Stage(services=services, app=app, clock=clock, editor=editor)


def picture(stage: Stage, key: str) -> np.ndarray:
    """A stored picture's pixels."""
    with Pillow.open(BytesIO(stage.services.images.get(key))) as image:
        return np.asarray(image.convert("RGB"))
