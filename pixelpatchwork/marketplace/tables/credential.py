"""How a worker proves that a name is his: the salted scrypt hash of a password, where the marketplace asks for one."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String

from pixelpatchwork.marketplace.schema import ID, table

credential = table(
    "credential",
    Column("worker_id", ID, primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
