"""Assignments: listed with their answers, approved, rejected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, bindparam, select, tuple_

from pixelpatchwork.marketplace import schema, verdicts
from pixelpatchwork.marketplace.errors import assignment_state
from pixelpatchwork.marketplace.operations import views
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.records import own_assignment, own_hit
from pixelpatchwork.marketplace.states import AssignmentStatus

_JUDGEABLE = (AssignmentStatus.SUBMITTED, AssignmentStatus.APPROVED, AssignmentStatus.REJECTED)
_columns = schema.assignment.c
# What is shown, and what paging and the owner's check need: PyMySQL reads each column of each row in Python.
_SHOWN: tuple[Column[Any], ...] = (
    *(_columns.assignment_id, _columns.worker_id, _columns.hit_id, _columns.status, _columns.feedback),
    *(_columns.accepted_at, _columns.deadline_at, _columns.submitted_at, _columns.auto_approval_at),
    *(_columns.approved_at, _columns.rejected_at, _columns.number, _columns.requester_id),
    schema.answer.c.answer,
)
_WITH_ANSWER = select(*_SHOWN).select_from(
    schema.assignment.join(schema.answer, _columns.assignment_id == schema.answer.c.assignment_id)
)
_ONE = _WITH_ANSWER.where(_columns.assignment_id == bindparam("assignment_id"))
_FIRST_PAGE = (
    _WITH_ANSWER.where(
        _columns.hit_id == bindparam("hit_id"),
        _columns.status.in_(bindparam("statuses", expanding=True)),
        _columns.submitted_at <= bindparam("until"),
    )
    .order_by(_columns.submitted_at, _columns.number)
    .limit(bindparam("most"))
)
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(_columns.submitted_at, _columns.number) > tuple_(bindparam("after_at"), bindparam("after_number"))
)


@operation("ListAssignmentsForHIT", writes=False)
def list_assignments(call: Call) -> dict[str, Any]:
    """Submitted, approved and rejected assignments in the order of their submission.

    In that order what comes in while a requester pages stands behind the page's token, never before it.
    """
    hit_id = call.request["HITId"]
    page = Page.of("ListAssignmentsForHIT", call.request, keys=2)
    wanted = {
        "hit_id": hit_id,
        "statuses": call.request.get("AssignmentStatuses") or [status.value for status in _JUDGEABLE],
        "until": call.moment.now - call.moment.lags.listing,
        "most": page.limit,
    }
    statement = _FIRST_PAGE
    if page.after is not None:
        statement = _NEXT_PAGE
        wanted["after_at"], wanted["after_number"] = page.after
    rows = call.moment.connection.execute(statement, wanted).all()
    # An assignment bears its HIT's requester, so only where none of his own is found the HIT itself must tell.
    if not rows or rows[0].requester_id != call.requester_id:
        own_hit(call.moment, call.requester_id, hit_id)
    cut = page.cut(rows, lambda row: (row.submitted_at, row.number))
    return cut.answer("Assignments", [views.assignment(row) for row in cut.rows])


@operation("GetAssignment", writes=False)
def get_assignment(call: Call) -> dict[str, Any]:
    """One assignment that was submitted, and its HIT."""
    assignment = own_assignment(call.moment, call.requester_id, call.request["AssignmentId"])
    if assignment.status not in _JUDGEABLE:
        raise assignment_state("Reviewable,Approved,Rejected")
    row = call.moment.connection.execute(_ONE, {"assignment_id": assignment.assignment_id}).one()
    hit = views.hit(call.moment, call.requester_id, assignment.hit.hit_id)
    return {"Assignment": views.assignment(row), "HIT": hit}


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
