"""How often something was tried lately, counted where every process of the marketplace sees it.

One row for each window of time and each keyed hash of who tried what; names and addresses themselves are not kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String

from pixelpatchwork.marketplace.schema import table

attempt = table(
    "attempt",
    Column("who", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("attempt_ends", "ends_at"),
)
