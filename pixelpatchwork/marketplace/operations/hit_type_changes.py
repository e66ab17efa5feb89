"""UpdateHITTypeOfHIT: a HIT takes over another type's title, price, times and requirements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from pixelpatchwork.marketplace import ledger, schema
from pixelpatchwork.marketplace.errors import RequestError, hit_state
from pixelpatchwork.marketplace.fees import assignment_fee
from pixelpatchwork.marketplace.operations.hit_types import HitType, own_hit_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.records import Hit, own_hit
from pixelpatchwork.marketplace.requirements import needs_masters
from pixelpatchwork.marketplace.states import HitStatus


@operation("UpdateHITTypeOfHIT", writes=True)
def update_hit_type_of_hit(call: Call) -> dict[str, Any]:
    """Moves a HIT to another type; the money held for it follows the new price.

    Who has accepted a HIT was promised its reward, so the price changes only while nobody has.
    """
    hit = own_hit(call.moment, call.requester_id, call.request["HITId"], lock=True)
    hit_type = own_hit_type(call, call.request["HITTypeId"])
    if hit.state.disposed:
        raise hit_state(HitStatus.DISPOSED, "Assignable, Unassignable, Reviewable, Reviewing")
    fee = assignment_fee(
        hit_type.reward,
        max_assignments=hit.state.max_assignments,
        masters=needs_masters(hit_type.requirements),
    )
    if (hit_type.reward, fee) != (hit.reward, hit.fee):
        _change_price(call, hit, hit_type, fee)
    _write(call, hit, hit_type, fee)
    return {}


def _change_price(call: Call, hit: Hit, hit_type: HitType, fee: int) -> None:
    if hit.state.available != hit.state.max_assignments:
        raise RequestError(
            "InvalidHITState",
            "The price of this HIT cannot change: workers have accepted it at the old one. "
            "Expire it, and create another.",
        )
    more = hit.held_slots * (hit_type.reward + fee - hit.reward - hit.fee)
    ledger.hold(call.moment.connection, hit.cause(call.moment.now), more)


def _write(call: Call, hit: Hit, hit_type: HitType, fee: int) -> None:
    call.moment.connection.execute(
        update(schema.hit)
        .where(schema.hit.c.hit_id == hit.hit_id)
        .values(
            hit_type_id=hit_type.hit_type_id,
            reward_cents=hit_type.reward,
            fee_cents=fee,
            duration_s=hit_type.duration_s,
            auto_approval_s=hit_type.auto_approval_s,
        )
    )
