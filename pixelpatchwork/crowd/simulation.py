"""The crowd at work: who looks at the list when, which HITs he does, and how long it takes in simulated time.

Workers go one after another, in rounds over the crowd, until a whole round has found nothing more to do. What a worker
does on a HIT is drawn from the random seed, his name and what the HIT shows, so the same crowd before the same
marketplace gives the same answers, whatever ids it hands out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random

from pixelpatchwork.crowd.answering import Task, Work, content_of, fill_in, find_task
from pixelpatchwork.crowd.browser import Browser, CrowdTrouble, Page, attribute
from pixelpatchwork.crowd.pictures import Album
from pixelpatchwork.crowd.workers import Persona

SIGN_IN = "/signin"
SUBMIT = "/mturk/externalSubmit"
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"

_SIDE_BY_SIDE = 24
"""Up to so many workers, time goes by for one after another; a larger crowd takes no longer than these."""
_RETURN_CHANCE = 0.03
_MAX_LIST_PAGES = 20


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What the crowd did, in HITs. `refused`: the site said no; `spoiled`: of those submitted, bad on purpose."""

    accepted: int = 0
    submitted: int = 0
    returned: int = 0
    refused: int = 0
    spoiled: int = 0


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """A HIT on the list."""

    address: str
    hit_type_id: str


@dataclass(kw_only=True)
class _Worker:
    """A worker in front of his browser. `settled`: HITs that he did, was refused, or does not want."""

    persona: Persona
    browser: Browser
    is_signed_in: bool = False
    submitted: int = 0
    settled: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)


class Simulation:
    """A crowd before a marketplace.

    `browsers` makes one browser for each worker. `on_step` is told how much simulated time went by with each step,
    before the step that follows it, so that a rehearsal can move its clock: about three minutes for a painting, one
    for a ballot, less where many work side by side.
    """

    def __init__(
        self,
        browsers: Callable[[], Browser],
        personas: Sequence[Persona],
        random_seed: int,
        on_step: Callable[[timedelta], None] = lambda _duration: None,
    ) -> None:
        self._workers = [_Worker(persona=persona, browser=browsers()) for persona in personas]
        self._random_seed = random_seed
        self._on_step = on_step
        self._pace = max(1.0, len(personas) / _SIDE_BY_SIDE)
        self._album = Album()
        self._counts: Counter[str] = Counter()
        self._visits = 0

    def work(self, limit: int | None = None) -> Worked:
        """Does HITs until nothing is left that anybody wants, or `limit` answers are submitted.

        In each turn over the crowd a worker does at most one HIT of each type, and those who have done least come
        first. Raises CrowdTrouble where the site fails, or shows a page or picture that nobody could work with.
        """
        self._counts = Counter()
        self._visits += 1
        order = self._drawn("order", str(self._visits)).sample(self._workers, len(self._workers))
        at_first = {worker.persona.name: worker.submitted for worker in order}
        accepted = -1
        while accepted < self._counts["accepted"]:
            accepted = self._counts["accepted"]
            order.sort(key=lambda one: one.submitted - at_first[one.persona.name])
            if self._turn(order, limit):
                break
        return Worked(**self._counts)

    def _turn(self, order: Sequence[_Worker], limit: int | None) -> bool:
        """Everybody in turn does what he wants. True as soon as the limit is reached."""
        for worker in order:
            for offer, preview, task in self._wanted(worker):
                if limit is not None and self._counts["submitted"] >= limit:
                    return True
                self._take(worker, offer, preview, task)
        return False

    # ---- one worker ----------------------------------------------------------------------------------

    def _wanted(self, worker: _Worker) -> Iterator[tuple[_Offer, Page, Task]]:
        """HITs that the worker has looked at and wants to do: one of each type, the first on the list."""
        if not worker.is_signed_in:
            self._sign_in(worker)
        self._pass(6, worker.persona)
        had: set[str] = set()
        for offer in _offers(worker.browser):
            if offer.address in worker.settled or offer.hit_type_id in had:
                continue
            opened = self._allowed(worker, offer, partial(worker.browser.get, offer.address))
            if opened is None:
                continue
            preview, task = opened
            if task is None:
                worker.settled.add(offer.address)
                continue
            had.add(offer.hit_type_id)
            yield offer, preview, task

    def _take(self, worker: _Worker, offer: _Offer, preview: Page, previewed: Task) -> None:
        """Accepts a HIT, does it and submits it, or gives it back."""
        look = partial(self._album.look, fetch=worker.browser.fetch)
        random = self._drawn(worker.persona.name, content_of(previewed, look), str(worker.submitted))
        self._pass(random.uniform(8, 30), worker.persona)
        accepted = self._accept(worker, offer, preview)
        if accepted is None:
            return
        page, task = accepted
        if offer.address not in worker.returned and random.random() < _RETURN_CHANCE:
            self._give_back(worker, offer, page)
            return
        work = fill_in(task, worker.persona, random, look)
        self._spend(work.seconds)
        self._submit(worker, offer, task, work)

    def _sign_in(self, worker: _Worker) -> None:
        page = worker.browser.get(SIGN_IN)
        form = next((form for form in page.forms if "name" in form.fields), None)
        if form is None:
            raise CrowdTrouble(f"{SIGN_IN} has no form with a field called name.")
        worker.browser.submit(form, {"name": worker.persona.name})
        worker.is_signed_in = True

    def _accept(self, worker: _Worker, offer: _Offer, preview: Page) -> tuple[Page, Task] | None:
        """The page of the accepted HIT with the task in its frame, or None where the site refused."""
        form = preview.form("form.accept")
        if form is None:
            self._refuse(worker, offer)
            return None
        opened = self._allowed(worker, offer, partial(worker.browser.submit, form, {}))
        if opened is None:
            return None
        page, task = opened
        if task is None or task.page.query.get("assignmentId", PREVIEW) == PREVIEW:
            self._refuse(worker, offer)
            return None
        self._counts["accepted"] += 1
        return page, task

    def _give_back(self, worker: _Worker, offer: _Offer, page: Page) -> None:
        form = page.form("form.return")
        if form is None:
            raise CrowdTrouble("The page of an accepted HIT has no form to return it with.")
        worker.browser.submit(form, {})
        worker.returned.add(offer.address)
        self._counts["returned"] += 1

    def _submit(self, worker: _Worker, offer: _Offer, task: Task, work: Work) -> None:
        query = task.page.query
        address = query.get("turkSubmitTo", "").rstrip("/")
        if not address:
            raise CrowdTrouble("The work frame's address names no turkSubmitTo.")
        form = replace(task.form, action=address + SUBMIT, method="post")
        values = {**work.values, "assignmentId": query["assignmentId"]}
        if self._allowed(worker, offer, partial(worker.browser.submit, form, values)) is None:
            return
        worker.settled.add(offer.address)
        worker.submitted += 1
        self._counts["submitted"] += 1
        self._counts["spoiled"] += work.is_spoiled

    def _frame(self, worker: _Worker, page: Page) -> Task | None:
        """The task in a page's work frame."""
        frame = page.soup.select_one("iframe.work, iframe.preview")
        return None if frame is None else find_task(worker.browser.get(page.link(attribute(frame, "src"))))

    def _allowed(
        self, worker: _Worker, offer: _Offer, step: Callable[[], Page]
    ) -> tuple[Page, Task | None] | None:
        """The page that a step leads to, with the task in its frame; None where the site refused it.

        Raises CrowdTrouble on other failures.
        """
        try:
            page = step()
            return page, self._frame(worker, page)
        except CrowdTrouble as trouble:
            if not trouble.is_refusal:
                raise
            self._refuse(worker, offer)
            return None

    def _refuse(self, worker: _Worker, offer: _Offer) -> None:
        worker.settled.add(offer.address)
        self._counts["refused"] += 1

    def _pass(self, seconds: float, persona: Persona) -> None:
        """Time goes by in front of a page; the careless read faster."""
        self._spend(seconds * (1.3 - persona.carelessness))

    def _spend(self, seconds: float) -> None:
        self._on_step(timedelta(seconds=round(seconds / self._pace, 1)))

    def _drawn(self, *identity: str) -> Random:
        """Randomness of its own for everything that has an identity."""
        return Random("\x1f".join((str(self._random_seed), *identity)))  # noqa: S311  # simulation, no secret


def _offers(browser: Browser) -> Iterator[_Offer]:
    """The HITs on the list, page after page."""
    address = "/"
    for _ in range(_MAX_LIST_PAGES):
        page = browser.get(address)
        for tag in page.soup.select("a.hit[href]"):
            hit_type_id = attribute(tag, "data-hit-type-id")
            yield _Offer(address=page.link(attribute(tag, "href")), hit_type_id=hit_type_id)
        following = page.soup.select_one("a[rel=next][href]")
        if following is None:
            return
        address = page.link(attribute(following, "href"))
