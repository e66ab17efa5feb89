"""A worker's messages, as the pages need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import message

PAGE_SIZE = 30


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message from a requester."""

    requester_name: str
    subject: str
    text: str
    sent_at: Millis
    is_read: bool


def count_unread(moment: Moment, worker_id: str, since: Millis) -> int:
    """How many messages of that time or later the worker has not seen."""
    columns = message.c
    unread = select(func.count()).where(
        columns.worker_id == worker_id, columns.read_at.is_(None), columns.sent_at >= since
    )
    return int(moment.connection.execute(unread).scalar_one())


def messages(moment: Moment, worker_id: str, page: int, since: Millis) -> Sequence[Message]:
    """One page of the messages since then, newest first, and one more where there is a next page."""
    columns = message.c
    statement = (
        select(columns.subject, columns.text, columns.sent_at, columns.read_at, schema.requester.c.name)
        .select_from(message.join(schema.requester, columns.requester_id == schema.requester.c.requester_id))
        .where(columns.worker_id == worker_id, columns.sent_at >= since)
        .order_by(columns.message_id.desc())
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    )
    return [
        Message(
            requester_name=row.name,
            subject=row.subject,
            text=row.text,
            sent_at=row.sent_at,
            is_read=row.read_at is not None,
        )
        for row in moment.connection.execute(statement)
    ]


def mark_read(moment: Moment, worker_id: str, since: Millis) -> None:
    """All of the worker's messages since then were seen."""
    columns = message.c
    moment.connection.execute(
        update(message)
        .where(columns.worker_id == worker_id, columns.read_at.is_(None), columns.sent_at >= since)
        .values(read_at=moment.now)
    )
