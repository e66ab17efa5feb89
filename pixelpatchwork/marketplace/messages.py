"""What a worker is told. He reads it on the site: the marketplace knows nobody's address."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import message


def send(
    moment: Moment, requester_id: str, worker_ids: Sequence[str], *, subject: str, text: str
) -> Sequence[str]:
    """Leaves a message from a requester for each of these workers; gives those whom it reached.

    There is nobody behind the id of a worker who was erased.
    """
    columns = schema.worker.c
    is_there = select(columns.worker_id).where(
        columns.worker_id.in_(list(worker_ids)), columns.erased_at.is_(None)
    )
    reached = moment.connection.execute(is_there).scalars().all()
    rows = [
        {
            "worker_id": worker_id,
            "requester_id": requester_id,
            "subject": subject,
            "text": text,
            "sent_at": moment.now,
        }
        for worker_id in reached
    ]
    if rows:
        moment.connection.execute(insert(message), rows)
    return reached
