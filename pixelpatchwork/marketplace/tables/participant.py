"""Who came from where: a worker whom a recruiting panel sent, under the id that the panel knows him by.

The unique keys make a returning participant the same worker, however many of his requests arrive at once.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, UniqueConstraint

from pixelpatchwork.marketplace.schema import ID, table

participant = table(
    "participant",
    Column("worker_id", ID, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    UniqueConstraint("panel", "external_id"),
)
