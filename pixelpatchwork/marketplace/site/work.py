"""Doing a HIT: the work page around the frame, giving it back, and what comes after the submit."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, jsonify, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.questions import Question, open_question
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import frames, queries, sessions
from pixelpatchwork.marketplace.site.answering import with_policy
from pixelpatchwork.marketplace.states import AssignmentStatus
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """What a work page shows."""

    job: queries.Job
    task: queries.Task
    question: Question
    seconds_left: int


@dataclass(frozen=True, kw_only=True)
class _Aftermath:
    """What stands after a job, and whether its type has another for this worker."""

    job: queries.Job
    hit_type_id: str
    has_next: bool


@dataclass(frozen=True)
class WorkPages:
    """`/assignments/ID` and what belongs to it."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/assignments/<assignment_id>", "work", self.show, methods=["GET"])
        pages.add_url_rule("/assignments/<assignment_id>/state", "state", self.state, methods=["GET"])
        pages.add_url_rule("/assignments/<assignment_id>/done", "done", self.done, methods=["GET"])
        pages.add_url_rule("/assignments/<assignment_id>/return", "return", self.give_back, methods=["POST"])

    def show(self, assignment_id: str) -> Response | str:
        """The work page, while there is work; afterwards the page that says what became of it."""
        worker = sessions.current()
        if worker is None:
            return redirect(f"/signin?next={quote(request.path)}", 303)
        desk = self.market.read(lambda moment: _desk(moment, assignment_id, worker.worker_id))
        if desk is None:
            return redirect(f"/assignments/{assignment_id}/done", 303)
        frame = frames.work_frame(
            desk.question,
            hit_id=desk.job.hit_id,
            assignment_id=assignment_id,
            worker_id=worker.worker_id,
            keys=self.market.signing,
            host_url=request.host_url,
        )
        page = render_template("site/work.html", desk=desk, task=desk.task, frame=frame)
        return with_policy(page, frame.policy)

    def state(self, assignment_id: str) -> Response:
        """The assignment's status, for the script of the work page."""
        worker_id = _worker_id()
        job = self.market.read(lambda moment: _own_job(moment, assignment_id, worker_id))
        return jsonify(status=job.status)

    def done(self, assignment_id: str) -> Response | str:
        """Thanks, or says that the job was given back or ran out."""
        worker_id = _worker_id()
        after = self.market.read(lambda moment: _aftermath(moment, assignment_id, worker_id))
        if after.job.status == AssignmentStatus.ACCEPTED:
            return redirect(f"/assignments/{assignment_id}", 303)
        return render_template("site/done.html", after=after, job=after.job)

    def give_back(self, assignment_id: str) -> Response:
        """The worker returns the job."""
        sessions.check_csrf()
        worker_id = _worker_id()
        self.market.write(lambda moment: work.give_back(moment, assignment_id, worker_id))
        return redirect(f"/assignments/{assignment_id}/done", 303)


def _worker_id() -> str:
    worker_id = sessions.current_worker_id()
    if worker_id is None:
        raise WorkRefusedError(Refusal.NOT_YOURS)
    return worker_id


def _own_job(moment: Moment, assignment_id: str, worker_id: str) -> queries.Job:
    job = queries.find_job(moment, assignment_id, worker_id)
    if job is None:
        raise WorkRefusedError(Refusal.NOT_YOURS)
    return job


def _desk(moment: Moment, assignment_id: str, worker_id: str) -> _Desk | None:
    """What the work page shows, or None where the work is over."""
    job = _own_job(moment, assignment_id, worker_id)
    if job.status != AssignmentStatus.ACCEPTED:
        return None
    task = queries.find_task(moment, job.hit_id, worker_id)
    if task is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    return _Desk(
        job=job,
        task=task,
        question=open_question(queries.find_question(moment, job.hit_id)),
        seconds_left=job.seconds_left(moment.now),
    )


def _aftermath(moment: Moment, assignment_id: str, worker_id: str) -> _Aftermath:
    assignment = work.own_assignment(moment, assignment_id, worker_id)
    hit_type_id = assignment.hit.hit_type_id
    return _Aftermath(
        job=_own_job(moment, assignment_id, worker_id),
        hit_type_id=hit_type_id,
        has_next=bool(work.next_hits(moment, hit_type_id, worker_id, limit=1)),
    )
