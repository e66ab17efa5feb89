"""`ppw cancel-round`: calls a round off."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option
from pixelpatchwork.cli.owner import owner_name
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.model import RoundState
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.cancel import Cancelled, CancelPlan, plan_cancel
from pixelpatchwork.workflow.cancel import cancel_round as cancel


@click.command("cancel-round", epilog=example("ppw cancel-round", "ppw cancel-round --yes"))
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@json_option
@pass_invocation
def cancel_round(invocation: Invocation, yes: bool, as_json: bool) -> int:
    """Call off the round that goes on: take its HITs off the market, and pay what workers have done or are at.

    A cancelled round counts for nothing but pay: what it asked for is not painted, its images are hidden (`ppw images
    show` undoes that), its votes are not counted. The same round may be published again at once. Work in flight
    still comes in: run `ppw collect` until it is settled, or this command again.
    """
    with wired(invocation.settings()) as wiring, Progress(quiet=as_json) as progress:
        plan = plan_cancel(wiring.services)
        if not as_json:
            say(_plan_text(plan, wiring.services.study().name))
        if not (yes or plan.is_begun):
            _insist()
        done = cancel(plan, wiring.services, owner=owner_name(), progress=progress)
    if as_json:
        emit_json({"plan": plan, "at_most_usd": plan.at_most.total, "done": done})
    else:
        say(cancelled_text(done))
    is_unfinished = done.collected is not None and (done.collected.unread or done.collected.unpaid)
    return FAILED if done.failures or is_unfinished else 0


def _plan_text(plan: CancelPlan, study_name: str) -> str:
    is_was = "was cancelled before" if plan.is_begun else "is to be cancelled"
    return (
        f"“{study_name}”, Day {plan.round.day_number}, {plan.round.kind} round: {plan.answers} of "
        f"{counted(plan.wanted, 'answer')} in. It {is_was}.\n"
        f"Still to be paid at most: ${plan.at_most.total:.2f} (${plan.at_most.rewards:.2f} for the workers, "
        f"${plan.at_most.fees:.2f} in fees), for what has come and what workers are at."
    )


def _insist() -> None:
    """Asks. Raises PatchworkError where nobody can answer, Abort where the answer is no."""
    if not sys.stdin.isatty():
        raise PatchworkError("Nothing was cancelled: there is nobody to ask here. To go on, add: --yes")
    answer: str = click.prompt(
        "Type yes to cancel the round, anything else to leave it", default="", show_default=False, err=True
    )
    if answer.strip().lower() != "yes":
        raise click.Abort


def cancelled_text(done: Cancelled) -> str:
    """What one run did, and what the round's end waits for."""
    collected = done.collected
    lines = [f"The round is cancelled; {counted(done.expired, 'HIT')} taken off the market."]
    if collected is not None:
        lines.append(
            f"{counted(collected.new_answers, 'new answer')}; {collected.paid} approved, "
            f"{collected.unusable} left out."
        )
    if done.failures:
        lines.append(
            f"{counted(len(done.failures), 'call')} failed: {done.failures[0]} Run: ppw cancel-round"
        )
    elif done.round.state is not RoundState.CLOSED:
        lines.append(f"The round's end waits for {', '.join(_waits_for(done))}. Later, run: ppw collect")
    lines.append("To publish the round again, run: ppw publish-round")
    return "\n".join(lines)


def _waits_for(done: Cancelled) -> Iterator[str]:
    """What must come before a cancelled round is closed."""
    left = done.left
    if left.hits:
        yield "work in flight, which may still come in"
    if left.answers:
        yield f"the pay of {counted(left.answers, 'answer')}"
    if left.edits:
        yield f"{counted(left.edits, 'edit')} in the hands of another run, or of one that was stopped"
