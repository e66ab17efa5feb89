"""The ledger's rows as whoever runs the marketplace reads them: chosen, in order, never all at once in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, select

from pixelpatchwork.marketplace.clock import Millis, to_datetime
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.ledger import available_account, held_account, worker_account
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.schema import ledger

_BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement of money, out of one account and into another."""

    number: int
    at: Millis
    kind: str
    from_account: str
    to_account: str
    cents: Cents
    hit_id: str | None
    assignment_id: str | None
    reference: str | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which entries: those of a requester, of a worker, of that time or later. None: whatever it is."""

    requester_id: str | None = None
    worker_id: str | None = None
    since: Millis | None = None


_COLUMNS = tuple(ledger.c[field.name] for field in fields(Entry))
HEADINGS = ("number", "at", "kind", "from", "to", "usd", "hit_id", "assignment_id", "reference")


def entries(moment: Moment, choice: Choice) -> Iterator[Entry]:
    """The entries of a choice, the oldest first."""
    conditions = _conditions(choice)
    after = 0
    while True:
        statement = select(*_COLUMNS).where(ledger.c.number > after, *conditions).order_by(ledger.c.number)
        rows = moment.connection.execute(statement.limit(_BATCH)).all()
        for row in rows:
            yield Entry(**row._mapping)
        if len(rows) < _BATCH:
            return
        after = rows[-1].number


def as_row(entry: Entry) -> Sequence[str]:
    """An entry as a line of a table with these `HEADINGS`: times in ISO 8601, money in USD."""
    return (
        str(entry.number),
        to_datetime(entry.at).isoformat(timespec="seconds"),
        entry.kind,
        entry.from_account,
        entry.to_account,
        format_usd(entry.cents),
        entry.hit_id or "",
        entry.assignment_id or "",
        entry.reference or "",
    )


def _conditions(choice: Choice) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if choice.requester_id is not None:
        conditions.append(_touches(available_account(choice.requester_id), held_account(choice.requester_id)))
    if choice.worker_id is not None:
        conditions.append(_touches(worker_account(choice.worker_id)))
    if choice.since is not None:
        conditions.append(ledger.c.at >= choice.since)
    return conditions


def _touches(*accounts: str) -> ColumnElement[bool]:
    return ledger.c.from_account.in_(accounts) | ledger.c.to_account.in_(accounts)
