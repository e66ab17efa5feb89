"""What a worker is told: by a requester (NotifyWorkers), or because a qualification of his changed.

There is no e-mail: a worker reads his messages on the site, and nobody learns his address.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, SERIAL, table

message = table(
    "message",
    Column("message_id", SERIAL, primary_key=True, autoincrement=True),
    Column("worker_id", ID, nullable=False),
    Column("requester_id", ID, nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", LONG_TEXT, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Index("message_of_worker", "worker_id", "message_id"),
)
