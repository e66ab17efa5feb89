"""Budgets and bonuses in words: for plans and for the status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pixelpatchwork.cli.output import table
from pixelpatchwork.domain.budget import Room
from pixelpatchwork.domain.money import dollars
from pixelpatchwork.domain.plan import RoundPlan
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.insight.status import Status
from pixelpatchwork.workflow.budget import Outlook


def plan_lines(plan: RoundPlan, outlook: Outlook) -> Iterator[str]:
    """What a plan's edits may cost beside its answers, and what it leaves of the budgets."""
    edits = plan.round.edit_usd
    if edits:
        yield f"Its image edits cost at most {dollars(edits * plan.assignments)}: {dollars(edits)} an answer."
    for scope, one in outlook.rooms.items():
        if one.limit_usd is not None and one.left_usd is not None and outlook.refusal is None:
            yield (
                f"Budget of the {scope}: of {dollars(one.limit_usd)}, {dollars(one.spent_usd)} spent and "
                f"{dollars(one.reserved_usd)} reserved with this round, {dollars(one.left_usd)} left."
            )
    if outlook.refusal is not None:
        yield f"No room: {outlook.refusal}"


def rooms_json(outlook: Outlook) -> dict[str, Room]:
    """The budgets' rooms by `round`, `day` and `study`."""
    return {scope.lower(): one for scope, one in outlook.rooms.items()}


def money_table(found: Status) -> str:
    """What is spent, reserved and left: for the rounds of the current Day, the Day and the study."""
    rows: list[Sequence[object]] = [
        _row(f"{one.kind} round" + (", cancelled" if one.is_cancelled else ""), one.money)
        for day in found.days
        if day.is_current
        for one in day.rounds
    ]
    rows += [_row(f"Day {day.number}", day.money) for day in found.days if day.is_current]
    return table([*rows, _row("study", found.money)], ("Money", "Spent", "Reserved", "Left"))


def _row(name: str, one: Room) -> Sequence[object]:
    left = (
        "no limit"
        if one.limit_usd is None or one.left_usd is None
        else f"{dollars(one.left_usd)} of {dollars(one.limit_usd)}"
    )
    return (name, dollars(one.spent_usd), dollars(one.reserved_usd), left)


def bonus_lines(found: Status) -> Iterator[str]:
    """The bonuses of the latest Day that has any, and of those for which `ppw bonus` has something to do."""
    for day in found.bonuses:
        if day.planned and (day.is_due or day is found.bonuses[-1]):
            yield (
                f"Day {day.day_number}: {day.paid} of {counted(day.planned, 'bonus', 'bonuses')} paid, "
                f"{dollars(day.paid_usd)} of {dollars(day.planned_usd)} with the fees."
            )
        if day.is_due:
            yield f"Bonuses of Day {day.day_number} may be due. When you like, run: ppw bonus --day {day.day_number}"
