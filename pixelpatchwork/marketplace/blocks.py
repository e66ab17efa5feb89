"""Worker blocks: a requester need not work with everybody. The worker is told that he is blocked, never why."""

from __future__ import annotations

from sqlalchemy import select

from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import worker_block


def is_blocked(moment: Moment, requester_id: str, worker_id: str) -> bool:
    """True where this requester has barred this worker from his HITs and qualifications."""
    columns = worker_block.c
    found = moment.connection.execute(
        select(columns.number).where(columns.requester_id == requester_id, columns.worker_id == worker_id)
    )
    return found.one_or_none() is not None
