"""Does the money add up? Every sum that the tables keep is computed again from the ledger's rows.

A row moves its cents out of one account and into another, so the ledger as a whole always balances; what could go
wrong is that the balances kept beside it, or the deeds it pays for, tell another story.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, func, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.ledger import available_account, held_account


def audit(connection: Connection) -> Iterator[str]:
    """Yields one sentence for each thing that does not add up: none where all is well."""
    balances = account_balances(connection)
    yield from _wrong_rows(connection)
    yield from _wrong_balances(connection, balances)
    yield from _wrong_totals(connection)
    yield from _wrong_rewards(connection)


def account_balances(connection: Connection) -> Mapping[str, Cents]:
    """What each account holds, by the ledger's rows. Money that came from outside counts there as negative."""
    columns = schema.ledger.c
    balances: dict[str, Cents] = defaultdict(int)
    for account, sign in ((columns.to_account, 1), (columns.from_account, -1)):
        statement = select(account, func.sum(columns.cents)).group_by(account)
        for name, cents in connection.execute(statement):
            balances[name] += sign * int(cents)
    return balances


def _wrong_rows(connection: Connection) -> Iterator[str]:
    columns = schema.ledger.c
    bad = (columns.cents < 0) | (columns.from_account == columns.to_account)
    for number in connection.execute(select(columns.number).where(bad).order_by(columns.number)).scalars():
        yield f"Row {number} of the ledger moves no money from one account to another."


def _wrong_balances(connection: Connection, balances: Mapping[str, Cents]) -> Iterator[str]:
    promised = _promised(connection)
    for row in connection.execute(select(schema.requester).order_by(schema.requester.c.requester_id)):
        kept = {
            "available": (row.available_cents, balances.get(available_account(row.requester_id), 0)),
            "held": (row.held_cents, balances.get(held_account(row.requester_id), 0)),
            "held for HITs": (promised.get(row.requester_id, 0), row.held_cents),
        }
        for what, (found, right) in kept.items():
            if found != right:
                yield (
                    f"Requester {row.name}: {format_usd(found)} USD {what}, "
                    f"where the ledger has {format_usd(right)}."
                )
        if row.available_cents < 0:
            yield f"Requester {row.name} is overdrawn."


def _promised(connection: Connection) -> Mapping[str, Cents]:
    """What each requester's HITs may still cost."""
    columns = schema.hit.c
    cost = func.sum(columns.held_slots * (columns.reward_cents + columns.fee_cents))
    statement = select(columns.requester_id, cost).group_by(columns.requester_id)
    return {requester_id: int(cents) for requester_id, cents in connection.execute(statement)}


def _wrong_totals(connection: Connection) -> Iterator[str]:
    """Rewards and bonuses as paid, against the assignments and bonuses that were to be paid."""
    columns = schema.ledger.c
    statement = select(columns.kind, func.sum(columns.cents)).group_by(columns.kind)
    paid = {kind: int(cents) for kind, cents in connection.execute(statement)}
    approved = select(func.coalesce(func.sum(schema.assignment.c.reward_cents), 0)).where(
        schema.assignment.c.status == "Approved"
    )
    granted = select(func.coalesce(func.sum(schema.bonus.c.cents), 0))
    for kind, due in (("reward", approved), ("bonus", granted)):
        right = int(connection.execute(due).scalar_one())
        if paid.get(kind, 0) != right:
            yield f"{format_usd(paid.get(kind, 0))} USD were paid as {kind}, where {format_usd(right)} were due."


def _wrong_rewards(connection: Connection) -> Iterator[str]:
    """Each assignment on its own: one paid twice and another not at all make the right total."""
    rows, deeds = schema.ledger.c, schema.assignment.c
    paid_for_each = (
        select(rows.assignment_id, func.sum(rows.cents))
        .where(rows.kind == "reward")
        .group_by(rows.assignment_id)
    )
    approved = select(deeds.assignment_id, deeds.reward_cents).where(deeds.status == "Approved")
    paid = {str(assignment_id): int(cents) for assignment_id, cents in connection.execute(paid_for_each)}
    due = {str(assignment_id): int(cents) for assignment_id, cents in connection.execute(approved)}
    for assignment_id in sorted(paid.keys() | due.keys()):
        found, right = paid.get(assignment_id, 0), due.get(assignment_id, 0)
        if found != right:
            yield (
                f"Assignment {assignment_id}: {format_usd(found)} USD were paid as reward, "
                f"where {format_usd(right)} were due."
            )
