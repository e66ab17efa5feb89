"""Workers: told something, barred, let in again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import messages, people, schema
from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError
from pixelpatchwork.marketplace.operations.bounds import check_bounds, require_reason
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.states import AssignmentStatus
from pixelpatchwork.marketplace.tables import qualification_request, worker_block

_MOST_NOTIFIED = 100
_MOST_BLOCKS = 100_000
_DECIDED = (AssignmentStatus.APPROVED.value, AssignmentStatus.REJECTED.value)


@operation("NotifyWorkers", writes=True)
def notify_workers(call: Call) -> dict[str, Any]:
    """A message to up to 100 workers whose work this requester has judged; whom it cannot reach comes back as data."""
    check_bounds(call.request)
    named = call.request["WorkerIds"]
    if not 1 <= len(named) <= _MOST_NOTIFIED:
        raise ParameterValidationError("WorkerIds", len(named), f"Name 1 to {_MOST_NOTIFIED} workers.")
    wanted = list(dict.fromkeys(named))
    subject, text = call.request["Subject"], call.request["MessageText"]
    judged = sorted(_judged(call, wanted))
    reached = set(messages.send(call.moment, call.requester_id, judged, subject=subject, text=text))
    failures = [_not_reached(worker_id) for worker_id in wanted if worker_id not in reached]
    return {"NotifyWorkersFailureStatuses": failures}


@operation("CreateWorkerBlock", writes=True)
def create_worker_block(call: Call) -> dict[str, Any]:
    """Bars a worker from this requester's HITs. Blocking him again changes the reason."""
    check_bounds(call.request)
    require_reason(call.request)
    worker_id, reason = call.request["WorkerId"], call.request["Reason"]
    _check_worker(call, worker_id)
    _check_room(call)
    key = {"requester_id": call.requester_id, "worker_id": worker_id}
    try:
        with call.moment.connection.begin_nested():
            row = key | {"reason": reason, "created_at": call.moment.now}
            call.moment.connection.execute(insert(worker_block), row)
    except IntegrityError:
        call.moment.connection.execute(
            update(worker_block).where(*_is(call.requester_id, worker_id)).values(reason=reason)
        )
    return {}


@operation("DeleteWorkerBlock", writes=True)
def delete_worker_block(call: Call) -> dict[str, Any]:
    """Lets a worker in again; one who was not blocked stays so."""
    check_bounds(call.request)
    worker_id = call.request["WorkerId"]
    _check_worker(call, worker_id)
    call.moment.connection.execute(delete(worker_block).where(*_is(call.requester_id, worker_id)))
    return {}


@operation("ListWorkerBlocks", writes=False)
def list_worker_blocks(call: Call) -> dict[str, Any]:
    """Whom this requester has barred, in the order in which he did."""
    page = Page.of("ListWorkerBlocks", call.request)
    columns = worker_block.c
    statement = (
        select(worker_block)
        .where(columns.requester_id == call.requester_id, columns.number > (page.after or (0,))[0])
        .order_by(columns.number)
        .limit(page.limit)
    )
    cut = page.cut(call.moment.connection.execute(statement).all(), lambda row: (row.number,))
    return cut.answer("WorkerBlocks", [{"WorkerId": row.worker_id, "Reason": row.reason} for row in cut.rows])


def has_dealt_with(call: Call, worker_id: str) -> bool:
    """True for a worker who has accepted a HIT of this requester, or asked for a qualification of his."""
    work, asked = schema.assignment.c, qualification_request.c
    ties = (
        select(literal(1)).where(work.worker_id == worker_id, work.requester_id == call.requester_id),
        select(literal(1)).where(asked.worker_id == worker_id, asked.requester_id == call.requester_id),
    )
    return any(call.moment.connection.execute(tie.limit(1)).scalar() for tie in ties)


def _judged(call: Call, worker_ids: Iterable[str]) -> set[str]:
    columns = schema.assignment.c
    statement = (
        select(columns.worker_id)
        .where(
            columns.worker_id.in_(list(worker_ids)),
            columns.requester_id == call.requester_id,
            columns.status.in_(_DECIDED),
        )
        .distinct()
    )
    return set(call.moment.connection.execute(statement).scalars())


def _not_reached(worker_id: str) -> dict[str, str]:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": "You have not approved or rejected any work of this worker, or he has left.",
        "WorkerId": worker_id,
    }


def _check_worker(call: Call, worker_id: str) -> None:
    if not people.is_known(call.moment, worker_id):
        raise ParameterValidationError("WorkerId", worker_id, "WorkerId is invalid.")


def _check_room(call: Call) -> None:
    columns = worker_block.c
    counted = select(func.count()).where(columns.requester_id == call.requester_id)
    if call.moment.connection.execute(counted).scalar_one() >= _MOST_BLOCKS:
        raise RequestError("TooManyWorkerBlocks", f"A requester can block up to {_MOST_BLOCKS} workers.")


def _is(requester_id: str, worker_id: str) -> tuple[Any, Any]:
    return worker_block.c.requester_id == requester_id, worker_block.c.worker_id == worker_id
