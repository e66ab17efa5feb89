"""Workers as whoever runs the marketplace deals with them: finding one, suspending him, erasing him.

A suspended worker is signed out everywhere, and what he was at work on is given back, so that others can do it at
once. What he handed in before stays handed in, is judged, and is paid. Erasing is suspending for good and forgetting
who it was: his worker id stays as a pseudonym, so that the ledger still balances and requesters' books stay whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, case, delete, func, or_, select, update

from pixelpatchwork.marketplace import ledger, people, schema, verdicts
from pixelpatchwork.marketplace.audit import account_balances
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.ledger import worker_account
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.records import find_assignment
from pixelpatchwork.marketplace.states import AssignmentStatus
from pixelpatchwork.marketplace.tables import credential, message, participant, password_reset

ERASED_NAME = "(erased)"
_PERSONAL = (credential, participant, password_reset, message)


class WorkerError(Exception):
    """What was asked of a worker cannot be done; the text says why and what to do."""


class WorkerState(StrEnum):
    """Whether a worker can work."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ERASED = "erased"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker. `panel` and `external_id`: whence he came and what he is called there; None: he came by himself."""

    worker_id: str
    name: str
    panel: str | None
    external_id: str | None
    state: WorkerState
    signed_up_at: Millis
    suspended_at: Millis | None
    country: str | None
    has_password: bool
    owed: Cents


@dataclass(frozen=True, kw_only=True)
class Record:
    """A worker and what he has done. `assignments` counts them by status; `messages` are those that he was sent."""

    worker: Worker
    assignments: Mapping[str, int]
    earned: Cents
    messages: int


def every(moment: Moment, *, find: str | None = None, panel: str | None = None) -> Sequence[Worker]:
    """All workers, the oldest first, or those of a panel, or those whose name or panel's id contains `find`."""
    columns = schema.worker.c
    statement = _workers().order_by(columns.created_at, columns.worker_id)
    if find is not None:
        named = (columns.name.icontains(find, autoescape=True), columns.worker_id == find)
        statement = statement.where(or_(*named, participant.c.external_id.icontains(find, autoescape=True)))
    if panel is not None:
        statement = statement.where(participant.c.panel == panel)
    balances = account_balances(moment.connection)
    return [
        _to_worker(row, balances.get(worker_account(row.worker_id), 0))
        for row in moment.connection.execute(statement)
    ]


def by_id(moment: Moment, worker_id: str, *, lock: bool = False) -> Worker:
    """The worker of that id; his row is locked where asked for. Raises WorkerError."""
    if lock:
        columns = schema.worker.c
        moment.connection.execute(
            select(columns.worker_id).where(columns.worker_id == worker_id).with_for_update()
        ).all()
    found = moment.connection.execute(_workers().where(schema.worker.c.worker_id == worker_id)).one_or_none()
    if found is None:
        raise WorkerError("No worker of this id has signed up. See: ppw marketplace worker list")
    return _to_worker(found, ledger.balance(moment.connection, worker_account(worker_id)))


def record(moment: Moment, worker_id: str) -> Record:
    """A worker and what he has done. Raises WorkerError."""
    worker = by_id(moment, worker_id)
    columns, rows = schema.assignment.c, schema.ledger.c
    counted = (
        select(columns.status, func.count()).where(columns.worker_id == worker_id).group_by(columns.status)
    )
    earned = select(func.coalesce(func.sum(rows.cents), 0)).where(
        rows.to_account == worker_account(worker_id)
    )
    sent = select(func.count()).where(message.c.worker_id == worker_id)
    return Record(
        worker=worker,
        assignments={status: int(count) for status, count in moment.connection.execute(counted)},
        earned=int(moment.connection.execute(earned).scalar_one()),
        messages=int(moment.connection.execute(sent).scalar_one()),
    )


def suspend(moment: Moment, worker_id: str) -> int:
    """Signs a worker out everywhere and keeps him from coming in; gives back what he was at work on.

    Gives how many assignments that were: they are returned, not abandoned, for no time ran out. Suspending him again
    changes nothing. Raises WorkerError where there is no such worker.
    """
    if by_id(moment, worker_id, lock=True).state is not WorkerState.ACTIVE:
        return 0
    _mark(moment, worker_id, suspended_at=moment.now)
    people.end_sessions(moment, worker_id)
    return _give_back(moment, worker_id)


def reinstate(moment: Moment, worker_id: str) -> None:
    """Lets a suspended worker come in again; his earlier sessions stay ended. Raises WorkerError."""
    if by_id(moment, worker_id, lock=True).state is WorkerState.ERASED:
        raise WorkerError("This worker was erased: nobody can say any more whose account that was.")
    _mark(moment, worker_id, suspended_at=None)


def erase(moment: Moment, worker_id: str, *, unpaid: bool = False) -> None:
    """Forgets who a worker was: name, panel and id there, password, country, and the messages that he was sent.

    What stays is his worker id with answers, payments and qualifications, which belong to requesters' books too.
    Raises WorkerError, and where he is owed money, or may yet be, unless `unpaid`: nobody could tell whom to pay.
    """
    worker = by_id(moment, worker_id, lock=True)
    if worker.state is WorkerState.ERASED:
        return
    suspend(moment, worker_id)
    if not unpaid:
        _require_paid(moment, worker)
    for table in _PERSONAL:
        moment.connection.execute(delete(table).where(table.c.worker_id == worker_id))
    _mark(moment, worker_id, name=ERASED_NAME, country=None, subdivision=None, erased_at=moment.now)


def _require_paid(moment: Moment, worker: Worker) -> None:
    columns = schema.assignment.c
    waiting = select(func.count()).where(
        columns.worker_id == worker.worker_id, columns.status == AssignmentStatus.SUBMITTED.value
    )
    count = int(moment.connection.execute(waiting).scalar_one())
    if worker.owed or count:
        raise WorkerError(
            f"This worker is owed {format_usd(worker.owed)} USD, and {count} of his answers wait for a decision. Once "
            "he is erased nobody can tell whom to pay. Pay him first (ppw marketplace payouts), or add --unpaid."
        )


def _give_back(moment: Moment, worker_id: str) -> int:
    columns = schema.assignment.c
    at_work = select(columns.assignment_id).where(
        columns.worker_id == worker_id, columns.status == AssignmentStatus.ACCEPTED.value
    )
    count = 0
    for assignment_id in moment.connection.execute(at_work).scalars().all():
        assignment = find_assignment(moment, assignment_id, lock=True)
        if assignment is not None and assignment.status is AssignmentStatus.ACCEPTED:
            verdicts.give_back(moment, assignment, AssignmentStatus.RETURNED)
            count += 1
    return count


def _mark(moment: Moment, worker_id: str, **values: Any) -> None:
    statement = update(schema.worker).where(schema.worker.c.worker_id == worker_id)
    moment.connection.execute(statement.values(**values))


def _workers() -> Select[Any]:
    columns = schema.worker.c
    state = case(
        (columns.erased_at.is_not(None), WorkerState.ERASED.value),
        (columns.suspended_at.is_not(None), WorkerState.SUSPENDED.value),
        else_=WorkerState.ACTIVE.value,
    )
    joined = schema.worker.outerjoin(participant, participant.c.worker_id == columns.worker_id).outerjoin(
        credential, credential.c.worker_id == columns.worker_id
    )
    return select(
        columns.worker_id,
        columns.name,
        columns.country,
        columns.created_at.label("signed_up_at"),
        columns.suspended_at,
        participant.c.panel,
        participant.c.external_id,
        credential.c.set_at.is_not(None).label("has_password"),
        state.label("state"),
    ).select_from(joined)


def _to_worker(row: Row[Any], owed: Cents) -> Worker:
    return Worker(**row._asdict() | {"state": WorkerState(row.state)}, owed=owed)
