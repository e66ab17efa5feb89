"""What a worker is told. He reads it on the site: the marketplace knows nobody's address."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert

from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import message


def send(moment: Moment, requester_id: str, worker_ids: Sequence[str], *, subject: str, text: str) -> None:
    """Leaves a message from a requester for each of these workers."""
    rows = [
        {
            "worker_id": worker_id,
            "requester_id": requester_id,
            "subject": subject,
            "text": text,
            "sent_at": moment.now,
        }
        for worker_id in worker_ids
    ]
    if rows:
        moment.connection.execute(insert(message), rows)
