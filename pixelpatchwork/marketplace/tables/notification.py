"""Where the events of a HIT type are sent: one specification a type, as UpdateNotificationSettings takes it.

`event_types` is a JSON array of the API's names.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, String

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, table

notification = table(
    "notification",
    Column("hit_type_id", ID, primary_key=True),
    Column("requester_id", ID, nullable=False),
    Column("destination", String(1024), nullable=False),
    Column("transport", String(8), nullable=False),
    Column("version", String(16), nullable=False),
    Column("event_types", LONG_TEXT, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
