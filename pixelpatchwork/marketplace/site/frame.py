"""The HIT's own document, and the submit that comes out of it.

A page in the frame has no session: its origin is opaque, or another server's. What authorises its submit is the
unguessable assignment id together with a keyed signature of it, which stands in `turkSubmitTo`'s path; a page learns
both only for the assignment that it shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.answers import answer_fields, answer_xml
from pixelpatchwork.marketplace.html_pages import script_for, with_script
from pixelpatchwork.marketplace.limits import Attempt, Throttle, TooManyError
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.questionform import QuestionForm, Reading, entered, read_answers
from pixelpatchwork.marketplace.questions import (
    ExternalQuestion,
    FormQuestion,
    HtmlQuestion,
    Question,
    open_question,
)
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.requirements import Guard, meets
from pixelpatchwork.marketplace.site import addresses, frames, policies, queries, sessions
from pixelpatchwork.marketplace.site.failures import reason_of
from pixelpatchwork.marketplace.site.refusals import status_of
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError

MAX_SUBMIT_BYTES = 2 * 1024 * 1024
_MAX_FIELDS = 5_000
_UNSIGNED = "This answer does not come from an accepted task."


class _FaultyAnswerError(Exception):
    """A QuestionForm that was not filled in as it asks."""

    def __init__(self, form: QuestionForm, reading: Reading) -> None:
        super().__init__("The form has faults.")
        self.form = form
        self.reading = reading


@dataclass(frozen=True)
class FramePages:
    """`/frame/ID` and `externalSubmit`."""

    market: Market
    throttle: Throttle

    def blueprint(self) -> Blueprint:
        """The routes, with refusals that fit into a frame."""
        pages = Blueprint("frame", __name__)
        pages.add_url_rule("/frame/<hit_id>", "show", self.show, methods=["GET"])
        pages.add_url_rule("/mturk/externalSubmit", "unsigned", self.refuse, methods=["POST"])
        pages.add_url_rule("/s/<signature>/mturk/externalSubmit", "submit", self.submit, methods=["POST"])
        pages.register_error_handler(WorkRefusedError, _refused)
        pages.register_error_handler(TooManyError, _too_many)
        pages.register_error_handler(HTTPException, _failed)
        return pages

    def show(self, hit_id: str) -> Response:
        """The HIT's document, sandboxed."""
        worker_id = sessions.current_worker_id()
        question = self.market.read(lambda moment: _question(moment, hit_id, worker_id))
        if isinstance(question, ExternalQuestion):
            raise WorkRefusedError(Refusal.NO_HIT)
        response = (
            self._form(question.form, hit_id, worker_id)
            if isinstance(question, FormQuestion)
            else _page(question)
        )
        # The frame's address holds the worker's id and his ticket to submit: no other host gets to see it.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def refuse(self) -> Response:
        """A submit without a signature: from a preview, or from nowhere."""
        self.throttle.count(Attempt.REFUSED_SUBMIT, addresses.client())
        _bound_the_body()
        if request.form.get("assignmentId") == frames.PREVIEW_ID:
            return _result(400, "This is a preview. Accept the task first, then submit.")
        return _result(403, _UNSIGNED)

    def submit(self, signature: str) -> Response:
        """Takes an answer in."""
        _bound_the_body()
        assignment_id = request.form.get("assignmentId", "")
        if not assignment_id:
            return _result(400, "The form has no field assignmentId (written exactly so).")
        if not answer_fields(request.form.items(multi=True)):
            return _result(400, "The form has no field beside assignmentId, so there is no answer.")
        if not frames.may_submit(self.market.signing, assignment_id, signature):
            self.throttle.count(Attempt.REFUSED_SUBMIT, addresses.client())
            return _result(403, _UNSIGNED)
        try:
            self.market.write(lambda moment: self._take(moment, assignment_id))
        except _FaultyAnswerError as error:
            return _form_response(error.form, assignment_id, request.path, error.reading.faults, status=422)
        return _result(200, "Your answer was handed in.")

    def _take(self, moment: Moment, assignment_id: str) -> None:
        text = queries.find_question_of(moment, assignment_id)
        question = None if text is None else open_question(text)
        assignment = work.submit(moment, assignment_id, _document(question))
        self.throttle.count_in(moment, Attempt.SUBMIT, assignment.worker_id)

    def _form(self, form: QuestionForm, hit_id: str, worker_id: str | None) -> Response:
        """The form; it can be handed in where the visitor himself holds the assignment that the address names."""
        assignment_id = request.args.get("assignmentId", "")
        job = None
        if worker_id is not None and assignment_id != frames.PREVIEW_ID:
            job = self.market.read(lambda moment: queries.find_held_job(moment, hit_id, worker_id))
        if job is None or job.assignment_id != assignment_id:
            return _form_response(form, "", "", {})
        target = frames.submit_to(self.market.signing, assignment_id, request.host_url)
        return _form_response(form, assignment_id, f"{target}/mturk/externalSubmit", {})


def _question(moment: Moment, hit_id: str, worker_id: str | None) -> Question:
    task = queries.find_task(moment, hit_id, worker_id)
    if task is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    if not meets(moment, task.requirements, worker_id, Guard.PREVIEW):
        raise WorkRefusedError(Refusal.NOT_QUALIFIED)
    return open_question(queries.find_question(moment, hit_id))


def _document(question: Question | None) -> str:
    """What was sent, as the kind of question asks. Raises _FaultyAnswerError."""
    if not isinstance(question, FormQuestion):
        return answer_xml(answer_fields(request.form.items(multi=True)))
    reading = read_answers(question.form, request.form)
    if reading.faults:
        raise _FaultyAnswerError(question.form, reading)
    return reading.document


def _page(question: HtmlQuestion) -> Response:
    """A requester's page as it was published, with the script that makes its form work where it needs one."""
    script = script_for(question.html)
    html = question.html if script is None else with_script(question.html, script)
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policies.page(script.path if script else "")
    return response


def _form_response(
    form: QuestionForm, assignment_id: str, action: str, faults: dict[str, str], *, status: int = 200
) -> Response:
    page = render_template(
        "site/questionform.html",
        form=form,
        assignment_id=assignment_id,
        action=action,
        values=entered(form, request.form),
        is_first=request.method == "GET",
        faults=faults,
    )
    response = Response(page, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policies.form()
    return response


def _bound_the_body() -> None:
    request.max_content_length = MAX_SUBMIT_BYTES
    request.max_form_memory_size = MAX_SUBMIT_BYTES
    request.max_form_parts = _MAX_FIELDS


def _result(status: int, message: str) -> Response:
    page = render_template("site/result.html", message=message, submitted=status == 200)
    response = Response(page, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policies.result()
    return response


def _refused(error: WorkRefusedError) -> Response:
    return _result(status_of(error.refusal), error.refusal.value)


def _too_many(error: TooManyError) -> Response:
    response = _result(429, str(error))
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _failed(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if error.code == 413:
        return _result(413, f"This answer is too large. At most {MAX_SUBMIT_BYTES} bytes can be handed in.")
    return _result(error.code, reason_of(error))
