"""Requesters' keys, notifications, qualification requests, reviews, ways in, and the life of a HIT to its end.

Written so that it may be run again where MySQL, which commits after every change of a table, was stopped half way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

metadata = MetaData()

_SERIAL = BigInteger().with_variant(Integer(), "sqlite")
_LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_ID = String(64)


def _table(name: str, *parts: Column[object] | Index | UniqueConstraint) -> Table:
    return Table(
        name,
        metadata,
        *parts,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


_table(
    "access_key",
    Column("key_id", String(32), primary_key=True),
    Column("requester_id", _ID, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("access_key_of_requester", "requester_id"),
)

_table(
    "attempt",
    Column("who", _ID, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("attempt_ends", "ends_at"),
)

_table(
    "credential",
    Column("worker_id", _ID, primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

_table(
    "invitation",
    Column("nonce", _ID, primary_key=True),
    Column("worker_id", _ID, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)

_table(
    "message",
    Column("message_id", _SERIAL, primary_key=True, autoincrement=True),
    Column("worker_id", _ID, nullable=False),
    Column("requester_id", _ID, nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", _LONG_TEXT, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Index("message_of_worker", "worker_id", "message_id"),
)

_table(
    "notification",
    Column("hit_type_id", _ID, primary_key=True),
    Column("requester_id", _ID, nullable=False),
    Column("destination", String(1024), nullable=False),
    Column("transport", String(8), nullable=False),
    Column("version", String(16), nullable=False),
    Column("event_types", _LONG_TEXT, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

_table(
    "outbox",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", _ID, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("destination", String(1024), nullable=False),
    Column("body", _LONG_TEXT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", BigInteger),
    Column("last_error", String(128)),
    Index("outbox_due", "next_try_at", "number"),
)

_table(
    "participant",
    Column("worker_id", _ID, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    UniqueConstraint("panel", "external_id"),
)

_table(
    "qualification_request",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_request_id", _ID, nullable=False, unique=True),
    Column("qualification_type_id", _ID, nullable=False),
    Column("requester_id", _ID, nullable=False),
    Column("worker_id", _ID, nullable=False),
    Column("open_for", _ID),
    Column("status", String(16), nullable=False),
    Column("test", _LONG_TEXT),
    Column("answer", _LONG_TEXT),
    Column("started_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger),
    Column("submitted_at", BigInteger),
    Column("decided_at", BigInteger),
    UniqueConstraint("qualification_type_id", "open_for"),
    Index("qualification_request_of_requester", "requester_id", "status", "submitted_at", "number"),
    Index("qualification_request_of_worker", "worker_id", "qualification_type_id", "number"),
)

_table(
    "review_entry",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("hit_id", _ID, nullable=False),
    Column("level", String(16), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("action_id", _ID, nullable=False),
    Column("subject_id", _ID, nullable=False),
    Column("subject_type", String(16), nullable=False),
    Column("question_id", String(255)),
    Column("name", _ID, nullable=False),
    Column("text", _LONG_TEXT, nullable=False),
    Column("status", String(16)),
    Column("error_code", _ID),
    Column("at", BigInteger, nullable=False),
    Index("review_entry_of_hit", "hit_id", "number"),
)

_table(
    "review_policy",
    Column("hit_id", _ID, primary_key=True),
    Column("level", String(16), primary_key=True),
    Column("policy", _LONG_TEXT, nullable=False),
)

_table(
    "signature",
    Column("signature", _ID, primary_key=True),
    Column("attempt", _ID, primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    Index("signature_seen", "seen_at"),
)

_table(
    "worker_block",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", _ID, nullable=False),
    Column("worker_id", _ID, nullable=False),
    Column("reason", _LONG_TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("requester_id", "worker_id"),
    Index("worker_block_of_requester", "requester_id", "number"),
)

_NEW_COLUMNS: tuple[tuple[str, Column[object]], ...] = (
    ("qualification_type", Column("test", _LONG_TEXT)),
    ("qualification_type", Column("answer_key", _LONG_TEXT)),
    ("qualification_type", Column("test_duration_s", BigInteger)),
    ("qualification_type", Column("retry_delay_s", BigInteger)),
    ("qualification_type", Column("auto_granted_value", Integer)),
    ("ledger", Column("once", String(80))),
    ("worker", Column("country", String(2))),
    ("worker", Column("subdivision", String(3))),
    ("worker", Column("session_epoch", Integer, nullable=False, server_default="0")),
)
_NEW_INDEXES = (
    ("assignment_of_worker_by_status", "assignment", ["worker_id", "status"], False),
    ("qualification_of_worker", "qualification", ["worker_id"], False),
    ("ledger_once", "ledger", ["once"], True),
)

# From now on a HIT with nothing left to decide is disposed of after 120 days; so are those that wait already.
_DISPOSE_OF_WHAT_IS_DONE = (
    "UPDATE hit SET due_at = expires_at + 10368000000 WHERE status IN ('Reviewable', 'Reviewing')"
    " AND due_at IS NULL AND completed + available = max_assignments"
)


def upgrade() -> None:
    """Adds what is missing."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for table, column in _NEW_COLUMNS:
        if column.name not in _names(inspect(connection).get_columns(table)):
            op.add_column(table, column)
    for name, table, columns, is_unique in _NEW_INDEXES:
        if name not in _names(inspect(connection).get_indexes(table)):
            op.create_index(name, table, columns, unique=is_unique)
    op.execute(_DISPOSE_OF_WHAT_IS_DONE)


def _names(parts: Sequence[Mapping[str, Any]]) -> set[str]:
    return {part["name"] for part in parts}
