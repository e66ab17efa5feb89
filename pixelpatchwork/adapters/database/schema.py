"""The study's tables, as analysts' SQL finds them.

Primary and unique keys enforce every once-only rule. Text is compared byte by byte on both databases: ids
that differ in case only are two. The migrations build the same tables, and a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

from pixelpatchwork.adapters.database.columns import (
    AttentionChecks,
    Id,
    ImageIds,
    LongText,
    Money,
    RawText,
    RowNumber,
    UtcDateTime,
    word,
)
from pixelpatchwork.domain.model import (
    AssignmentState,
    Choice,
    Decision,
    EditState,
    HitState,
    ImageState,
    RoundKind,
    RoundState,
    Settlement,
    Verdict,
)

VERSION_TABLE = "StudySchema"
"""Where the schema's revision stands: a name of its own beside other programs' migrations."""

REVISIONS = ("0001", "0002")
"""The migrations, oldest first: known here so that opening a store reads no migration script.

A change of the schema is a new file in `migrations/versions/`, its id at the end of this list, and the change below.
"""

metadata = MetaData()


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(
        name, metadata, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin"
    )


def _key(table: str, *columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _unique(table: str, *columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _refers(table: str, column: str, target: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _index(table: str, *columns: str) -> Index:
    return Index(f"ix_{table}_{'_'.join(columns)}", *columns)


study = _table(
    "Study",
    Column("study_id", Id, nullable=False),
    Column("name", String(255), nullable=False),
    Column("pseudonym_key", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Always 1 and unique: a database holds one study.
    Column("slot", Integer, nullable=False, server_default="1"),
    _key("Study", "study_id"),
    _unique("Study", "slot"),
    CheckConstraint("slot = 1", name="ck_Study_slot"),
)

user = _table(
    "User",
    Column("user_id", Id, nullable=False),
    Column("username", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("is_banned", Boolean, nullable=False),
    Column("worker_id", Id, nullable=False),
    _key("User", "user_id"),
    _unique("User", "worker_id"),
)

image = _table(
    "Image",
    Column("image_id", Id, nullable=False),
    Column("s3_path", String(255), nullable=False),
    Column("thumbnail_path", String(255), nullable=False),
    Column("raw_path", String(255)),
    Column("sha256", String(64), nullable=False),
    Column("prompt_text", LongText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("creator_id", Id),
    Column("day", Date, nullable=False),
    Column("seed_image_id", Id),
    Column("mask_rle", LongText),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("editor", String(64), nullable=False),
    Column("upvotes", Integer, nullable=False),
    Column("downvotes", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("state", word(ImageState), nullable=False),
    Column("reviewed_at", UtcDateTime),
    _key("Image", "image_id"),
    _refers("Image", "creator_id", "User.user_id"),
    _refers("Image", "seed_image_id", "Image.image_id"),
    _index("Image", "creator_id"),
    _index("Image", "seed_image_id"),
    _index("Image", "day"),
)

day = _table(
    "Day",
    Column("date", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("seed_image_id", Id, nullable=False),
    Column("winner_image_id", Id),
    Column("total_votes", Integer, nullable=False),
    Column("total_participants", Integer, nullable=False),
    Column("is_current", Boolean, nullable=False),
    _key("Day", "date"),
    _unique("Day", "number"),
    _refers("Day", "seed_image_id", "Image.image_id"),
    _refers("Day", "winner_image_id", "Image.image_id"),
    _index("Day", "seed_image_id"),
    _index("Day", "winner_image_id"),
)

round_ = _table(
    "Round",
    Column("round_id", Id, nullable=False),
    Column("day_number", Integer, nullable=False),
    Column("kind", word(RoundKind), nullable=False),
    Column("state", word(RoundState), nullable=False),
    Column("reward_usd", Money, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("market", String(255), nullable=False),
    Column("rules", LongText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("edit_usd", Money, nullable=False),
    Column("cancelled_at", UtcDateTime),
    _key("Round", "round_id"),
    _unique("Round", "day_number", "kind", "attempt"),
    _refers("Round", "day_number", "Day.number"),
)

hit = _table(
    "Hit",
    Column("token", Id, nullable=False),
    Column("round_id", Id, nullable=False),
    Column("index", Integer, nullable=False),
    Column("annotation", String(255), nullable=False),
    Column("max_assignments", Integer, nullable=False),
    Column("ballot", ImageIds, nullable=False),
    Column("state", word(HitState), nullable=False),
    Column("hit_id", Id),
    Column("expires_at", UtcDateTime),
    Column("checks", AttentionChecks, nullable=False),
    _key("Hit", "token"),
    _unique("Hit", "round_id", "index"),
    _unique("Hit", "hit_id"),
    _refers("Hit", "round_id", "Round.round_id"),
)

assignment = _table(
    "Assignment",
    Column("assignment_id", Id, nullable=False),
    Column("token", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("raw_answer", RawText, nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("state", word(AssignmentState), nullable=False),
    Column("verdict", word(Verdict)),
    Column("reason", LongText),
    Column("settled_at", UtcDateTime),
    Column("language", String(255)),
    Column("seconds", Double),
    Column("decision", word(Decision)),
    Column("settlement", word(Settlement)),
    Column("reviewed_at", UtcDateTime),
    _key("Assignment", "assignment_id"),
    _refers("Assignment", "token", "Hit.token"),
    _refers("Assignment", "user_id", "User.user_id"),
    _index("Assignment", "token"),
    _index("Assignment", "user_id"),
)

edit = _table(
    "Edit",
    Column("edit_key", Id, nullable=False),
    Column("assignment_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seed_image_id", Id, nullable=False),
    Column("creator_id", Id, nullable=False),
    Column("mask_rle", LongText, nullable=False),
    Column("prompt", LongText, nullable=False),
    Column("editor", String(64), nullable=False),
    Column("model", String(255), nullable=False),
    Column("parameters", LongText, nullable=False),
    Column("state", word(EditState), nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("image_id", Id),
    Column("message", LongText),
    Column("cost_usd", Money),
    Column("input_text_tokens", Integer),
    Column("input_image_tokens", Integer),
    Column("output_tokens", Integer),
    Column("drift", Double),
    Column("rates", String(255)),
    # Whether `state` is one of OPEN_EDITS: the front of the index that finds the next edit to claim.
    Column("is_open", Boolean, nullable=False),
    Column("lease_owner", String(255)),
    Column("lease_until", UtcDateTime),
    _key("Edit", "edit_key"),
    _unique("Edit", "assignment_id", "attempt"),
    _unique("Edit", "image_id"),
    _refers("Edit", "assignment_id", "Assignment.assignment_id"),
    _refers("Edit", "seed_image_id", "Image.image_id"),
    _refers("Edit", "creator_id", "User.user_id"),
    _refers("Edit", "image_id", "Image.image_id"),
    _index("Edit", "seed_image_id"),
    _index("Edit", "creator_id"),
    Index("ix_Edit_queue", "is_open", "planned_at", "edit_key"),
)

vote = _table(
    "Vote",
    Column("round_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("image_id", Id, nullable=False),
    Column("assignment_id", Id, nullable=False),
    Column("choice", word(Choice), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_own", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The voter was banned while the vote's Day was open.
    Column("is_void", Boolean, nullable=False),
    _key("Vote", "round_id", "user_id", "image_id"),
    _refers("Vote", "round_id", "Round.round_id"),
    _refers("Vote", "user_id", "User.user_id"),
    _refers("Vote", "image_id", "Image.image_id"),
    _refers("Vote", "assignment_id", "Assignment.assignment_id"),
    _index("Vote", "user_id"),
    _index("Vote", "image_id"),
    _index("Vote", "assignment_id"),
)

bonus = _table(
    "Bonus",
    Column("token", Id, nullable=False),
    Column("day_number", Integer, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("assignment_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("amount_usd", Money, nullable=False),
    Column("reason", LongText, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("paid_at", UtcDateTime),
    _key("Bonus", "token"),
    _refers("Bonus", "day_number", "Day.number"),
    _refers("Bonus", "assignment_id", "Assignment.assignment_id"),
    _refers("Bonus", "user_id", "User.user_id"),
    _index("Bonus", "assignment_id"),
    _index("Bonus", "day_number"),
    _index("Bonus", "user_id"),
)

event = _table(
    "Event",
    Column("event_id", RowNumber, nullable=False, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", LongText, nullable=False),
    _key("Event", "event_id"),
)
