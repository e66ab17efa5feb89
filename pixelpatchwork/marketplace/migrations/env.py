"""Runs the migrations on the connection that `revisions` hands over."""

from __future__ import annotations

from alembic import context

from pixelpatchwork.marketplace.revisions import VERSION_TABLE
from pixelpatchwork.marketplace.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
