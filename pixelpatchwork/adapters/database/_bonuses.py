"""Bonuses: recorded before they are sent, and each rule of a Day once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._days import add_event, add_events
from pixelpatchwork.adapters.database._money import lock_study, require
from pixelpatchwork.adapters.database.rows import chunks, columns_of, row_of
from pixelpatchwork.domain.bonuses import cost_of
from pixelpatchwork.domain.budget import Budget
from pixelpatchwork.domain.model import AssignmentId, Bonus, Event, RoundId, Token
from pixelpatchwork.domain.money import NO_MONEY, Usd


def plan_bonuses(connection: Connection, bonuses: Sequence[Bonus], *, at: datetime, budget: Budget) -> None:
    """Records the bonuses of those rules of a Day of which none is recorded yet.

    The study's row is locked: of two that plan a rule at once, perhaps on different grounds, the first is right.
    """
    if not bonuses:
        return
    lock_study(connection)
    table = schema.bonus.c
    planned = {tuple(row) for row in connection.execute(select(table.day_number, table.rule).distinct())}
    fresh = [bonus for bonus in bonuses if (bonus.day_number, bonus.rule) not in planned]
    if not fresh:
        return
    connection.execute(insert(schema.bonus), [row_of(bonus) for bonus in fresh])
    add_events(
        connection,
        [
            Event(at=at, kind="bonus_planned", subject=bonus.assignment_id, detail=f"{bonus.amount_usd} USD")
            for bonus in fresh
        ],
    )
    require(connection, budget, _by_round(connection, fresh), what="The bonuses")


def _by_round(connection: Connection, bonuses: Sequence[Bonus]) -> dict[RoundId, Usd]:
    """What the bonuses cost, by the round in which they were earned."""
    rounds = _rounds_of(connection, [bonus.assignment_id for bonus in bonuses])
    costs: dict[RoundId, Usd] = {}
    for bonus in bonuses:
        round_id = rounds[bonus.assignment_id]
        costs[round_id] = costs.get(round_id, NO_MONEY) + cost_of([bonus])
    return costs


def _rounds_of(connection: Connection, assignment_ids: Sequence[AssignmentId]) -> dict[AssignmentId, RoundId]:
    assignment, hit = schema.assignment, schema.hit
    found: dict[AssignmentId, RoundId] = {}
    for some in chunks(assignment_ids):
        query = select(assignment.c.assignment_id, hit.c.round_id).join(
            hit, hit.c.token == assignment.c.token
        )
        rows = connection.execute(query.where(assignment.c.assignment_id.in_(some)))
        found |= {row.assignment_id: row.round_id for row in rows}
    return found


def mark_bonus_paid(
    connection: Connection,
    token: Token,
    *,
    paid_at: datetime,
    at: datetime,
    amount_usd: Usd | None = None,
    reason: str | None = None,
) -> bool:
    """Whether it was this call that noted the payment."""
    bonus = schema.bonus
    differing = {"amount_usd": amount_usd, "reason": reason}
    values = {name: value for name, value in differing.items() if value is not None}
    noted = connection.execute(
        update(bonus)
        .where(bonus.c.token == token, bonus.c.paid_at.is_(None))
        .values(paid_at=paid_at, **values)
    )
    if noted.rowcount:
        add_event(connection, Event(at=at, kind="bonus_paid", subject=token))
    return noted.rowcount > 0


def bonuses(connection: Connection, day_number: int | None = None) -> tuple[Bonus, ...]:
    """All bonuses, or those of one Day, by Day, rule and answer."""
    bonus = schema.bonus
    query = select(*columns_of(bonus, Bonus)).order_by(
        bonus.c.day_number, bonus.c.rule, bonus.c.assignment_id
    )
    if day_number is not None:
        query = query.where(bonus.c.day_number == day_number)
    return tuple(Bonus(**row._mapping) for row in connection.execute(query))
