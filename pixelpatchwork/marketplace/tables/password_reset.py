"""Links with which a worker may choose a new password: the hash of the newest one for each worker, until it is used.

Only whoever runs the marketplace makes one. A copy of this table opens nobody's account.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String

from pixelpatchwork.marketplace.schema import ID, table

password_reset = table(
    "password_reset",
    Column("worker_id", ID, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
)
