"""The first tables.

Written so that it may be run again where MySQL, which commits after every CREATE, was stopped half way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(64)
WORD = sa.String(16)
NAME = sa.String(255)
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
USD = sa.String(32).with_variant(sa.Numeric(18, 8), "mysql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

INDEXES = (
    ("ix_Image_creator_id", "Image", ["creator_id"]),
    ("ix_Image_seed_image_id", "Image", ["seed_image_id"]),
    ("ix_Image_day", "Image", ["day"]),
    ("ix_Day_seed_image_id", "Day", ["seed_image_id"]),
    ("ix_Day_winner_image_id", "Day", ["winner_image_id"]),
    ("ix_Assignment_token", "Assignment", ["token"]),
    ("ix_Assignment_user_id", "Assignment", ["user_id"]),
    ("ix_Edit_seed_image_id", "Edit", ["seed_image_id"]),
    ("ix_Edit_creator_id", "Edit", ["creator_id"]),
    ("ix_Edit_queue", "Edit", ["is_open", "planned_at", "edit_key"]),
    ("ix_Vote_user_id", "Vote", ["user_id"]),
    ("ix_Vote_image_id", "Vote", ["image_id"]),
    ("ix_Vote_assignment_id", "Vote", ["assignment_id"]),
    ("ix_Bonus_assignment_id", "Bonus", ["assignment_id"]),
    ("ix_Bonus_user_id", "Bonus", ["user_id"]),
)


def upgrade() -> None:
    create_study()
    create_images()
    create_rounds()
    create_answers()
    create_edits()
    create_votes()
    create_books()
    create_indexes()


def create_study() -> None:
    create(
        "Study",
        sa.Column("study_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("pseudonym_key", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("study_id", name="pk_Study"),
        sa.UniqueConstraint("slot", name="uq_Study_slot"),
        sa.CheckConstraint("slot = 1", name="ck_Study_slot"),
    )
    create(
        "User",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("username", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("is_banned", sa.Boolean, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_User"),
        sa.UniqueConstraint("worker_id", name="uq_User_worker_id"),
    )


def create_images() -> None:
    create(
        "Image",
        sa.Column("image_id", ID, nullable=False),
        sa.Column("s3_path", NAME, nullable=False),
        sa.Column("thumbnail_path", NAME, nullable=False),
        sa.Column("raw_path", NAME),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("prompt_text", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("creator_id", ID),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("seed_image_id", ID),
        sa.Column("mask_rle", TEXT),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("editor", sa.String(64), nullable=False),
        sa.Column("upvotes", sa.Integer, nullable=False),
        sa.Column("downvotes", sa.Integer, nullable=False),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_Image"),
        sa.ForeignKeyConstraint(["creator_id"], ["User.user_id"], name="fk_Image_creator_id"),
        sa.ForeignKeyConstraint(["seed_image_id"], ["Image.image_id"], name="fk_Image_seed_image_id"),
    )


def create_rounds() -> None:
    create(
        "Day",
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("seed_image_id", ID, nullable=False),
        sa.Column("winner_image_id", ID),
        sa.Column("total_votes", sa.Integer, nullable=False),
        sa.Column("total_participants", sa.Integer, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("date", name="pk_Day"),
        sa.UniqueConstraint("number", name="uq_Day_number"),
        sa.ForeignKeyConstraint(["seed_image_id"], ["Image.image_id"], name="fk_Day_seed_image_id"),
        sa.ForeignKeyConstraint(["winner_image_id"], ["Image.image_id"], name="fk_Day_winner_image_id"),
    )
    create(
        "Round",
        sa.Column("round_id", ID, nullable=False),
        sa.Column("day_number", sa.Integer, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("reward_usd", USD, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("market", NAME, nullable=False),
        sa.Column("rules", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("round_id", name="pk_Round"),
        sa.UniqueConstraint("day_number", "kind", name="uq_Round_day_number_kind"),
        sa.ForeignKeyConstraint(["day_number"], ["Day.number"], name="fk_Round_day_number"),
    )
    create(
        "Hit",
        sa.Column("token", ID, nullable=False),
        sa.Column("round_id", ID, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("annotation", NAME, nullable=False),
        sa.Column("max_assignments", sa.Integer, nullable=False),
        sa.Column("ballot", TEXT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("hit_id", ID),
        sa.Column("expires_at", MOMENT),
        sa.PrimaryKeyConstraint("token", name="pk_Hit"),
        sa.UniqueConstraint("round_id", "index", name="uq_Hit_round_id_index"),
        sa.UniqueConstraint("hit_id", name="uq_Hit_hit_id"),
        sa.ForeignKeyConstraint(["round_id"], ["Round.round_id"], name="fk_Hit_round_id"),
    )


def create_answers() -> None:
    create(
        "Assignment",
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("token", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("raw_answer", TEXT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("verdict", WORD),
        sa.Column("reason", TEXT),
        sa.Column("settled_at", MOMENT),
        sa.Column("language", NAME),
        sa.Column("seconds", sa.Double),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_Assignment"),
        sa.ForeignKeyConstraint(["token"], ["Hit.token"], name="fk_Assignment_token"),
        sa.ForeignKeyConstraint(["user_id"], ["User.user_id"], name="fk_Assignment_user_id"),
    )


def create_edits() -> None:
    create(
        "Edit",
        sa.Column("edit_key", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("seed_image_id", ID, nullable=False),
        sa.Column("creator_id", ID, nullable=False),
        sa.Column("mask_rle", TEXT, nullable=False),
        sa.Column("prompt", TEXT, nullable=False),
        sa.Column("editor", sa.String(64), nullable=False),
        sa.Column("model", NAME, nullable=False),
        sa.Column("parameters", TEXT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("image_id", ID),
        sa.Column("message", TEXT),
        sa.Column("cost_usd", USD),
        sa.Column("input_text_tokens", sa.Integer),
        sa.Column("input_image_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("drift", sa.Double),
        sa.Column("rates", NAME),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("lease_owner", NAME),
        sa.Column("lease_until", MOMENT),
        sa.PrimaryKeyConstraint("edit_key", name="pk_Edit"),
        sa.UniqueConstraint("assignment_id", "attempt", name="uq_Edit_assignment_id_attempt"),
        sa.UniqueConstraint("image_id", name="uq_Edit_image_id"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["Assignment.assignment_id"], name="fk_Edit_assignment_id"
        ),
        sa.ForeignKeyConstraint(["seed_image_id"], ["Image.image_id"], name="fk_Edit_seed_image_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["User.user_id"], name="fk_Edit_creator_id"),
        sa.ForeignKeyConstraint(["image_id"], ["Image.image_id"], name="fk_Edit_image_id"),
    )


def create_votes() -> None:
    create(
        "Vote",
        sa.Column("round_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("choice", WORD, nullable=False),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("is_own", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("round_id", "user_id", "image_id", name="pk_Vote"),
        sa.ForeignKeyConstraint(["round_id"], ["Round.round_id"], name="fk_Vote_round_id"),
        sa.ForeignKeyConstraint(["user_id"], ["User.user_id"], name="fk_Vote_user_id"),
        sa.ForeignKeyConstraint(["image_id"], ["Image.image_id"], name="fk_Vote_image_id"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["Assignment.assignment_id"], name="fk_Vote_assignment_id"
        ),
    )


def create_books() -> None:
    create(
        "Bonus",
        sa.Column("token", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("amount_usd", USD, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("paid_at", MOMENT),
        sa.PrimaryKeyConstraint("token", name="pk_Bonus"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["Assignment.assignment_id"], name="fk_Bonus_assignment_id"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["User.user_id"], name="fk_Bonus_user_id"),
    )
    create(
        "Event",
        sa.Column("event_id", ROW_NUMBER, nullable=False, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_Event"),
    )


def create(name: str, *items: SchemaItem) -> None:
    op.create_table(
        name,
        *items,
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def create_indexes() -> None:
    inspector = sa.inspect(op.get_bind())
    for name, table, columns in INDEXES:
        if name not in {index["name"] for index in inspector.get_indexes(table)}:
            op.create_index(name, table, columns)
