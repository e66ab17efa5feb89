"""Requesters' access keys. The secret that belongs to one is derived, never stored: see `requesters`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String

from pixelpatchwork.marketplace.schema import ID, table

access_key = table(
    "access_key",
    Column("key_id", String(32), primary_key=True),
    Column("requester_id", ID, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("access_key_of_requester", "requester_id"),
)
