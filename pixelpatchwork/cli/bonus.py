"""`ppw bonus`: paying the bonuses of a closed Day."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import click

from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option, table
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.cli.spending import SpendGuard, yes_spend_option
from pixelpatchwork.domain.bonuses import BonusRule
from pixelpatchwork.domain.model import Bonus, UserId
from pixelpatchwork.domain.money import dollars
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.bonus import BonusPlan, BonusSummary, pay_bonuses, plan_day

_ORDER = [str(rule) for rule in BonusRule]


@click.command(epilog=example("ppw bonus --dry-run", "ppw bonus --day 3"))
@click.option(
    "--day", "number", type=click.IntRange(min=1), help="Which Day; without it, the latest closed one."
)
@click.option("--dry-run", is_flag=True, help="Show who gets what, and what it costs; pay nothing.")
@yes_spend_option
@json_option
@pass_invocation
def bonus(
    invocation: Invocation, number: int | None, dry_run: bool, yes_spend: Decimal | None, as_json: bool
) -> int:
    """Pay the bonuses of a closed Day, by the rules in the settings' section `bonus`.

    May be run any number of times: each bonus is paid once. Before one is sent, the marketplace is asked whether it
    has been. A rule is decided for a Day the first time it is paid; a change of the settings does not undo that.
    """
    with wired(invocation.settings()) as wiring, Progress(quiet=as_json) as progress:
        services = wiring.services
        plan = plan_day(services, number)
        names = _names(services.store)
        if not as_json:
            say(_plan_text(plan, names))
        if dry_run:
            _show_dry_run(plan, names, as_json=as_json)
            return 0
        if wiring.spends_on_hits and plan.unpaid:
            what = counted(len(plan.unpaid), "bonus", "bonuses")
            SpendGuard(stated=yes_spend).insist(plan.cost, f"{what} on Mechanical Turk")
        done = pay_bonuses(plan, services, progress)
    if as_json:
        emit_json({"plan": _plan_json(plan, names), "done": done})
    elif plan.unpaid:
        say("\n".join(_done_lines(plan, done)))
    return FAILED if done.waiting else 0


def _names(store: Store) -> dict[UserId, str]:
    return {user.user_id: user.username for user in store.users()}


def _plan_text(plan: BonusPlan, names: dict[UserId, str]) -> str:
    number = plan.day.number
    bonuses = (*plan.recorded, *plan.new)
    if not bonuses:
        return f"Day {number}: nobody gets a bonus by the rules of the settings."
    rows = [
        (one.rule, names[one.user_id], dollars(one.amount_usd), one.assignment_id, _state(one))
        for one in sorted(bonuses, key=lambda one: (_ORDER.index(one.rule), one.assignment_id))
    ]
    shown = table(rows, ("For", "Artist", "Bonus", "Answer", "Paid"))
    if not plan.unpaid:
        return f"{shown}\nDay {number}: {counted(len(bonuses), 'bonus', 'bonuses')}, all of them paid."
    due = counted(len(plan.unpaid), "bonus", "bonuses")
    return f"{shown}\nDay {number}: {due} to be paid, {dollars(plan.cost)} with the fees."


def _state(one: Bonus) -> str:
    return f"{one.paid_at:%Y-%m-%d %H:%M} UTC" if one.paid_at else "not yet"


def _plan_json(plan: BonusPlan, names: dict[UserId, str]) -> dict[str, object]:
    return {
        "day": plan.day.number,
        "cost_usd": plan.cost,
        "bonuses": [
            {
                "rule": one.rule,
                "username": names[one.user_id],
                "assignment_id": one.assignment_id,
                "amount_usd": one.amount_usd,
                "reason": one.reason,
                "paid_at": one.paid_at,
            }
            for one in (*plan.recorded, *plan.new)
        ],
    }


def _show_dry_run(plan: BonusPlan, names: dict[UserId, str], *, as_json: bool) -> None:
    if as_json:
        emit_json({"plan": _plan_json(plan, names), "dry_run": True})
    elif plan.unpaid:
        say(f"Nothing was paid. To pay them, run: ppw bonus --day {plan.day.number}")


def _done_lines(plan: BonusPlan, done: BonusSummary) -> Iterator[str]:
    yield f"{counted(done.paid, 'bonus', 'bonuses')} paid, {dollars(done.paid_usd)} with the fees."
    if done.found:
        yield f"{counted(done.found, 'bonus', 'bonuses')} found paid by another run, and noted."
    if done.waiting:
        waiting = counted(done.waiting, "bonus waits", "bonuses wait")
        yield f"{waiting}: {done.first_failure} The next run tries again: ppw bonus --day {plan.day.number}"
