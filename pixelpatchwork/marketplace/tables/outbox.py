"""Notifications that still have to reach a requester's queue or topic.

A row is one message, its body complete: whoever sends it, and however often, sends the same `EventDocId`. It is
written in the transaction of the event and deleted once it was sent. `next_try_at` (by the true time of day, not by
a clock that a rehearsal may move) is also the lease of the process that is sending it; null: given up.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, SERIAL, table

outbox = table(
    "outbox",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", ID, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("destination", String(1024), nullable=False),
    Column("body", LONG_TEXT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", BigInteger),
    Column("last_error", String(128)),
    Index("outbox_due", "next_try_at", "number"),
)
