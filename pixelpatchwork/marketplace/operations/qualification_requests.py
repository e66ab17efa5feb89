"""Workers' requests for qualifications: listed, accepted, rejected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, tuple_

from pixelpatchwork.marketplace import grants, messages
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import RequestError, does_not_exist
from pixelpatchwork.marketplace.grants import DEFAULT_VALUE, Holding
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.qualification_types import own_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.qualifying import RequestStatus, close
from pixelpatchwork.marketplace.tables import qualification_request

_SUBJECT = 200


@operation("ListQualificationRequests", writes=False)
def list_qualification_requests(call: Call) -> dict[str, Any]:
    """The requests that wait for this requester, of one type or of all, in the order in which they came in."""
    page = Page.of("ListQualificationRequests", call.request, keys=2)
    columns = qualification_request.c
    statement = select(qualification_request).where(
        columns.requester_id == call.requester_id, columns.status == RequestStatus.SUBMITTED.value
    )
    if "QualificationTypeId" in call.request:
        own = own_type(call, call.request["QualificationTypeId"])
        statement = statement.where(columns.qualification_type_id == own.qualification_type_id)
    if page.after is not None:
        statement = statement.where(tuple_(columns.submitted_at, columns.number) > page.after)
    ordered = statement.order_by(columns.submitted_at, columns.number).limit(page.limit)
    rows = call.moment.connection.execute(ordered).all()
    cut = page.cut(rows, lambda row: (row.submitted_at, row.number))
    return cut.answer("QualificationRequests", [_shown(row) for row in cut.rows])


@operation("AcceptQualificationRequest", writes=True)
def accept_qualification_request(call: Call) -> dict[str, Any]:
    """Grants what a worker asked for, with this value."""
    row = _waiting(call)
    holding = Holding(qualification_type_id=row.qualification_type_id, worker_id=row.worker_id)
    grants.grant(call.moment, holding, call.request.get("IntegerValue", DEFAULT_VALUE))
    close(call.moment, row.qualification_request_id, RequestStatus.GRANTED)
    _tell(call, row, "You have a qualification")
    return {}


@operation("RejectQualificationRequest", writes=True)
def reject_qualification_request(call: Call) -> dict[str, Any]:
    """Refuses it; the reason is for the worker to read. What he holds already stays as it is."""
    check_bounds(call.request)
    row = _waiting(call)
    close(call.moment, row.qualification_request_id, RequestStatus.REJECTED)
    _tell(call, row, "Your request for a qualification was refused", call.request.get("Reason"))
    return {}


def _waiting(call: Call) -> Row[Any]:
    """The request, locked. Raises QualificationRequestDoesNotExist or InvalidQualificationRequestState."""
    request_id = call.request["QualificationRequestId"]
    columns = qualification_request.c
    row = call.moment.connection.execute(
        select(qualification_request)
        .where(columns.qualification_request_id == request_id, columns.requester_id == call.requester_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.submitted_at is None:
        raise does_not_exist("QualificationRequest", request_id)
    if row.status != RequestStatus.SUBMITTED:
        raise RequestError(
            "InvalidQualificationRequestState", "This operation can be called with a status of: Submitted"
        )
    return row


def _tell(call: Call, row: Row[Any], what: str, reason: str | None = None) -> None:
    own = own_type(call, row.qualification_type_id)
    subject = f"{what}: {own.name}"[:_SUBJECT]
    text = reason or own.description
    messages.send(call.moment, call.requester_id, [row.worker_id], subject=subject, text=text)


def _shown(row: Row[Any]) -> dict[str, Any]:
    shown = {
        "QualificationRequestId": row.qualification_request_id,
        "QualificationTypeId": row.qualification_type_id,
        "WorkerId": row.worker_id,
        "Test": row.test,
        "Answer": row.answer,
        "SubmitTime": to_wire(row.submitted_at),
    }
    return {name: value for name, value in shown.items() if value is not None}
