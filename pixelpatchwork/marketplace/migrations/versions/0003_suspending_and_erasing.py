"""Suspended and erased accounts, links for new passwords, and references of withdrawals.

Written so that it may be run again where MySQL, which commits after every change of a table, was stopped half way.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, MetaData, String, Table, inspect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

metadata = MetaData()

Table(
    "password_reset",
    metadata,
    Column("worker_id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
    mysql_engine="InnoDB",
)

_NEW_COLUMNS: tuple[tuple[str, Column[object]], ...] = (
    ("requester", Column("suspended_at", BigInteger)),
    ("worker", Column("suspended_at", BigInteger)),
    ("worker", Column("erased_at", BigInteger)),
    ("ledger", Column("reference", String(64))),
)


def upgrade() -> None:
    """Adds what is missing."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for table, column in _NEW_COLUMNS:
        if column.name not in {found["name"] for found in inspect(connection).get_columns(table)}:
            op.add_column(table, column)
