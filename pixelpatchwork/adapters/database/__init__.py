"""The study's records in SQLite, MySQL or MariaDB: `ports.Store`, and the schema's life."""

from pixelpatchwork.adapters.database.revisions import upgrade
from pixelpatchwork.adapters.database.store import SqlStore, check, open_store

__all__ = ["SqlStore", "check", "open_store", "upgrade"]
