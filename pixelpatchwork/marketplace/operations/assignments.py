"""Assignments: listed with their answers, approved, rejected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, tuple_

from pixelpatchwork.marketplace import schema, verdicts
from pixelpatchwork.marketplace.errors import assignment_state
from pixelpatchwork.marketplace.operations import views
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.records import own_assignment, own_hit
from pixelpatchwork.marketplace.states import AssignmentStatus

_JUDGEABLE = (AssignmentStatus.SUBMITTED, AssignmentStatus.APPROVED, AssignmentStatus.REJECTED)
_WITH_ANSWER = select(schema.assignment, schema.answer.c.answer).select_from(
    schema.assignment.join(schema.answer, schema.assignment.c.assignment_id == schema.answer.c.assignment_id)
)


@operation("ListAssignmentsForHIT", writes=False)
def list_assignments(call: Call) -> dict[str, Any]:
    """Submitted, approved and rejected assignments in the order of their submission.

    In that order what comes in while a requester pages stands behind the page's token, never before it.
    """
    hit = own_hit(call.moment, call.requester_id, call.request["HITId"])
    page = Page.of("ListAssignmentsForHIT", call.request, keys=2)
    columns = schema.assignment.c
    statuses = call.request.get("AssignmentStatuses") or [status.value for status in _JUDGEABLE]
    statement = _WITH_ANSWER.where(
        columns.hit_id == hit.hit_id,
        columns.status.in_(statuses),
        columns.submitted_at <= call.moment.now - call.moment.lags.listing,
    )
    if page.after is not None:
        statement = statement.where(tuple_(columns.submitted_at, columns.number) > page.after)
    ordered = statement.order_by(columns.submitted_at, columns.number).limit(page.limit)
    cut = page.cut(call.moment.connection.execute(ordered).all(), lambda row: (row.submitted_at, row.number))
    return cut.answer("Assignments", [views.assignment(row) for row in cut.rows])


@operation("GetAssignment", writes=False)
def get_assignment(call: Call) -> dict[str, Any]:
    """One assignment that was submitted, and its HIT."""
    assignment = own_assignment(call.moment, call.requester_id, call.request["AssignmentId"])
    if assignment.status not in _JUDGEABLE:
        raise assignment_state("Reviewable,Approved,Rejected")
    row = call.moment.connection.execute(
        _WITH_ANSWER.where(schema.assignment.c.assignment_id == assignment.assignment_id)
    ).one()
    return {"Assignment": views.assignment(row), "HIT": views.hit(call.moment, assignment.hit.hit_id)}


@operation("ApproveAssignment", writes=True)
def approve_assignment(call: Call) -> dict[str, Any]:
    """Approves and pays; with `OverrideRejection` also what was rejected within the last 30 days."""
    check_bounds(call.request)
    assignment = own_assignment(call.moment, call.requester_id, call.request["AssignmentId"], lock=True)
    verdicts.require_judgeable(call.moment, assignment)
    feedback = call.request.get("RequesterFeedback")
    if call.request.get("OverrideRejection") and assignment.status is AssignmentStatus.REJECTED:
        verdicts.override_rejection(call.moment, assignment, feedback=feedback)
    else:
        verdicts.approve(call.moment, assignment, at=call.moment.now, feedback=feedback)
    return {}


@operation("RejectAssignment", writes=True)
def reject_assignment(call: Call) -> dict[str, Any]:
    """Rejects; nothing is paid."""
    check_bounds(call.request)
    assignment = own_assignment(call.moment, call.requester_id, call.request["AssignmentId"], lock=True)
    verdicts.require_judgeable(call.moment, assignment)
    verdicts.reject(call.moment, assignment, feedback=call.request["RequesterFeedback"])
    return {}
