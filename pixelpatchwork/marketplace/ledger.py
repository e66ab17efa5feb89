"""The money: every movement is one row of an append-only ledger, out of one account and into another.

Accounts are `outside` (where prepaid balance comes from, and where it and payouts go), `available:<requester>`,
`held:<requester>` (promised to HITs that run), `worker:<worker id>` and `fees`. A requester's two balances are kept
beside the ledger and change in the same transaction; `audit` computes them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, bindparam, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.errors import insufficient_funds
from pixelpatchwork.marketplace.fees import Cents

OUTSIDE = "outside"
"""Where prepaid money comes from and payouts go."""
WITHDRAWAL = "withdraw"
_FEES = "fees"

_available: BindParameter[int] = bindparam("available")
_held: BindParameter[int] = bindparam("held")
# The condition makes an overdraft impossible however many try at once.
_CHANGE = (
    update(schema.requester)
    .where(
        schema.requester.c.requester_id == bindparam("whose"),
        schema.requester.c.available_cents >= -_available,
    )
    .values(
        available_cents=schema.requester.c.available_cents + _available,
        held_cents=schema.requester.c.held_cents + _held,
    )
)
_INSERT = insert(schema.ledger)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a movement of money is for."""

    at: Millis
    requester_id: str
    hit_id: str | None = None
    assignment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Movement:
    kind: str
    source: str
    target: str
    cents: Cents
    once: str | None = None
    reference: str | None = None


def available_account(requester_id: str) -> str:
    """The account of money that a requester may still promise."""
    return f"available:{requester_id}"


def held_account(requester_id: str) -> str:
    """The account of money promised to HITs."""
    return f"held:{requester_id}"


def worker_account(worker_id: str) -> str:
    """The account of what a worker has earned."""
    return f"worker:{worker_id}"


def open_account(connection: Connection, cause: Cause, name: str, cents: Cents) -> bool:
    """Opens a requester's account, with prepaid money in it; False where there is one of that id already."""
    row = {
        "requester_id": cause.requester_id,
        "name": name,
        "available_cents": 0,
        "held_cents": 0,
        "created_at": cause.at,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(schema.requester), row)
    except IntegrityError:
        return False
    if cents:
        prepay(connection, cause, cents)
    return True


def prepay(connection: Connection, cause: Cause, cents: Cents) -> None:
    """Money comes in."""
    _change(connection, cause, available=cents, held=0)
    movement = _Movement(
        kind="prepay", source=OUTSIDE, target=available_account(cause.requester_id), cents=cents
    )
    _write(connection, cause, [movement])


def hold(connection: Connection, cause: Cause, cents: Cents) -> None:
    """Promises `cents` to a HIT, or takes the promise back where negative. Raises InsufficientFunds."""
    if cents == 0:
        return
    _change(connection, cause, available=-cents, held=cents)
    available, held = available_account(cause.requester_id), held_account(cause.requester_id)
    kind, source, target = ("hold", available, held) if cents > 0 else ("release", held, available)
    _write(connection, cause, [_Movement(kind=kind, source=source, target=target, cents=abs(cents))])


def pay_reward(
    connection: Connection, cause: Cause, worker_id: str, *, reward: Cents, fee: Cents, from_held: bool
) -> None:
    """Pays an approved assignment. Raises InsufficientFunds where the money was not held and is not there.

    Raises IntegrityError where it is paid already: whatever the states say, the tables take one reward for each.
    """
    total = reward + fee
    if from_held:
        _change(connection, cause, available=0, held=-total)
        source = held_account(cause.requester_id)
    else:
        _change(connection, cause, available=-total, held=0)
        source = available_account(cause.requester_id)
    to_worker = _Movement(
        kind="reward",
        source=source,
        target=worker_account(worker_id),
        cents=reward,
        once=f"reward:{cause.assignment_id}",
    )
    _write(connection, cause, [to_worker, _fee(source, fee)])


def pay_bonus(connection: Connection, cause: Cause, worker_id: str, *, bonus: Cents, fee: Cents) -> None:
    """Pays a bonus and its fee out of the available balance. Raises InsufficientFunds."""
    _change(connection, cause, available=-(bonus + fee), held=0)
    source = available_account(cause.requester_id)
    to_worker = _Movement(kind="bonus", source=source, target=worker_account(worker_id), cents=bonus)
    _write(connection, cause, [to_worker, _fee(source, fee)])


def withdraw(connection: Connection, cause: Cause, cents: Cents, reference: str | None) -> None:
    """Prepaid money goes out again. Raises InsufficientFunds where it is not there, or is promised to HITs.

    Raises IntegrityError where this requester has a withdrawal of that reference already.
    """
    _change(connection, cause, available=-cents, held=0)
    movement = _Movement(
        kind=WITHDRAWAL,
        source=available_account(cause.requester_id),
        target=OUTSIDE,
        cents=cents,
        once=None if reference is None else once_withdrawn(cause.requester_id, reference),
        reference=reference,
    )
    _write(connection, cause, [movement])


def once_withdrawn(requester_id: str, reference: str) -> str:
    """What no two withdrawals may both do: of whatever length the reference is, it fits into its column."""
    digest = hashlib.sha256(f"{requester_id}:{reference}".encode("utf-8", "replace")).hexdigest()
    return f"{WITHDRAWAL}:{digest}"


def balance(connection: Connection, account: str) -> Cents:
    """What an account holds, as the ledger's rows add up."""
    columns = schema.ledger.c
    signed = case((columns.to_account == account, columns.cents), else_=-columns.cents)
    statement = select(func.coalesce(func.sum(signed), 0)).where(
        or_(columns.to_account == account, columns.from_account == account)
    )
    return int(connection.execute(statement).scalar_one())


def _fee(source: str, cents: Cents) -> _Movement:
    return _Movement(kind="fee", source=source, target=_FEES, cents=cents)


def _change(connection: Connection, cause: Cause, *, available: Cents, held: Cents) -> None:
    """Moves the two balances."""
    changes = {"whose": cause.requester_id, "available": available, "held": held}
    if connection.execute(_CHANGE, changes).rowcount != 1:
        raise insufficient_funds()


def _write(connection: Connection, cause: Cause, movements: Sequence[_Movement]) -> None:
    rows = [
        {
            "at": cause.at,
            "kind": movement.kind,
            "from_account": movement.source,
            "to_account": movement.target,
            "cents": movement.cents,
            "hit_id": cause.hit_id,
            "assignment_id": cause.assignment_id,
            "once": movement.once,
            "reference": movement.reference,
        }
        for movement in movements
    ]
    connection.execute(_INSERT, rows)
