"""Qualifications: which worker has which type, and with what value."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from pixelpatchwork.marketplace import grants, messages, people, schema
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import RequestError, does_not_exist
from pixelpatchwork.marketplace.grants import DEFAULT_VALUE, GRANTED, Holding
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.qualification_types import own_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.operations.workers import has_dealt_with
from pixelpatchwork.marketplace.paging import Page

_SUBJECT = 200


@operation("AssociateQualificationWithWorker", writes=True)
def associate(call: Call) -> dict[str, Any]:
    """Grants a qualification, or changes its value, to any worker: he need not have asked (API reference).

    He is told unless `SendNotification` is false, and unless he has never dealt with this requester: a name and a
    description are text enough for advertising, which would then reach everybody whose id is known.
    """
    own = own_type(call, call.request["QualificationTypeId"])
    worker_id = call.request["WorkerId"]
    if not people.is_known(call.moment, worker_id):
        raise does_not_exist("Worker", worker_id)
    holding = Holding(qualification_type_id=own.qualification_type_id, worker_id=worker_id)
    grants.grant(call.moment, holding, call.request.get("IntegerValue", DEFAULT_VALUE))
    if call.request.get("SendNotification", True):
        _tell(call, worker_id, f"You have a qualification: {own.name}", own.description)
    return {}


@operation("DisassociateQualificationFromWorker", writes=True)
def disassociate(call: Call) -> dict[str, Any]:
    """Revokes a granted qualification; a reason is for the worker to read, where he has dealt with the requester."""
    check_bounds(call.request)
    own = own_type(call, call.request["QualificationTypeId"])
    row = _qualification(call, own.qualification_type_id)
    if row.status != GRANTED:
        raise _only_granted()
    holding = Holding(qualification_type_id=row.qualification_type_id, worker_id=row.worker_id)
    grants.revoke(call.moment, holding)
    if call.request.get("Reason"):
        _tell(call, row.worker_id, f"A qualification was withdrawn: {own.name}", call.request["Reason"])
    return {}


@operation("GetQualificationScore", writes=False)
def get_qualification_score(call: Call) -> dict[str, Any]:
    """A worker's granted qualification."""
    own = own_type(call, call.request["QualificationTypeId"])
    row = _qualification(call, own.qualification_type_id)
    if row.status != GRANTED:
        raise _only_granted()
    return {"Qualification": _shown(row)}


@operation("ListWorkersWithQualificationType", writes=False)
def list_workers(call: Call) -> dict[str, Any]:
    """Who has a type, in the order in which it was granted first."""
    type_id = own_type(call, call.request["QualificationTypeId"]).qualification_type_id
    page = Page.of("ListWorkersWithQualificationType", call.request)
    columns = schema.qualification.c
    statement = select(schema.qualification).where(
        columns.qualification_type_id == type_id,
        columns.status == call.request.get("Status", GRANTED),
        columns.number > (page.after or (0,))[0],
    )
    rows = call.moment.connection.execute(statement.order_by(columns.number).limit(page.limit)).all()
    cut = page.cut(rows, lambda row: (row.number,))
    return cut.answer("Qualifications", [_shown(row) for row in cut.rows])


def _tell(call: Call, worker_id: str, subject: str, text: str) -> None:
    """Leaves the worker a message, unless he has never had to do with this requester."""
    if has_dealt_with(call, worker_id):
        messages.send(call.moment, call.requester_id, [worker_id], subject=subject[:_SUBJECT], text=text)


def _qualification(call: Call, qualification_type_id: str) -> Row[Any]:
    columns = schema.qualification.c
    row = call.moment.connection.execute(
        select(schema.qualification).where(
            columns.qualification_type_id == qualification_type_id,
            columns.worker_id == call.request["WorkerId"],
        )
    ).one_or_none()
    if row is None:
        raise RequestError(
            "QualificationDoesNotExist", f"This worker has no qualification of type {qualification_type_id}."
        )
    return row


def _only_granted() -> RequestError:
    return RequestError("InvalidQualificationState", "This operation can be called with a status of: Granted")


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "QualificationTypeId": row.qualification_type_id,
        "WorkerId": row.worker_id,
        "GrantTime": to_wire(row.granted_at),
        "IntegerValue": row.value,
        "Status": row.status,
    }
