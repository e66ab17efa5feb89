"""What each worker is owed in real money, and the note that it was paid.

The marketplace moves no real money. Whoever runs it pays people through a recruiting panel's bulk bonuses, by bank or
in cash, and notes it here: a payout is one more movement of the ledger, out of the worker's account. So what a worker
is owed is his account's balance, and nothing that was noted as paid can be listed again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.audit import account_balances
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.ledger import OUTSIDE, worker_account
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.tables import participant
from pixelpatchwork.marketplace.timekeeping import OFFSET

_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True, kw_only=True)
class Due:
    """What one worker is owed. `external_id` is how a recruiting panel knows him; None: he came by himself."""

    worker_id: str
    name: str
    external_id: str | None
    cents: Cents

    @property
    def payee(self) -> str:
        """What a payout's line calls him: the panel's id, else his name."""
        if self.external_id is not None:
            return self.external_id
        # A name is whatever somebody typed; a spreadsheet must not take it for a formula.
        return f"'{self.name}" if self.name.startswith(_FORMULA_STARTS) else self.name


def due(moment: Moment, *, panel: str | None) -> Sequence[Due]:
    """Which participants of `panel` are owed something, the largest sum first; None: who came by himself.

    Two payouts at once wait for each other, so that they cannot list the same sums.
    """
    lock = select(schema.setting.c.value).where(schema.setting.c.name == OFFSET).with_for_update()
    moment.connection.execute(lock).all()
    workers = schema.worker.c
    statement = select(workers.worker_id, workers.name, participant.c.external_id).select_from(
        schema.worker.outerjoin(participant, participant.c.worker_id == workers.worker_id)
    )
    # Without a value this reads IS NULL: no panel. Who was erased can no longer be paid.
    statement = statement.where(participant.c.panel == panel, workers.erased_at.is_(None))
    balances = account_balances(moment.connection)
    owed = [
        Due(**row._mapping, cents=balances.get(worker_account(row.worker_id), 0))
        for row in moment.connection.execute(statement)
    ]
    return sorted((one for one in owed if one.cents > 0), key=lambda one: (-one.cents, one.payee))


def panels(moment: Moment) -> frozenset[str]:
    """The panels from which somebody came."""
    found = moment.connection.execute(select(participant.c.panel).distinct()).scalars()
    return frozenset(name for name in found if name is not None)


def as_csv(dues: Sequence[Due]) -> str:
    """`participant_id,amount` lines without a heading, as Prolific's bulk bonus payment takes them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((one.payee, format_usd(one.cents)) for one in dues)
    return text.getvalue()


def mark_paid(moment: Moment, dues: Sequence[Due]) -> None:
    """Notes that these sums, read in this very transaction, were paid."""
    rows = [
        {
            "at": moment.now,
            "kind": "payout",
            "from_account": worker_account(one.worker_id),
            "to_account": OUTSIDE,
            "cents": one.cents,
        }
        for one in dues
    ]
    if rows:
        moment.connection.execute(insert(schema.ledger), rows)
