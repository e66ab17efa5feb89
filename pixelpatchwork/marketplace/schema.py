"""The marketplace's tables, the same on SQLite and on MySQL or MariaDB.

Long texts (a HIT's question, a worker's answer) stand in tables of their own, so that the rows which change with
every accept and approval stay small. `due_at` is the next instant at which time alone changes a row (null: never);
one index on it is all that the sweep of deadlines needs. Instants are milliseconds since 1970, money is cents.
"""

from __future__ import annotations

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

metadata = MetaData()

SERIAL = BigInteger().with_variant(Integer(), "sqlite")
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
ID = String(64)


def table(name: str, *parts: Column[object] | Index | UniqueConstraint) -> Table:
    """A table of the marketplace, on either kind of database."""
    # Ids and tokens differ by case, so comparing them must; hence the binary collation.
    return Table(
        name,
        metadata,
        *parts,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


setting = table(
    "setting",
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# The two balances repeat what the ledger says; they change only in the transaction that writes the ledger.
requester = table(
    "requester",
    Column("requester_id", ID, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("available_cents", BigInteger, nullable=False),
    Column("held_cents", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("suspended_at", BigInteger),
)

# Double entry by construction: each row moves money out of one account and into another, and none is changed.
ledger = table(
    "ledger",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("from_account", String(80), nullable=False),
    Column("to_account", String(80), nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("hit_id", ID),
    Column("assignment_id", ID),
    # What this row does and no other may do again, such as `reward:<assignment id>`; most rows have nothing here.
    Column("once", String(80)),
    # What whoever runs the marketplace calls this movement, such as the number of a bank transfer.
    Column("reference", String(64)),
    Index("ledger_to_account", "to_account"),
    Index("ledger_from_account", "from_account"),
    Index("ledger_once", "once", unique=True),
)

hit_type = table(
    "hit_type",
    Column("hit_type_id", ID, primary_key=True),
    Column("requester_id", ID, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("group_id", ID, nullable=False),
    Column("title", String(128), nullable=False),
    Column("description", String(2000), nullable=False),
    Column("keywords", String(1000)),
    Column("reward_cents", BigInteger, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("auto_approval_s", Integer, nullable=False),
    Column("requirements", LONG_TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("requester_id", "fingerprint"),
)

# A HIT keeps its own copy of the numbers of its type, so that locking a HIT locks nothing that others share.
hit = table(
    "hit",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("hit_id", ID, nullable=False, unique=True),
    Column("hit_type_id", ID, nullable=False),
    Column("requester_id", ID, nullable=False),
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

hit_question = table(
    "hit_question",
    Column("hit_id", ID, primary_key=True),
    Column("question", LONG_TEXT, nullable=False),
)

request_token = table(
    "request_token",
    Column("requester_id", ID, primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("result_id", ID, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# An erased worker is suspended for good: his id stays as a pseudonym, everything that says who he was is gone.
worker = table(
    "worker",
    Column("worker_id", ID, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("country", String(2)),
    Column("subdivision", String(3)),
    Column("session_epoch", Integer, nullable=False, server_default="0"),
    Column("suspended_at", BigInteger),
    Column("erased_at", BigInteger),
)

# `holder` is the worker while the slot is his and null after he gave it back: the unique key lets a worker hold
# one assignment of a HIT at most, and still take it up again after a return.
assignment = table(
    "assignment",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("assignment_id", ID, nullable=False, unique=True),
    Column("hit_id", ID, nullable=False),
    Column("hit_type_id", ID, nullable=False),
    Column("requester_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("holder", ID),
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
    Index("assignment_of_worker_by_status", "worker_id", "status"),
    Index("assignment_due", "due_at"),
)

answer = table(
    "answer",
    Column("assignment_id", ID, primary_key=True),
    Column("answer", LONG_TEXT, nullable=False),
)

bonus = table(
    "bonus",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("requester_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("hit_id", ID, nullable=False),
    Column("assignment_id", ID, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Index("bonus_of_hit", "hit_id", "number"),
    Index("bonus_of_assignment", "assignment_id", "number"),
    Index("bonus_of_worker", "worker_id", "number"),
)

qualification_type = table(
    "qualification_type",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_type_id", ID, nullable=False, unique=True),
    Column("requester_id", ID, nullable=False),
    Column("name", String(200), nullable=False),
    Column("keywords", String(1000)),
    Column("description", String(2000), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("test", LONG_TEXT),
    Column("answer_key", LONG_TEXT),
    Column("test_duration_s", BigInteger),
    Column("retry_delay_s", BigInteger),
    Column("auto_granted_value", Integer),
    UniqueConstraint("requester_id", "name"),
)

qualification = table(
    "qualification",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_type_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("value", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    UniqueConstraint("qualification_type_id", "worker_id"),
    Index("qualification_of_worker", "worker_id"),
)
