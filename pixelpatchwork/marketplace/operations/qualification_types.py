"""Qualification types: names for what a requester knows about workers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, or_, select
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import RequestError, does_not_exist
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page

_NOT_OFFERED = ("Test", "AnswerKey", "AutoGranted")


@operation("CreateQualificationType", writes=True)
def create_qualification_type(call: Call) -> dict[str, Any]:
    """A new type; its name is unique among the requester's."""
    check_bounds(call.request)
    for name in _NOT_OFFERED:
        if call.request.get(name):
            raise RequestError("OperationNotSupported", f"{name} is not offered yet. Leave it out.")
    row = {
        "qualification_type_id": call.moment.ids.mint(),
        "requester_id": call.requester_id,
        "name": call.request["Name"],
        "keywords": call.request.get("Keywords"),
        "description": call.request["Description"],
        "status": call.request["QualificationTypeStatus"],
        "created_at": call.moment.now,
    }
    try:
        with call.moment.connection.begin_nested():
            call.moment.connection.execute(insert(schema.qualification_type), row)
    except IntegrityError as error:
        raise RequestError(
            "QualificationTypeAlreadyExists", "You have already created a QualificationType with this name."
        ) from error
    return {"QualificationType": _shown(own_type(call, str(row["qualification_type_id"])))}


@operation("GetQualificationType", writes=False)
def get_qualification_type(call: Call) -> dict[str, Any]:
    """One of the requester's types."""
    return {"QualificationType": _shown(own_type(call, call.request["QualificationTypeId"]))}


@operation("ListQualificationTypes", writes=False)
def list_qualification_types(call: Call) -> dict[str, Any]:
    """Active types in the order of their making; `Query` looks into names and descriptions.

    Workers cannot request a qualification here, so `MustBeRequestable` leaves nothing.
    """
    columns = schema.qualification_type.c
    page = Page.of("ListQualificationTypes", call.request)
    statement = select(schema.qualification_type).where(
        columns.number > (page.after or (0,))[0], columns.requester_id == call.requester_id
    )
    if call.request["MustBeRequestable"]:
        return page.cut([], lambda row: (row,)).answer("QualificationTypes", [])
    if "Query" in call.request:
        wanted = call.request["Query"]
        statement = statement.where(
            or_(
                columns.name.icontains(wanted, autoescape=True),
                columns.description.icontains(wanted, autoescape=True),
            )
        )
    rows = call.moment.connection.execute(statement.order_by(columns.number).limit(page.limit)).all()
    cut = page.cut(rows, lambda row: (row.number,))
    return cut.answer("QualificationTypes", [_shown(row) for row in cut.rows])


def own_type(call: Call, qualification_type_id: str) -> Row[Any]:
    """The row of the requester's own type. Raises QualificationTypeDoesNotExist."""
    columns = schema.qualification_type.c
    row = call.moment.connection.execute(
        select(schema.qualification_type).where(
            columns.qualification_type_id == qualification_type_id,
            columns.requester_id == call.requester_id,
        )
    ).one_or_none()
    if row is None:
        raise does_not_exist("QualificationType", qualification_type_id)
    return row


def _shown(row: Row[Any]) -> dict[str, Any]:
    shown = {
        "QualificationTypeId": row.qualification_type_id,
        "CreationTime": to_wire(row.created_at),
        "Name": row.name,
        "Description": row.description,
        "Keywords": row.keywords,
        "QualificationTypeStatus": row.status,
        "IsRequestable": False,
        "AutoGranted": False,
    }
    return {name: value for name, value in shown.items() if value is not None}
