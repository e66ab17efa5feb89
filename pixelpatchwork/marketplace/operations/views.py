"""HITs and assignments as the API shows them: its names, its units, absent members left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, RowMapping, bindparam, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import does_not_exist
from pixelpatchwork.marketplace.fees import format_usd
from pixelpatchwork.marketplace.records import Moment

# Columns that nobody is shown stay out: PyMySQL reads each one in Python.
_UNSHOWN = frozenset(["number", "fee_cents", "held_slots", "reviewing", "disposed", "due_at", "fingerprint"])
_HITS = (
    select(
        *(column for column in schema.hit.c if column.name not in _UNSHOWN),
        *(column for column in schema.hit_type.c if column.name not in {*schema.hit.c.keys(), *_UNSHOWN}),
        schema.hit_question.c.question,
    )
    .select_from(
        schema.hit.join(schema.hit_type, schema.hit.c.hit_type_id == schema.hit_type.c.hit_type_id).join(
            schema.hit_question, schema.hit.c.hit_id == schema.hit_question.c.hit_id
        )
    )
    .order_by(schema.hit.c.number.desc())
)
_HIT = _HITS.where(schema.hit.c.hit_id == bindparam("hit_id"))


def hit(moment: Moment, requester_id: str, hit_id: str) -> dict[str, Any]:
    """One HIT of the requester's own; another's does not exist for him. Raises HITDoesNotExist."""
    row = moment.connection.execute(_HIT, {"hit_id": hit_id}).one_or_none()
    if row is None or row.requester_id != requester_id:
        raise does_not_exist("HIT", hit_id)
    return hit_members(row._mapping)


def hits(moment: Moment, hit_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Several HITs, newest first, in one statement."""
    if not hit_ids:
        return []
    rows = moment.connection.execute(_HITS.where(schema.hit.c.hit_id.in_(hit_ids)))
    return [hit_members(row._mapping) for row in rows]


def assignment(row: Row[Any]) -> dict[str, Any]:
    """A row of `assignment` joined with `answer`."""
    shown = {
        "AssignmentId": row.assignment_id,
        "WorkerId": row.worker_id,
        "HITId": row.hit_id,
        "AssignmentStatus": row.status,
        "AutoApprovalTime": row.auto_approval_at,
        "AcceptTime": row.accepted_at,
        "SubmitTime": row.submitted_at,
        "ApprovalTime": row.approved_at,
        "RejectionTime": row.rejected_at,
        "Deadline": row.deadline_at,
        "Answer": row.answer,
        "RequesterFeedback": row.feedback,
    }
    return _present(shown)


def hit_members(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    """The columns of a HIT, of its type and its question, as the API shows them."""
    shown = {
        "HITId": row["hit_id"],
        "HITTypeId": row["hit_type_id"],
        "HITGroupId": row["group_id"],
        "CreationTime": row["created_at"],
        "Title": row["title"],
        "Description": row["description"],
        "Question": row["question"],
        "Keywords": row["keywords"],
        "HITStatus": row["status"],
        "MaxAssignments": row["max_assignments"],
        "Reward": format_usd(row["reward_cents"]),
        "AutoApprovalDelayInSeconds": row["auto_approval_s"],
        "Expiration": row["expires_at"],
        "AssignmentDurationInSeconds": row["duration_s"],
        "RequesterAnnotation": row["annotation"],
        "QualificationRequirements": json.loads(row["requirements"]),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": row["pending"],
        "NumberOfAssignmentsAvailable": row["available"],
        "NumberOfAssignmentsCompleted": row["completed"],
    }
    return _present(shown)


_INSTANTS = frozenset(
    [
        *("CreationTime", "Expiration", "AutoApprovalTime", "AcceptTime"),
        *("SubmitTime", "ApprovalTime", "RejectionTime", "Deadline"),
    ]
)


def _present(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        name: to_wire(value) if name in _INSTANTS else value
        for name, value in shown.items()
        if value is not None
    }
