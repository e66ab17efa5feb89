"""Invitations that were used. One that was not used leaves no row: its link carries its own signature and expiry.

The primary key is what makes an invitation good for one sign-up only.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String

from pixelpatchwork.marketplace.schema import ID, table

invitation = table(
    "invitation",
    Column("nonce", String(64), primary_key=True),
    Column("worker_id", ID, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
