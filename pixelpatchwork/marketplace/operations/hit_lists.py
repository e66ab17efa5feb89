"""HITs, listed: newest first, so that what is made while a requester pages stands before his token, never behind it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.operations import views
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.states import HitStatus


@operation("ListHITs", writes=False)
def list_hits(call: Call) -> dict[str, Any]:
    """The requester's HITs, without deleted ones."""
    return list_hits_where(call, "ListHITs", schema.hit.c.disposed.is_(False))


@operation("ListReviewableHITs", writes=False)
def list_reviewable_hits(call: Call) -> dict[str, Any]:
    """HITs in state Reviewable (or Reviewing, where asked for), of one type or of all."""
    condition = schema.hit.c.status == call.request.get("Status", HitStatus.REVIEWABLE.value)
    if "HITTypeId" in call.request:
        condition = condition & (schema.hit.c.hit_type_id == call.request["HITTypeId"])
    return list_hits_where(call, "ListReviewableHITs", condition)


def list_hits_where(call: Call, name: str, condition: ColumnElement[bool]) -> dict[str, Any]:
    """One page of the requester's HITs that fulfil a condition, as the operation `name` answers it."""
    page = Page.of(name, call.request)
    columns = schema.hit.c
    statement = select(columns.number, columns.hit_id).where(
        columns.requester_id == call.requester_id, condition
    )
    if page.after is not None:
        statement = statement.where(columns.number < page.after[0])
    rows = call.moment.connection.execute(statement.order_by(columns.number.desc()).limit(page.limit)).all()
    cut = page.cut(rows, lambda row: (row.number,))
    return cut.answer("HITs", views.hits(call.moment, [row.hit_id for row in cut.rows]))
