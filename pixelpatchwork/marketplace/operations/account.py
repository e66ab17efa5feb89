"""The requester's prepaid balance."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.fees import format_usd
from pixelpatchwork.marketplace.operations.registry import Call, operation


@operation("GetAccountBalance", writes=False)
def get_account_balance(call: Call) -> dict[str, Any]:
    """What may still be promised, and what is promised to HITs that run."""
    columns = schema.requester.c
    row = call.moment.connection.execute(
        select(columns.available_cents, columns.held_cents).where(columns.requester_id == call.requester_id)
    ).one()
    return {
        "AvailableBalance": format_usd(row.available_cents),
        "OnHoldBalance": format_usd(row.held_cents),
    }
