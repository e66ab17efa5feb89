"""Qualifications: what a worker has, what he can ask for, and the tests that some of them need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from sqlalchemy import ColumnElement, Exists, Row, Select, exists, select
from werkzeug import Response

from pixelpatchwork.marketplace import qualifying, schema
from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.qualifying import Attempt, QualifyingRefusedError, RequestStatus, may_ask_from
from pixelpatchwork.marketplace.questionform import entered, parse_question_form, read_answers
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import policies, sessions
from pixelpatchwork.marketplace.site.answering import with_policy
from pixelpatchwork.marketplace.tables import qualification_request

_MOST_OFFERS = 200


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A qualification that the worker has."""

    name: str
    description: str
    value: int
    granted_at: Millis


@dataclass(frozen=True, kw_only=True)
class _Offered:
    """A type that the worker can ask for, or has asked for. `status` is that of his open request, or "".

    `is_again`: he has asked before. He may ask from `again_from` on (None: never again), which is now with `can_ask`.
    """

    qualification_type_id: str
    name: str
    description: str
    requester_name: str
    has_test: bool
    test_minutes: int
    status: str
    is_again: bool
    again_from: Millis | None
    can_ask: bool


@dataclass(frozen=True)
class QualificationPages:
    """`/qualifications` and the tests below it."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        base = "/qualifications"
        pages.add_url_rule(base, "qualifications", self.show, methods=["GET"])
        pages.add_url_rule(f"{base}/<type_id>/begin", "qualification_begin", self.begin, methods=["POST"])
        pages.add_url_rule(f"{base}/<type_id>/test", "qualification_test", self.test, methods=["GET"])
        pages.add_url_rule(f"{base}/<type_id>/test", "qualification_hand_in", self.hand_in, methods=["POST"])
        pages.register_error_handler(QualifyingRefusedError, _refuse)

    def show(self) -> Response | str:
        """What the worker has, and what is on offer."""
        worker = sessions.current()
        if worker is None:
            return redirect("/signin?next=/qualifications", 303)
        held, offered = self.market.read(
            lambda moment: (
                _held(moment, worker.worker_id, worker.sees_from),
                _offered(moment, worker.worker_id),
            )
        )
        return render_template("site/qualifications.html", held=held, offered=offered)

    def begin(self, type_id: str) -> Response:
        """Asks for a qualification: a test begins, or the request is made."""
        sessions.check_csrf()
        worker_id = _signed_in()
        attempt = self.market.write(lambda moment: qualifying.begin(moment, type_id, worker_id))
        is_test = attempt.status is RequestStatus.STARTED
        return redirect(f"/qualifications/{type_id}/test" if is_test else "/qualifications", 303)

    def test(self, type_id: str) -> Response:
        """The test that the worker has begun."""
        worker_id = _signed_in()
        name, attempt, now = self.market.read(lambda moment: _running(moment, type_id, worker_id))
        return _test_page(name, attempt, now, {})

    def hand_in(self, type_id: str) -> Response:
        """Takes the test's answers in, or shows what to mend."""
        sessions.check_csrf()
        worker_id = _signed_in()
        name, attempt, now = self.market.read(lambda moment: _running(moment, type_id, worker_id))
        reading = read_answers(parse_question_form(attempt.test or ""), request.form)
        if reading.faults:
            return _test_page(name, attempt, now, reading.faults)
        self.market.write(
            lambda moment: qualifying.hand_in(moment, attempt.request_id, worker_id, reading.document)
        )
        return redirect("/qualifications", 303)


def _signed_in() -> str:
    worker_id = sessions.current_worker_id()
    if worker_id is None:
        abort(403, "Sign in first.")
    return worker_id


def _running(moment: Moment, type_id: str, worker_id: str) -> tuple[str, Attempt, Millis]:
    attempt = qualifying.open_attempt(moment, type_id, worker_id)
    offer = qualifying.find_offer(moment, type_id)
    if attempt is None or offer is None or attempt.status is not RequestStatus.STARTED:
        abort(404, "No test of this qualification is running. Begin it from the list of qualifications.")
    return offer.name, attempt, moment.now


def _test_page(name: str, attempt: Attempt, now: Millis, faults: dict[str, str]) -> Response:
    form = parse_question_form(attempt.test or "")
    seconds_left = None if attempt.deadline_at is None else max(0, (attempt.deadline_at - now) // SECOND)
    page = render_template(
        "site/test.html",
        name=name,
        form=form,
        type_id=attempt.qualification_type_id,
        seconds_left=seconds_left,
        values=entered(form, request.form),
        is_first=request.method == "GET",
        faults=faults,
    )
    return with_policy(page, policies.site_with_media(), 422 if faults else 200)


def _refuse(error: QualifyingRefusedError) -> tuple[str, int]:
    return render_template("site/refusal.html", reason=error.refusal.value), 409


def _held(moment: Moment, worker_id: str, since: Millis) -> Sequence[_Held]:
    types, held = schema.qualification_type, schema.qualification.c
    statement = (
        select(types.c.name, types.c.description, held.value, held.granted_at)
        .select_from(
            types.join(schema.qualification, types.c.qualification_type_id == held.qualification_type_id)
        )
        .where(held.worker_id == worker_id, held.status == "Granted", held.granted_at >= since)
        .order_by(held.granted_at.desc())
    )
    return [
        _Held(name=row.name, description=row.description, value=row.value, granted_at=row.granted_at)
        for row in moment.connection.execute(statement)
    ]


def _offered(moment: Moment, worker_id: str) -> Sequence[_Offered]:
    found = moment.connection.execute(_offers(worker_id).limit(_MOST_OFFERS))
    return [_to_offer(row, moment.now) for row in found]


def _offers(worker_id: str) -> Select[Any]:
    """The types that the worker can ask for, newest first, each with his open request where there is one."""
    types, asked = schema.qualification_type.c, qualification_request.c
    is_mine = (asked.qualification_type_id == types.qualification_type_id) & (asked.open_for == worker_id)
    asked_at = qualifying.last_asked(worker_id, types.qualification_type_id).scalar_subquery()
    by_requester = schema.qualification_type.join(
        schema.requester, types.requester_id == schema.requester.c.requester_id
    )
    return (
        select(
            types.qualification_type_id,
            types.name,
            types.description,
            schema.requester.c.name.label("requester_name"),
            types.test.is_not(None).label("has_test"),
            types.test_duration_s,
            types.retry_delay_s,
            asked.status,
            asked_at.label("asked_at"),
        )
        .select_from(by_requester.outerjoin(qualification_request, is_mine))
        .where(
            types.status == "Active",
            schema.requester.c.suspended_at.is_(None),
            ~_has(worker_id) | _can_be_retaken(asked_at),
        )
        .order_by(types.number.desc())
    )


def _can_be_retaken(asked_at: ColumnElement[Any]) -> ColumnElement[bool]:
    """That the type of the row has a test which may be taken more than once, and that the worker took it."""
    types = schema.qualification_type.c
    return types.test.is_not(None) & types.retry_delay_s.is_not(None) & asked_at.is_not(None)


def _has(worker_id: str) -> Exists:
    """That the worker has the type of the row."""
    held = schema.qualification.c
    is_same = held.qualification_type_id == schema.qualification_type.c.qualification_type_id
    return exists().where(is_same, held.worker_id == worker_id, held.status == "Granted")


def _to_offer(row: Row[Any], now: Millis) -> _Offered:
    is_again = row.asked_at is not None
    again_from = may_ask_from(row.asked_at, row.retry_delay_s) if is_again else now
    return _Offered(
        qualification_type_id=row.qualification_type_id,
        name=row.name,
        description=row.description,
        requester_name=row.requester_name,
        has_test=bool(row.has_test),
        test_minutes=-(-(row.test_duration_s or 0) // 60),
        status=row.status or "",
        is_again=is_again,
        again_from=again_from,
        can_ask=again_from is not None and again_from <= now,
    )
