"""Whom a requester has barred from his HITs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, SERIAL, table

worker_block = table(
    "worker_block",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("requester_id", "worker_id"),
    Index("worker_block_of_requester", "requester_id", "number"),
)
