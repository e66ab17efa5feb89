"""Finding a HIT, looking at it, accepting it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.requirements import Guard, meets
from pixelpatchwork.marketplace.site import frame, queries, sessions
from pixelpatchwork.marketplace.states import HitStatus
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError


@dataclass(frozen=True, kw_only=True)
class _Preview:
    task: queries.Task
    job: queries.Job | None
    may_accept: bool


@dataclass(frozen=True)
class HitPages:
    """`/`, `/hits/ID`, and the two ways to accept."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/", "list", self.list, methods=["GET"])
        pages.add_url_rule("/hits/<hit_id>", "preview", self.preview, methods=["GET"])
        pages.add_url_rule("/hits/<hit_id>/accept", "accept", self.accept, methods=["POST"])
        pages.add_url_rule("/types/<hit_type_id>/next", "accept_next", self.accept_next, methods=["POST"])

    def list(self) -> str:
        """The HITs that the visitor can do."""
        worker_id = sessions.current_worker_id()
        tasks = self.market.read(lambda moment: queries.open_tasks(moment, worker_id))
        return render_template("site/list.html", tasks=tasks)

    def preview(self, hit_id: str) -> str:
        """One HIT before it is accepted."""
        worker_id = sessions.current_worker_id()
        shown = self.market.read(lambda moment: _preview(moment, hit_id, worker_id))
        return render_template(
            "site/preview.html",
            shown=shown,
            task=shown.task,
            frame_url=frame.preview_url(hit_id, request.host_url),
            is_open=shown.task.status == HitStatus.ASSIGNABLE,
        )

    def accept(self, hit_id: str) -> Response:
        """Takes a slot of this HIT and leads to the work."""
        worker = sessions.current()
        if worker is None:
            return _to_sign_in(f"/hits/{hit_id}")
        sessions.check_csrf()
        accepted = self.market.write(lambda moment: work.accept(moment, hit_id, worker.worker_id))
        return redirect(f"/assignments/{accepted.assignment_id}", 303)

    def accept_next(self, hit_type_id: str) -> Response:
        """Takes a slot of the next HIT of this type that the worker has not done."""
        worker = sessions.current()
        if worker is None:
            return _to_sign_in("/")
        sessions.check_csrf()
        accepted = self.market.write(lambda moment: work.accept_next(moment, hit_type_id, worker.worker_id))
        return redirect(f"/assignments/{accepted.assignment_id}", 303)


def _preview(moment: Moment, hit_id: str, worker_id: str | None) -> _Preview:
    task = queries.find_task(moment, hit_id)
    if task is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    if not meets(moment, task.requirements, worker_id, Guard.PREVIEW):
        raise WorkRefusedError(Refusal.NOT_QUALIFIED)
    return _Preview(
        task=task,
        job=None if worker_id is None else queries.find_held_job(moment, hit_id, worker_id),
        may_accept=worker_id is None or meets(moment, task.requirements, worker_id, Guard.ACCEPT),
    )


def _to_sign_in(target: str) -> Response:
    return redirect(f"/signin?next={quote(target)}", 303)
