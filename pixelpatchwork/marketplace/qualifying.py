"""How a worker asks for a qualification: at once, by a test that is scored at once, or by waiting for the requester.

A request is open from the moment the worker begins until it is decided. A type without a test that grants by itself,
and a test with an answer key, decide at once. Whether a worker may ask again follows from the type's retry delay;
without one he may ask once.

Source: the API reference, CreateQualificationType and "QualificationRequest".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import Column, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import grants, schema
from pixelpatchwork.marketplace.answer_keys import read_answer_key
from pixelpatchwork.marketplace.answers import read_answers
from pixelpatchwork.marketplace.blocks import is_blocked
from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.grants import Holding
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import qualification_request


class RequestStatus(StrEnum):
    """Where a request stands."""

    STARTED = "Started"
    SUBMITTED = "Submitted"
    GRANTED = "Granted"
    REJECTED = "Rejected"
    ABANDONED = "Abandoned"


_OPEN = (RequestStatus.STARTED.value, RequestStatus.SUBMITTED.value)


class QualifyingRefusal(Enum):
    """Why a worker cannot ask for a qualification, in words for him."""

    NO_TYPE = "This qualification cannot be asked for."
    NOT_OPEN = "This test was not begun by you, or was handed in already."
    WAITING = "You have asked for this qualification. The requester has not decided yet."
    ONLY_ONCE = "This qualification can be asked for once, and you have."
    TOO_SOON = "You have asked for this qualification lately. Try again later."
    TIME_OVER = "The time for this test is over."
    BLOCKED = "This requester does not accept your work."


class QualifyingRefusedError(Exception):
    """A wish for a qualification that cannot be granted; `refusal` says why."""

    def __init__(self, refusal: QualifyingRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A qualification type as a worker sees it. `test` is a QuestionForm document, or None where there is no test."""

    qualification_type_id: str
    requester_id: str
    name: str
    description: str
    keywords: str
    test: str | None
    test_duration_s: int | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request of one worker. `deadline_at` is None where there is no test; `value` once it is granted."""

    request_id: str
    qualification_type_id: str
    status: RequestStatus
    test: str | None
    deadline_at: Millis | None
    value: int | None = None


def find_offer(moment: Moment, qualification_type_id: str) -> Offer | None:
    """The type, where it is active."""
    row = _find_type(moment, qualification_type_id)
    return None if row is None else _to_offer(row)


def open_attempt(moment: Moment, qualification_type_id: str, worker_id: str) -> Attempt | None:
    """The worker's request of this type that is not decided yet; a test whose time is over is none."""
    row = _open_request(moment, qualification_type_id, worker_id)
    if row is None or _ran_out(moment, row):
        return None
    return _to_attempt(row)


def begin(moment: Moment, qualification_type_id: str, worker_id: str) -> Attempt:
    """The worker asks: a test begins, or the request is made. Raises QualifyingRefusedError.

    Asking again while a test runs goes on with that test.
    """
    offered = _find_type(moment, qualification_type_id)
    if offered is None:
        raise QualifyingRefusedError(QualifyingRefusal.NO_TYPE)
    if is_blocked(moment, offered.requester_id, worker_id):
        raise QualifyingRefusedError(QualifyingRefusal.BLOCKED)
    row = _open_request(moment, qualification_type_id, worker_id, lock=True)
    if row is not None and not _ran_out(moment, row):
        return _go_on(row)
    if row is not None:
        close(moment, row.qualification_request_id, RequestStatus.ABANDONED)
    _check_retry(moment, offered, worker_id)
    request_id = _insert_request(moment, offered, worker_id)
    if offered.test is None:
        return _decide(moment, offered, request_id, worker_id, offered.auto_granted_value)
    return _find_attempt(moment, request_id)


def last_asked(worker_id: str, qualification_type_id: str | Column[str]) -> Select[Any]:
    """When the worker last asked for that type; with a column, for the type of each row of another query."""
    columns = qualification_request.alias("asked_before").c
    return (
        select(func.coalesce(columns.submitted_at, columns.started_at))
        .where(columns.worker_id == worker_id, columns.qualification_type_id == qualification_type_id)
        .order_by(columns.number.desc())
        .limit(1)
    )


def may_ask_from(asked_at: Millis, retry_delay_s: int | None) -> Millis | None:
    """From when on somebody may ask again who asked at `asked_at`; None: never."""
    return None if retry_delay_s is None else asked_at + retry_delay_s * SECOND


def hand_in(moment: Moment, request_id: str, worker_id: str, answer: str) -> Attempt:
    """The worker hands in a test (a QuestionFormAnswers document). Raises QualifyingRefusedError.

    With an answer key the qualification is granted at once, with the test's score as its value.
    """
    row = _request(moment, request_id, lock=True)
    if row is None or row.worker_id != worker_id or row.status != RequestStatus.STARTED:
        raise QualifyingRefusedError(QualifyingRefusal.NOT_OPEN)
    if _ran_out(moment, row):
        raise QualifyingRefusedError(QualifyingRefusal.TIME_OVER)
    offered = _find_type(moment, row.qualification_type_id)
    if offered is None:
        raise QualifyingRefusedError(QualifyingRefusal.NO_TYPE)
    _change(moment, request_id, {"answer": answer})
    value = None
    if offered.answer_key is not None:
        value = read_answer_key(offered.answer_key).value(read_answers(answer))
    return _decide(moment, offered, request_id, worker_id, value)


def close(moment: Moment, request_id: str, status: RequestStatus) -> None:
    """Ends a request, as GRANTED, REJECTED or ABANDONED."""
    _change(moment, request_id, {"status": status.value, "open_for": None, "decided_at": moment.now})


def _decide(moment: Moment, offered: Row[Any], request_id: str, worker_id: str, value: int | None) -> Attempt:
    """Submits a request, and grants it where a value is known already."""
    _change(moment, request_id, {"status": RequestStatus.SUBMITTED.value, "submitted_at": moment.now})
    if value is not None:
        holding = Holding(qualification_type_id=offered.qualification_type_id, worker_id=worker_id)
        grants.grant(moment, holding, value)
        close(moment, request_id, RequestStatus.GRANTED)
    return _find_attempt(moment, request_id, value)


def _go_on(row: Row[Any]) -> Attempt:
    if row.status == RequestStatus.SUBMITTED:
        raise QualifyingRefusedError(QualifyingRefusal.WAITING)
    return _to_attempt(row)


def _check_retry(moment: Moment, offered: Row[Any], worker_id: str) -> None:
    asked = last_asked(worker_id, offered.qualification_type_id)
    last = moment.connection.execute(asked).scalar_one_or_none()
    if last is None:
        return
    again_from = may_ask_from(last, offered.retry_delay_s)
    if again_from is None:
        raise QualifyingRefusedError(QualifyingRefusal.ONLY_ONCE)
    if again_from > moment.now:
        raise QualifyingRefusedError(QualifyingRefusal.TOO_SOON)


def _insert_request(moment: Moment, offered: Row[Any], worker_id: str) -> str:
    duration_s = offered.test_duration_s
    row = {
        "qualification_request_id": moment.ids.mint(),
        "qualification_type_id": offered.qualification_type_id,
        "requester_id": offered.requester_id,
        "worker_id": worker_id,
        "open_for": worker_id,
        "status": RequestStatus.STARTED.value,
        "test": offered.test,
        "started_at": moment.now,
        "deadline_at": None if offered.test is None else moment.now + duration_s * SECOND,
    }
    try:
        with moment.connection.begin_nested():
            moment.connection.execute(insert(qualification_request), row)
    except IntegrityError as error:
        # Another tab of the same worker was quicker.
        raise QualifyingRefusedError(QualifyingRefusal.WAITING) from error
    return str(row["qualification_request_id"])


def _change(moment: Moment, request_id: str, values: dict[str, object]) -> None:
    columns = qualification_request.c
    moment.connection.execute(
        update(qualification_request).where(columns.qualification_request_id == request_id).values(**values)
    )


def _find_type(moment: Moment, qualification_type_id: str) -> Row[Any] | None:
    columns = schema.qualification_type.c
    return moment.connection.execute(
        select(schema.qualification_type).where(
            columns.qualification_type_id == qualification_type_id, columns.status == "Active"
        )
    ).one_or_none()


def _open_request(
    moment: Moment, qualification_type_id: str, worker_id: str, *, lock: bool = False
) -> Row[Any] | None:
    columns = qualification_request.c
    statement = select(qualification_request).where(
        columns.qualification_type_id == qualification_type_id, columns.open_for == worker_id
    )
    return moment.connection.execute(statement.with_for_update() if lock else statement).one_or_none()


def _request(moment: Moment, request_id: str, *, lock: bool = False) -> Row[Any] | None:
    columns = qualification_request.c
    statement = select(qualification_request).where(columns.qualification_request_id == request_id)
    return moment.connection.execute(statement.with_for_update() if lock else statement).one_or_none()


def _ran_out(moment: Moment, row: Row[Any]) -> bool:
    is_running = row.status == RequestStatus.STARTED and row.deadline_at is not None
    return bool(is_running and row.deadline_at <= moment.now)


def _find_attempt(moment: Moment, request_id: str, value: int | None = None) -> Attempt:
    row = _request(moment, request_id)
    if row is None:
        raise LookupError(request_id)
    return _to_attempt(row, value)


def _to_attempt(row: Row[Any], value: int | None = None) -> Attempt:
    return Attempt(
        request_id=row.qualification_request_id,
        qualification_type_id=row.qualification_type_id,
        status=RequestStatus(row.status),
        test=row.test,
        deadline_at=row.deadline_at,
        value=value,
    )


def _to_offer(row: Row[Any]) -> Offer:
    return Offer(
        qualification_type_id=row.qualification_type_id,
        requester_id=row.requester_id,
        name=row.name,
        description=row.description,
        keywords=row.keywords or "",
        test=row.test,
        test_duration_s=row.test_duration_s,
    )
