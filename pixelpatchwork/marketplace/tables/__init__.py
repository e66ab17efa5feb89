"""The tables that came after the first ones: one file a noun, all of them in the metadata of `schema`.

Importing this package imports every table, so what creates or migrates the database imports it and misses none.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.schema import metadata
from pixelpatchwork.marketplace.tables.attempt import attempt
from pixelpatchwork.marketplace.tables.credential import credential
from pixelpatchwork.marketplace.tables.invitation import invitation
from pixelpatchwork.marketplace.tables.message import message
from pixelpatchwork.marketplace.tables.participant import participant

__all__ = ["attempt", "credential", "invitation", "message", "metadata", "participant"]
