"""Qualification types: names for what a requester knows about workers, with a test or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.answer_keys import read_answer_key
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.documents import check_size
from pixelpatchwork.marketplace.errors import (
    ParameterValidationError,
    RequestError,
    does_not_exist,
    xml_error,
)
from pixelpatchwork.marketplace.grants import DEFAULT_VALUE
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.hit_lists import list_hits_where
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.qualifying import RequestStatus, close
from pixelpatchwork.marketplace.questionform import parse_question_form
from pixelpatchwork.marketplace.system_qualifications import DESCRIPTIONS, is_system_type
from pixelpatchwork.marketplace.tables import qualification_request

# The system's own types stand behind all others in a list: no row's number comes near this.
_BEHIND_ALL = 2**62
_CHANGEABLE: Mapping[str, str] = {
    "Description": "description",
    "QualificationTypeStatus": "status",
    "Test": "test",
    "AnswerKey": "answer_key",
    "TestDurationInSeconds": "test_duration_s",
    "RetryDelayInSeconds": "retry_delay_s",
}


@operation("CreateQualificationType", writes=True)
def create_qualification_type(call: Call) -> dict[str, Any]:
    """A new type; its name is unique among the requester's."""
    check_bounds(call.request)
    row = {
        "qualification_type_id": call.moment.ids.mint(),
        "requester_id": call.requester_id,
        "name": call.request["Name"],
        "keywords": call.request.get("Keywords"),
        "created_at": call.moment.now,
        **_changes(call.request),
    }
    _check_way_to_qualify(row)
    try:
        with call.moment.connection.begin_nested():
            call.moment.connection.execute(insert(schema.qualification_type), row)
    except IntegrityError as error:
        raise RequestError(
            "QualificationTypeAlreadyExists", "You have already created a QualificationType with this name."
        ) from error
    return {"QualificationType": _shown(call, own_type(call, row["qualification_type_id"]))}


@operation("UpdateQualificationType", writes=True)
def update_qualification_type(call: Call) -> dict[str, Any]:
    """Changes what is named; tests that run go on as they began."""
    check_bounds(call.request)
    row = own_type(call, call.request["QualificationTypeId"])
    changes = _changes(call.request, auto_granted_before=row.auto_granted_value)
    _check_way_to_qualify({**row._mapping, **changes})
    columns = schema.qualification_type.c
    if changes:
        call.moment.connection.execute(
            update(schema.qualification_type).where(columns.number == row.number).values(**changes)
        )
    return {"QualificationType": _shown(call, own_type(call, row.qualification_type_id))}


@operation("DeleteQualificationType", writes=True)
def delete_qualification_type(call: Call) -> dict[str, Any]:
    """Deletes a type and with it the HIT types that need it; open requests are rejected.

    HITs that run keep their requirement, and workers what they were granted, as the API documents it.
    """
    row = own_type(call, call.request["QualificationTypeId"])
    requests = qualification_request.c
    is_open = requests.qualification_type_id == row.qualification_type_id, requests.open_for.is_not(None)
    found = select(requests.qualification_request_id).where(*is_open)
    for request_id in call.moment.connection.execute(found).scalars().all():
        close(call.moment, request_id, RequestStatus.REJECTED)
    columns = schema.qualification_type.c
    call.moment.connection.execute(delete(schema.qualification_type).where(columns.number == row.number))
    return {}


@operation("GetQualificationType", writes=False)
def get_qualification_type(call: Call) -> dict[str, Any]:
    """Any type; its answer key is shown to its owner only."""
    type_id = call.request["QualificationTypeId"]
    if is_system_type(type_id):
        return {"QualificationType": _system_type(type_id)}
    columns = schema.qualification_type.c
    row = call.moment.connection.execute(
        select(schema.qualification_type).where(columns.qualification_type_id == type_id)
    ).one_or_none()
    if row is None:
        raise does_not_exist("QualificationType", type_id)
    return {"QualificationType": _shown(call, row)}


@operation("ListQualificationTypes", writes=False)
def list_qualification_types(call: Call) -> dict[str, Any]:
    """Types in the order of their making, the system's own last; `Query` looks into names, descriptions, keywords.

    With `MustBeRequestable` only those that workers can ask for; of other requesters' types only active ones.
    """
    page = Page.of("ListQualificationTypes", call.request)
    after = (page.after or (0,))[0]
    rows = call.moment.connection.execute(_types(call, after).limit(page.limit)).all()
    found = [(row.number, _shown(call, row)) for row in rows]
    if not (call.request["MustBeRequestable"] or call.request.get("MustBeOwnedByCaller")):
        found += [item for item in _system_types(call.request.get("Query", "")) if item[0] > after]
    cut = page.cut(found[: page.limit], lambda item: (item[0],))
    return cut.answer("QualificationTypes", [shown for _, shown in cut.rows])


@operation("ListHITsForQualificationType", writes=False)
def list_hits_for_type(call: Call) -> dict[str, Any]:
    """The requester's HITs that ask for a type, newest first, without deleted ones."""
    type_id = call.request["QualificationTypeId"]
    if not is_system_type(type_id):
        own_type(call, type_id)
    columns = schema.hit_type.c
    # The id holds capitals and digits only, and stands between quotes in the JSON text.
    needing = select(columns.hit_type_id).where(
        columns.requester_id == call.requester_id, columns.requirements.contains(f'"{type_id}"')
    )
    condition = schema.hit.c.hit_type_id.in_(needing) & schema.hit.c.disposed.is_(False)
    return list_hits_where(call, "ListHITsForQualificationType", condition)


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


def _changes(request: Mapping[str, Any], auto_granted_before: int | None = None) -> dict[str, Any]:
    """The columns that a request sets. A type grants by itself exactly where it has a value to grant."""
    changes = {column: request[name] for name, column in _CHANGEABLE.items() if name in request}
    before = DEFAULT_VALUE if auto_granted_before is None else auto_granted_before
    if request.get("AutoGranted"):
        changes["auto_granted_value"] = request.get("AutoGrantedValue", before)
    elif "AutoGranted" in request:
        changes["auto_granted_value"] = None
    elif auto_granted_before is not None and "AutoGrantedValue" in request:
        changes["auto_granted_value"] = request["AutoGrantedValue"]
    return changes


def _check_way_to_qualify(row: Mapping[str, Any]) -> None:
    """Test, key, duration and automatic granting must fit together (API reference, CreateQualificationType)."""
    test, key = row.get("test"), row.get("answer_key")
    if test is not None and row.get("auto_granted_value") is not None:
        raise ParameterValidationError("AutoGranted", "true", "A type with a Test cannot grant by itself.")
    if test is not None and row.get("test_duration_s") is None:
        raise ParameterValidationError("TestDurationInSeconds", "null", "A Test needs one.")
    if key is not None and test is None:
        raise ParameterValidationError("AnswerKey", key, "It is the key to a Test. Send both.")
    if test is not None:
        check_size("Test", test)
        asked = {question.identifier for question in parse_question_form(test).questions}
        if key is not None:
            _check_key(key, asked)


def _check_key(text: str, asked: set[str]) -> None:
    """A question that the test does not ask could never be scored."""
    strangers = [one.identifier for one in read_answer_key(text).questions if one.identifier not in asked]
    if strangers:
        raise xml_error(f"The AnswerKey's question {strangers[0][:60]} is not in the Test.")


def _types(call: Call, after: int) -> Any:
    columns, request = schema.qualification_type.c, call.request
    is_own = columns.requester_id == call.requester_id
    statement = select(schema.qualification_type).where(columns.number > after).order_by(columns.number)
    if request.get("MustBeOwnedByCaller"):
        statement = statement.where(is_own)
    else:
        statement = statement.where(or_(is_own, columns.status == "Active"))
    if request["MustBeRequestable"]:
        statement = statement.where(columns.status == "Active")
    if "Query" in request:
        searched: Sequence[Any] = (columns.name, columns.description, columns.keywords)
        wanted = [column.icontains(request["Query"], autoescape=True) for column in searched]
        statement = statement.where(or_(*wanted))
    return statement


def _system_types(query: str) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for place, (type_id, texts) in enumerate(DESCRIPTIONS.items()):
        if query.casefold() in " ".join(texts).casefold():
            found.append((_BEHIND_ALL + place, _system_type(type_id)))
    return found


def _system_type(type_id: str) -> dict[str, Any]:
    name, description = next(texts for known, texts in DESCRIPTIONS.items() if known == type_id)
    return {
        "QualificationTypeId": str(type_id),
        "Name": name,
        "Description": description,
        "QualificationTypeStatus": "Active",
        "IsRequestable": False,
        "AutoGranted": False,
    }


def _shown(call: Call, row: Row[Any]) -> dict[str, Any]:
    shown = {
        "QualificationTypeId": row.qualification_type_id,
        "CreationTime": to_wire(row.created_at),
        "Name": row.name,
        "Description": row.description,
        "Keywords": row.keywords,
        "QualificationTypeStatus": row.status,
        "Test": row.test,
        "TestDurationInSeconds": row.test_duration_s,
        "AnswerKey": row.answer_key if row.requester_id == call.requester_id else None,
        "RetryDelayInSeconds": row.retry_delay_s,
        "IsRequestable": True,
        "AutoGranted": row.auto_granted_value is not None,
        "AutoGrantedValue": row.auto_granted_value,
    }
    return {name: value for name, value in shown.items() if value is not None}
