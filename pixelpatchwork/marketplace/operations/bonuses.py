"""Bonuses: paid at once, to the worker who did the assignment, and listed for those who must know what was paid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from pixelpatchwork.marketplace import ledger, schema, tokens
from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError, already_processed
from pixelpatchwork.marketplace.fees import bonus_fee, format_usd
from pixelpatchwork.marketplace.operations.bounds import check_bounds, read_amount, require_reason
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.records import own_assignment, own_hit


@operation("SendBonus", writes=True)
def send_bonus(call: Call) -> dict[str, Any]:
    """Pays a bonus out of the available balance. A repeated token within 24 hours pays nothing and is refused."""
    check_bounds(call.request)
    require_reason(call.request)
    moment, request = call.moment, call.request
    cents = read_amount("BonusAmount", request["BonusAmount"], least=1)
    assignment = own_assignment(moment, call.requester_id, request["AssignmentId"])
    if assignment.worker_id != request["WorkerId"] or assignment.submitted_at is None:
        raise RequestError(
            "WorkerDoesNotMatchAssignment",
            f"Assignment {assignment.assignment_id} was not submitted by this worker.",
        )
    token = request.get("UniqueRequestToken")
    if token and tokens.claim(moment, call.requester_id, "SendBonus", token, assignment.assignment_id):
        raise already_processed(token)
    cause = assignment.hit.cause(moment.now, assignment.assignment_id)
    ledger.pay_bonus(moment.connection, cause, assignment.worker_id, bonus=cents, fee=bonus_fee(cents))
    row = {
        "requester_id": call.requester_id,
        "worker_id": assignment.worker_id,
        "hit_id": assignment.hit.hit_id,
        "assignment_id": assignment.assignment_id,
        "cents": cents,
        "reason": request["Reason"],
        "granted_at": moment.now,
    }
    moment.connection.execute(insert(schema.bonus), row)
    return {}


@operation("ListBonusPayments", writes=False)
def list_bonus_payments(call: Call) -> dict[str, Any]:
    """The bonuses of a HIT or of one assignment, in the order in which they were paid."""
    columns = schema.bonus.c
    request = call.request
    if "AssignmentId" in request:
        found = own_assignment(call.moment, call.requester_id, request["AssignmentId"])
        condition = columns.assignment_id == found.assignment_id
    elif "HITId" in request:
        condition = columns.hit_id == own_hit(call.moment, call.requester_id, request["HITId"]).hit_id
    else:
        raise ParameterValidationError("HITId", "null", "Name a HITId or an AssignmentId.")
    page = Page.of("ListBonusPayments", request)
    statement = select(schema.bonus).where(condition, columns.number > (page.after or (0,))[0])
    rows = call.moment.connection.execute(statement.order_by(columns.number).limit(page.limit)).all()
    cut = page.cut(rows, lambda row: (row.number,))
    shown = [
        {
            "WorkerId": row.worker_id,
            "BonusAmount": format_usd(row.cents),
            "AssignmentId": row.assignment_id,
            "Reason": row.reason,
            "GrantTime": to_wire(row.granted_at),
        }
        for row in cut.rows
    ]
    return cut.answer("BonusPayments", shown)
