"""The signatures of recent API calls, so that none is taken twice: see `replays`. Rows live for a quarter of an hour.

`attempt` is what distinguishes calls with one signature: the hash of the SDK's headers for one attempt of one call,
or empty where a client sends none. `place 0`, `place 1` ... are the places that calls which spend have taken.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String

from pixelpatchwork.marketplace.schema import table

signature = table(
    "signature",
    Column("signature", String(64), primary_key=True),
    Column("attempt", String(64), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    Index("signature_seen", "seen_at"),
)
