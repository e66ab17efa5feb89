"""HIT types: what is the same for a group of HITs. Equal values give the same type, however often they are sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.errors import does_not_exist
from pixelpatchwork.marketplace.fees import Cents
from pixelpatchwork.marketplace.operations.bounds import check_bounds, read_amount
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.requirements import check_requirements, types_exist

_DEFAULT_AUTO_APPROVAL_S = 2_592_000
_WITH_FINGERPRINT = select(schema.hit_type).where(
    schema.hit_type.c.requester_id == bindparam("requester_id"),
    schema.hit_type.c.fingerprint == bindparam("fingerprint"),
)


@dataclass(frozen=True, kw_only=True)
class HitType:
    """The parts of a HIT type that a new HIT needs. Money in cents; `requirements` as JSON."""

    hit_type_id: str
    group_id: str
    title: str
    description: str
    keywords: str | None
    reward: Cents
    duration_s: int
    auto_approval_s: int
    requirements: str


@operation("CreateHITType", writes=True)
def create_hit_type(call: Call) -> dict[str, Any]:
    """The id of the type with these values, a new one or the one that exists."""
    return {"HITTypeId": ensure_hit_type(call).hit_type_id}


def ensure_hit_type(call: Call) -> HitType:
    """Finds or makes the type that a CreateHITType or CreateHIT request describes."""
    values = _describe(call.request)
    check_requirements(call.moment, call.request.get("QualificationRequirements", ()))
    fingerprint = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    existing = _find_by_fingerprint(call, fingerprint)
    if existing is not None:
        return existing
    row = values | {
        "hit_type_id": call.moment.ids.mint(),
        "group_id": call.moment.ids.mint(),
        "requester_id": call.requester_id,
        "fingerprint": fingerprint,
        "created_at": call.moment.now,
    }
    return _insert(call, row)


def own_hit_type(call: Call, hit_type_id: str) -> HitType:
    """The requester's own HIT type, which goes with a qualification type that it needs. Raises HITTypeDoesNotExist."""
    columns = schema.hit_type.c
    row = call.moment.connection.execute(
        select(schema.hit_type).where(
            columns.hit_type_id == hit_type_id, columns.requester_id == call.requester_id
        )
    ).one_or_none()
    if row is None or not types_exist(call.moment, row.requirements):
        raise does_not_exist("HITType", hit_type_id)
    return _to_hit_type(row._mapping)


def _describe(request: Mapping[str, Any]) -> dict[str, Any]:
    check_bounds(request)
    return {
        "title": request["Title"],
        "description": request["Description"],
        "keywords": request.get("Keywords"),
        "reward_cents": read_amount("Reward", request["Reward"], least=0),
        "duration_s": request["AssignmentDurationInSeconds"],
        "auto_approval_s": request.get("AutoApprovalDelayInSeconds", _DEFAULT_AUTO_APPROVAL_S),
        "requirements": json.dumps(request.get("QualificationRequirements", []), sort_keys=True),
    }


def _find_by_fingerprint(call: Call, fingerprint: str) -> HitType | None:
    equal = {"requester_id": call.requester_id, "fingerprint": fingerprint}
    row = call.moment.connection.execute(_WITH_FINGERPRINT, equal).one_or_none()
    return None if row is None else _to_hit_type(row._mapping)


def _insert(call: Call, row: dict[str, Any]) -> HitType:
    try:
        with call.moment.connection.begin_nested():
            call.moment.connection.execute(insert(schema.hit_type), row)
    except IntegrityError:
        # Another process was quicker with the very same values.
        winner = _find_by_fingerprint(call, row["fingerprint"])
        if winner is None:
            raise
        return winner
    return _to_hit_type(row)


def _to_hit_type(row: Mapping[str, Any] | RowMapping) -> HitType:
    return HitType(
        hit_type_id=row["hit_type_id"],
        group_id=row["group_id"],
        title=row["title"],
        description=row["description"],
        keywords=row["keywords"],
        reward=row["reward_cents"],
        duration_s=row["duration_s"],
        auto_approval_s=row["auto_approval_s"],
        requirements=row["requirements"],
    )
