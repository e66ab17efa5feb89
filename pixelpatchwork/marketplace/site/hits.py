"""Finding a HIT, looking at it, accepting it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.limits import Attempt, Throttle
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.questions import Question, open_question
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.requirements import Guard, has_standing, meets
from pixelpatchwork.marketplace.site import frames, inbox, queries, sessions
from pixelpatchwork.marketplace.site.answering import with_policy
from pixelpatchwork.marketplace.site.search import PAGE_SIZE, TIMES, Search, read_search
from pixelpatchwork.marketplace.states import HitStatus
from pixelpatchwork.marketplace.system_qualifications import Standing
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError


@dataclass(frozen=True, kw_only=True)
class _Preview:
    task: queries.Task
    job: queries.Job | None
    may_accept: bool
    question: Question


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """A task on the list, and whether the visitor is qualified to accept it."""

    task: queries.Task
    may_accept: bool


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """One page of the list, as of `now`, with what the visitor has begun. `unread` counts messages."""

    now: Millis
    in_progress: Sequence[queries.Job]
    offers: Sequence[_Offer]
    total: int
    has_next: bool
    unread: int
    can_complete: bool


@dataclass(frozen=True, kw_only=True)
class HitPages:
    """`/`, `/hits/ID`, and the two ways to accept."""

    market: Market
    throttle: Throttle
    most_held: int

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/", "list", self.list, methods=["GET"])
        pages.add_url_rule("/hits/<hit_id>", "preview", self.preview, methods=["GET"])
        pages.add_url_rule("/hits/<hit_id>/accept", "accept", self.accept, methods=["POST"])
        pages.add_url_rule("/types/<hit_type_id>/next", "accept_next", self.accept_next, methods=["POST"])

    def list(self) -> str:
        """The HITs that the visitor can do, a page of them."""
        worker = sessions.current()
        search = read_search(request.args)
        shelf = self.market.read(lambda moment: _shelf(moment, worker, search))
        return render_template("site/list.html", shelf=shelf, search=search, times=TIMES, unread=shelf.unread)

    def preview(self, hit_id: str) -> Response | str:
        """One HIT before it is accepted."""
        worker = sessions.current()
        shown = self.market.read(lambda moment: _preview(moment, hit_id, worker))
        frame = frames.preview_frame(shown.question, hit_id, request.host_url)
        page = render_template(
            "site/preview.html",
            shown=shown,
            task=shown.task,
            frame=frame,
            is_open=shown.task.status == HitStatus.ASSIGNABLE,
        )
        return with_policy(page, frame.policy)

    def accept(self, hit_id: str) -> Response:
        """Takes a slot of this HIT and leads to the work."""
        worker = sessions.current()
        if worker is None:
            return _to_sign_in(f"/hits/{hit_id}")
        sessions.check_csrf()
        return self._take(
            worker.worker_id,
            lambda moment: work.accept(moment, hit_id, worker.worker_id, most_held=self.most_held),
        )

    def accept_next(self, hit_type_id: str) -> Response:
        """Takes a slot of the next HIT of this type that the worker has not done."""
        worker = sessions.current()
        if worker is None:
            return _to_sign_in("/")
        sessions.check_csrf()
        return self._take(
            worker.worker_id,
            lambda moment: work.accept_next(moment, hit_type_id, worker.worker_id, most_held=self.most_held),
        )

    def _take(self, worker_id: str, act: Callable[[Moment], work.Accepted]) -> Response:
        """Tries to accept, and counts the try in the same transaction: one that was refused counts as well."""

        def counted(moment: Moment) -> work.Accepted | WorkRefusedError:
            self.throttle.count_in(moment, Attempt.ACCEPT, worker_id)
            try:
                return act(moment)
            except WorkRefusedError as error:
                return error

        accepted = self.market.write(counted)
        self.throttle.tidy()
        if isinstance(accepted, WorkRefusedError):
            raise accepted
        return redirect(f"/assignments/{accepted.assignment_id}", 303)


def _shelf(moment: Moment, worker: sessions.SignedIn | None, search: Search) -> _Shelf:
    worker_id = None if worker is None else worker.worker_id
    standing = Standing(moment, worker_id)
    tasks = queries.open_tasks(
        moment, worker_id, search, lambda task: has_standing(standing, task.requirements, Guard.DISCOVER)
    )
    first = (search.page - 1) * PAGE_SIZE
    return _Shelf(
        now=moment.now,
        in_progress=()
        if worker is None
        else queries.jobs_in_progress(moment, worker.worker_id, worker.sees_from),
        offers=[
            _Offer(
                task=task,
                may_accept=worker_id is None or has_standing(standing, task.requirements, Guard.ACCEPT),
            )
            for task in tasks[first : first + PAGE_SIZE]
        ],
        total=len(tasks),
        has_next=len(tasks) > first + PAGE_SIZE,
        unread=0 if worker is None else inbox.count_unread(moment, worker.worker_id, worker.sees_from),
        can_complete=worker is not None
        and worker.visit is not None
        and queries.has_handed_in(moment, worker.worker_id, worker.visit.joined_at),
    )


def _preview(moment: Moment, hit_id: str, worker: sessions.SignedIn | None) -> _Preview:
    worker_id = None if worker is None else worker.worker_id
    task = queries.find_task(moment, hit_id, worker_id)
    if task is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    if not meets(moment, task.requirements, worker_id, Guard.PREVIEW):
        raise WorkRefusedError(Refusal.NOT_QUALIFIED)
    return _Preview(
        task=task,
        job=None
        if worker is None
        else queries.find_held_job(moment, hit_id, worker.worker_id, worker.sees_from),
        may_accept=worker_id is None or meets(moment, task.requirements, worker_id, Guard.ACCEPT),
        question=open_question(queries.find_question(moment, hit_id)),
    )


def _to_sign_in(target: str) -> Response:
    return redirect(f"/signin?next={quote(target)}", 303)
