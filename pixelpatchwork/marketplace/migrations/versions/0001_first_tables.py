"""The tables as they were when the schema was first numbered.

Frozen here: what `schema` says today is of no concern to a database of that day. Written so that it may be run again
where MySQL, which commits after every CREATE, was stopped half way.
"""

from __future__ import annotations

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
)
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
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
    "setting",
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

_table(
    "requester",
    Column("requester_id", _ID, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("available_cents", BigInteger, nullable=False),
    Column("held_cents", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

_table(
    "ledger",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("from_account", String(80), nullable=False),
    Column("to_account", String(80), nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("hit_id", _ID),
    Column("assignment_id", _ID),
    Index("ledger_to_account", "to_account"),
    Index("ledger_from_account", "from_account"),
)

_table(
    "hit_type",
    Column("hit_type_id", _ID, primary_key=True),
    Column("requester_id", _ID, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("group_id", _ID, nullable=False),
    Column("title", String(128), nullable=False),
    Column("description", String(2000), nullable=False),
    Column("keywords", String(1000)),
    Column("reward_cents", BigInteger, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("auto_approval_s", Integer, nullable=False),
    Column("requirements", _LONG_TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("requester_id", "fingerprint"),
)

_table(
    "hit",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("hit_id", _ID, nullable=False, unique=True),
    Column("hit_type_id", _ID, nullable=False),
    Column("requester_id", _ID, nullable=False),
    Column("status", String(16), nullable=False),
    Column("max_assignments", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("reviewing", Boolean, nullable=False),
    Column("disposed", Boolean, nullable=False),
    Column("reward_cents", BigInteger, nullable=False),
    Column("fee_cents", BigInteger, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("auto_approval_s", Integer, nullable=False),
    Column("held_slots", Integer, nullable=False),
    Column("annotation", String(255)),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Index("hit_by_requester", "requester_id", "number"),
    Index("hit_by_requester_and_status", "requester_id", "status", "number"),
    Index("hit_by_status_and_type", "status", "hit_type_id", "number"),
    Index("hit_due", "due_at"),
)

_table(
    "hit_question",
    Column("hit_id", _ID, primary_key=True),
    Column("question", _LONG_TEXT, nullable=False),
)

_table(
    "request_token",
    Column("requester_id", _ID, primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("result_id", _ID, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

_table(
    "worker",
    Column("worker_id", _ID, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

_table(
    "assignment",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("assignment_id", _ID, nullable=False, unique=True),
    Column("hit_id", _ID, nullable=False),
    Column("hit_type_id", _ID, nullable=False),
    Column("requester_id", _ID, nullable=False),
    Column("worker_id", _ID, nullable=False),
    Column("holder", _ID),
    Column("status", String(16), nullable=False),
    Column("reward_cents", BigInteger, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("submitted_at", BigInteger),
    Column("auto_approval_at", BigInteger),
    Column("approved_at", BigInteger),
    Column("rejected_at", BigInteger),
    Column("feedback", String(1024)),
    Column("due_at", BigInteger),
    UniqueConstraint("hit_id", "holder"),
    Index("assignment_of_hit", "hit_id", "submitted_at", "number"),
    Index("assignment_of_worker", "worker_id", "number"),
    Index("assignment_due", "due_at"),
)

_table(
    "answer",
    Column("assignment_id", _ID, primary_key=True),
    Column("answer", _LONG_TEXT, nullable=False),
)

_table(
    "bonus",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", _ID, nullable=False),
    Column("worker_id", _ID, nullable=False),
    Column("hit_id", _ID, nullable=False),
    Column("assignment_id", _ID, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("reason", _LONG_TEXT, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Index("bonus_of_hit", "hit_id", "number"),
    Index("bonus_of_assignment", "assignment_id", "number"),
    Index("bonus_of_worker", "worker_id", "number"),
)

_table(
    "qualification_type",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_type_id", _ID, nullable=False, unique=True),
    Column("requester_id", _ID, nullable=False),
    Column("name", String(200), nullable=False),
    Column("keywords", String(1000)),
    Column("description", String(2000), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("requester_id", "name"),
)

_table(
    "qualification",
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_type_id", _ID, nullable=False),
    Column("worker_id", _ID, nullable=False),
    Column("value", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    UniqueConstraint("qualification_type_id", "worker_id"),
)


def upgrade() -> None:
    """Creates what is missing."""
    metadata.create_all(op.get_bind())
