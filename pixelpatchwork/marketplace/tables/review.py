"""Review policies of HITs, and what applying them found and did.

A `level` is the API's: Assignment (applied to each answer as it comes in) or HIT (applied when the HIT becomes
reviewable). Results and actions share a table, so that one page of a list can hold both in the order of their making.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, SERIAL, table

review_policy = table(
    "review_policy",
    Column("hit_id", ID, primary_key=True),
    Column("level", String(16), primary_key=True),
    Column("policy", LONG_TEXT, nullable=False),
)

# A result says `question_id`, `name` (its key) and `text` (its value); an action says `name`, `text` (its result),
# `status` and, where it failed, `error_code`.
review_entry = table(
    "review_entry",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("hit_id", ID, nullable=False),
    Column("level", String(16), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("action_id", ID, nullable=False),
    Column("subject_id", ID, nullable=False),
    Column("subject_type", String(16), nullable=False),
    Column("question_id", String(255)),
    Column("name", String(64), nullable=False),
    Column("text", LONG_TEXT, nullable=False),
    Column("status", String(16)),
    Column("error_code", String(64)),
    Column("at", BigInteger, nullable=False),
    Index("review_entry_of_hit", "hit_id", "number"),
)
