"""Bonuses, reviews, attention checks, cancelled rounds, and what edits may cost.

Written so that it may be run again where MySQL, which commits after every change of a table, was stopped half way:
each column is added where it is missing, filled, and only then made obligatory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.String(16)
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
USD = sa.String(32).with_variant(sa.Numeric(18, 8), "mysql")

MAY_BE_EMPTY: tuple[tuple[str, str, TypeEngine[Any]], ...] = (
    ("Image", "reviewed_at", MOMENT),
    ("Round", "cancelled_at", MOMENT),
    ("Assignment", "decision", WORD),
    ("Assignment", "settlement", WORD),
    ("Assignment", "reviewed_at", MOMENT),
)
OBLIGATORY: Mapping[str, tuple[tuple[str, TypeEngine[Any], object], ...]] = {
    "Round": (("attempt", sa.Integer(), 1), ("edit_usd", USD, "0")),
    "Hit": (("checks", TEXT, "[]"),),
    "Vote": (("is_void", sa.Boolean(), False),),
    # No version before this one has recorded a bonus.
    "Bonus": (("day_number", sa.Integer(), 0), ("rule", sa.String(64), "")),
}


def upgrade() -> None:
    for table, column, kind in MAY_BE_EMPTY:
        add_column(table, column, kind)
    for table, columns in OBLIGATORY.items():
        add_obligatory(table, columns)
    number_rounds()
    tie_bonuses_to_days()
    say_what_became_of_pay()


def add_column(table: str, column: str, kind: TypeEngine[Any]) -> None:
    if column not in {found["name"] for found in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, sa.Column(column, kind))


def add_obligatory(table: str, columns: tuple[tuple[str, TypeEngine[Any], object], ...]) -> None:
    for column, kind, value in columns:
        add_column(table, column, kind)
        filled = sa.table(table, sa.column(column))
        op.execute(sa.update(filled).where(filled.c[column].is_(None)).values({column: value}))
    with op.batch_alter_table(table) as batch:
        for column, kind, _value in columns:
            batch.alter_column(column, existing_type=kind, nullable=False)


def number_rounds() -> None:
    """A Day may have a round of a kind again, after one that was cancelled.

    The new key comes first: on MySQL the reference to the Day leans on the old one until then.
    """
    old, new = "uq_Round_day_number_kind", "uq_Round_day_number_kind_attempt"
    there = {found["name"] for found in sa.inspect(op.get_bind()).get_unique_constraints("Round")}
    with op.batch_alter_table("Round") as batch:
        if new not in there:
            batch.create_unique_constraint(new, ["day_number", "kind", "attempt"])
        if old in there:
            batch.drop_constraint(old, type_="unique")


def tie_bonuses_to_days() -> None:
    name, index = "fk_Bonus_day_number", "ix_Bonus_day_number"
    inspector = sa.inspect(op.get_bind())
    if index not in {found["name"] for found in inspector.get_indexes("Bonus")}:
        op.create_index(index, "Bonus", ["day_number"])
    if name not in {found["name"] for found in inspector.get_foreign_keys("Bonus")}:
        with op.batch_alter_table("Bonus") as batch:
            batch.create_foreign_key(name, "Day", ["day_number"], ["number"])


def say_what_became_of_pay() -> None:
    """Every answer that was judged before was to be approved; the diary says of which that failed for good."""
    assignment = sa.table("Assignment", *map(sa.column, ("assignment_id", "state", "decision", "settlement")))
    event = sa.table("Event", sa.column("kind"), sa.column("subject"))
    judged = sa.update(assignment).where(assignment.c.decision.is_(None))
    op.execute(judged.where(assignment.c.state.in_(["judged", "settled"])).values(decision="approve"))
    not_approved = sa.select(event.c.subject).where(event.c.kind == "not_approved")
    settled = sa.update(assignment).where(assignment.c.state == "settled", assignment.c.settlement.is_(None))
    op.execute(settled.where(assignment.c.assignment_id.in_(not_approved)).values(settlement="lost"))
    op.execute(settled.values(settlement="approved"))
