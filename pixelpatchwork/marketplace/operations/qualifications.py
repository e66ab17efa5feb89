"""Qualifications: which worker has which type, and with what value."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import RequestError, does_not_exist
from pixelpatchwork.marketplace.operations.qualification_types import own_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page

_GRANTED = "Granted"
_REVOKED = "Revoked"
_DEFAULT_VALUE = 1


@operation("AssociateQualificationWithWorker", writes=True)
def associate(call: Call) -> dict[str, Any]:
    """Grants a qualification, or changes its value."""
    type_id = own_type(call, call.request["QualificationTypeId"]).qualification_type_id
    worker_id = call.request["WorkerId"]
    _check_worker(call, worker_id)
    values = {
        "value": call.request.get("IntegerValue", _DEFAULT_VALUE),
        "status": _GRANTED,
        "granted_at": call.moment.now,
    }
    key = {"qualification_type_id": type_id, "worker_id": worker_id}
    try:
        with call.moment.connection.begin_nested():
            call.moment.connection.execute(insert(schema.qualification), key | values)
    except IntegrityError:
        columns = schema.qualification.c
        call.moment.connection.execute(
            update(schema.qualification)
            .where(columns.qualification_type_id == type_id, columns.worker_id == worker_id)
            .values(**values)
        )
    return {}


@operation("DisassociateQualificationFromWorker", writes=True)
def disassociate(call: Call) -> dict[str, Any]:
    """Revokes a granted qualification."""
    row = _own_qualification(call)
    columns = schema.qualification.c
    if row.status != _GRANTED:
        raise _only_granted()
    call.moment.connection.execute(
        update(schema.qualification)
        .where(columns.qualification_type_id == row.qualification_type_id, columns.worker_id == row.worker_id)
        .values(status=_REVOKED)
    )
    return {}


@operation("GetQualificationScore", writes=False)
def get_qualification_score(call: Call) -> dict[str, Any]:
    """A worker's granted qualification."""
    row = _own_qualification(call)
    if row.status != _GRANTED:
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
        columns.status == call.request.get("Status", _GRANTED),
        columns.number > (page.after or (0,))[0],
    )
    rows = call.moment.connection.execute(statement.order_by(columns.number).limit(page.limit)).all()
    cut = page.cut(rows, lambda row: (row.number,))
    return cut.answer("Qualifications", [_shown(row) for row in cut.rows])


def _check_worker(call: Call, worker_id: str) -> None:
    known = select(schema.worker.c.worker_id).where(schema.worker.c.worker_id == worker_id)
    if call.moment.connection.execute(known).one_or_none() is None:
        raise does_not_exist("Worker", worker_id)


def _own_qualification(call: Call) -> Row[Any]:
    columns = schema.qualification.c
    type_id = own_type(call, call.request["QualificationTypeId"]).qualification_type_id
    row = call.moment.connection.execute(
        select(schema.qualification).where(
            columns.qualification_type_id == type_id, columns.worker_id == call.request["WorkerId"]
        )
    ).one_or_none()
    if row is None:
        raise RequestError(
            "QualificationDoesNotExist", f"This worker has no qualification of type {type_id}."
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
