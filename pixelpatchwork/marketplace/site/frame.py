"""The HIT's own document, and the submit that comes out of it.

A requester's page is foreign code. It is served with `Content-Security-Policy: sandbox`, so its origin is opaque
even if somebody opens it outside the frame: no cookie, no storage, no reading of the site. For the same reason its
submit carries no session. What authorises the submit is the unguessable assignment id together with a keyed
signature of it, which stands in `turkSubmitTo`'s path; a page learns both only for the assignment that it shows.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.answers import answer_fields
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.questions import HtmlQuestion, open_html_question
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.requirements import Guard, meets
from pixelpatchwork.marketplace.site import queries, sessions
from pixelpatchwork.marketplace.site.refusals import status_of
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError

PREVIEW_ID = "ASSIGNMENT_ID_NOT_AVAILABLE"
MAX_SUBMIT_BYTES = 2 * 1024 * 1024
_MAX_FIELDS = 5_000
_FRAME_POLICY = (
    "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; font-src data:; media-src 'self' {origin} https: data: blob:; "
    "img-src 'self' {origin} https: data: blob: http://127.0.0.1:* http://localhost:*; "
    "form-action 'self' {origin}; base-uri 'none'; frame-ancestors 'self'"
)
_RESULT_POLICY = (
    "sandbox; default-src 'none'; style-src 'self' {origin}; base-uri 'none'; frame-ancestors 'self'"
)


def preview_url(hit_id: str, host_url: str) -> str:
    """The frame of a HIT that nobody has accepted: its submit is refused."""
    query = {"assignmentId": PREVIEW_ID, "hitId": hit_id, "turkSubmitTo": host_url.rstrip("/")}
    return f"/frame/{hit_id}?{urlencode(query)}"


def work_url(hit_id: str, assignment_id: str, worker_id: str, submit_target: str) -> str:
    """The frame of an accepted HIT, with the four parameters that Mechanical Turk gives."""
    query = {
        "assignmentId": assignment_id,
        "hitId": hit_id,
        "workerId": worker_id,
        "turkSubmitTo": submit_target,
    }
    return f"/frame/{hit_id}?{urlencode(query)}"


def submit_to(secret_key: str, assignment_id: str, host_url: str) -> str:
    """`turkSubmitTo` of an assignment, without a slash at its end."""
    return f"{host_url.rstrip('/')}/s/{_signature(secret_key, assignment_id)}"


@dataclass(frozen=True)
class FramePages:
    """`/frame/ID` and `externalSubmit`."""

    market: Market

    def blueprint(self) -> Blueprint:
        """The routes, with refusals that fit into a frame."""
        pages = Blueprint("frame", __name__)
        pages.add_url_rule("/frame/<hit_id>", "show", self.show, methods=["GET"])
        pages.add_url_rule("/mturk/externalSubmit", "unsigned", self.refuse, methods=["POST"])
        pages.add_url_rule("/s/<signature>/mturk/externalSubmit", "submit", self.submit, methods=["POST"])
        pages.register_error_handler(WorkRefusedError, _refused)
        pages.register_error_handler(HTTPException, _failed)
        return pages

    def show(self, hit_id: str) -> Response:
        """The HIT's document, sandboxed."""
        worker_id = sessions.current_worker_id()
        question = self.market.read(lambda moment: _question(moment, hit_id, worker_id))
        response = Response(question.html, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _policy(_FRAME_POLICY)
        # The frame's address holds the worker's id and his ticket to submit: no other host gets to see it.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def refuse(self) -> Response:
        """A submit without a signature: from a preview, or from nowhere."""
        if request.form.get("assignmentId") == PREVIEW_ID:
            return _result(400, "This is a preview. Accept the task first, then submit.")
        return _result(403, "This answer does not come from an accepted task.")

    def submit(self, signature: str) -> Response:
        """Takes an answer in."""
        request.max_content_length = MAX_SUBMIT_BYTES
        request.max_form_memory_size = MAX_SUBMIT_BYTES
        request.max_form_parts = _MAX_FIELDS
        assignment_id = request.form.get("assignmentId", "")
        if not assignment_id:
            return _result(400, "The form has no field assignmentId (written exactly so).")
        fields = answer_fields(request.form.items(multi=True))
        if not fields:
            return _result(400, "The form has no field beside assignmentId, so there is no answer.")
        if not hmac.compare_digest(_signature(self.market.secret_key, assignment_id), _ascii(signature)):
            return _result(403, "This answer does not come from an accepted task.")
        self.market.write(lambda moment: work.submit(moment, assignment_id, fields))
        return _result(200, "Your answer was handed in.")


def _question(moment: Moment, hit_id: str, worker_id: str | None) -> HtmlQuestion:
    task = queries.find_task(moment, hit_id)
    if task is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    if not meets(moment, task.requirements, worker_id, Guard.PREVIEW):
        raise WorkRefusedError(Refusal.NOT_QUALIFIED)
    return open_html_question(queries.find_question(moment, hit_id))


def _signature(secret_key: str, assignment_id: str) -> str:
    message = f"submit:{assignment_id}".encode("utf-8", "replace")
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()[:40]


def _ascii(text: str) -> str:
    return text if text.isascii() else ""


def _policy(template: str) -> str:
    """The policy with this site's own origin by name: some browsers match 'self' against the opaque origin."""
    return template.format(origin=request.host_url.rstrip("/"))


def _result(status: int, message: str) -> Response:
    page = render_template("site/result.html", message=message, submitted=status == 200)
    response = Response(page, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _policy(_RESULT_POLICY)
    return response


def _refused(error: WorkRefusedError) -> Response:
    return _result(status_of(error.refusal), error.refusal.value)


def _failed(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if error.code == 413:
        return _result(413, f"This answer is too large. At most {MAX_SUBMIT_BYTES} bytes can be handed in.")
    return _result(error.code, error.description or "Something is wrong.")
