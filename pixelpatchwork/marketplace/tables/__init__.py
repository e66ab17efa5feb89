"""The tables that came after the first ones: one file a noun, all of them in the metadata of `schema`.

Importing this package imports every table, so what creates or migrates the database imports it and misses none.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.schema import metadata
from pixelpatchwork.marketplace.tables.access_key import access_key
from pixelpatchwork.marketplace.tables.attempt import attempt
from pixelpatchwork.marketplace.tables.credential import credential
from pixelpatchwork.marketplace.tables.invitation import invitation
from pixelpatchwork.marketplace.tables.message import message
from pixelpatchwork.marketplace.tables.notification import notification
from pixelpatchwork.marketplace.tables.outbox import outbox
from pixelpatchwork.marketplace.tables.participant import participant
from pixelpatchwork.marketplace.tables.password_reset import password_reset
from pixelpatchwork.marketplace.tables.qualification_request import qualification_request
from pixelpatchwork.marketplace.tables.review import review_entry, review_policy
from pixelpatchwork.marketplace.tables.signature import signature
from pixelpatchwork.marketplace.tables.worker_block import worker_block

__all__ = [
    "access_key",
    "attempt",
    "credential",
    "invitation",
    "message",
    "metadata",
    "notification",
    "outbox",
    "participant",
    "password_reset",
    "qualification_request",
    "review_entry",
    "review_policy",
    "signature",
    "worker_block",
]
