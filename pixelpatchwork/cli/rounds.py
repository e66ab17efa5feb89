"""`ppw publish-round`, `ppw collect`, `ppw advance-day`: the three steps of a Day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal

import click

from pixelpatchwork.cli.budgets import plan_lines, rooms_json
from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option
from pixelpatchwork.cli.owner import owner_name
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.cli.service import log_format_option
from pixelpatchwork.cli.spending import SpendGuard, yes_spend_option
from pixelpatchwork.cli.watch import watch_rounds
from pixelpatchwork.domain.errors import BudgetExceeded
from pixelpatchwork.domain.model import Hit, HitState, RoundKind
from pixelpatchwork.domain.plan import RoundPlan
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.advance import Advanced
from pixelpatchwork.workflow.advance import advance_day as advance
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.budget import Outlook, outlook
from pixelpatchwork.workflow.collect import Collected
from pixelpatchwork.workflow.collect import collect as collect_rounds
from pixelpatchwork.workflow.pages import render_questions
from pixelpatchwork.workflow.publish import Published, plan_round, publish


@click.command("publish-round", epilog=example("ppw publish-round --dry-run", "ppw publish-round"))
@click.option("--dry-run", is_flag=True, help="Show the plan and what it costs; publish nothing.")
@yes_spend_option
@json_option
@pass_invocation
def publish_round(invocation: Invocation, dry_run: bool, yes_spend: Decimal | None, as_json: bool) -> None:
    """Publish the round that is due: the generation round of the current Day, or its voting round.

    The plan and its cost are shown first. A round that was stopped half way is taken up where it stopped.
    """
    with wired(invocation.settings()) as wiring, Progress(quiet=as_json) as progress:
        services = wiring.services
        plan = plan_round(services)
        room = outlook(plan, services)
        if not as_json:
            say("\n".join([_plan_text(plan, services.study().name), *plan_lines(plan, room)]))
        if plan.round.kind is RoundKind.GENERATION and (obstacle := wiring.editor_obstacle):
            say(
                f"{obstacle} Until that is mended, answers are collected and paid, and their edits wait.",
                err=True,
            )
        if dry_run:
            render_questions(plan.round, plan.hits, services, services.current_day())
            _show_dry_run(plan, room, as_json=as_json)
            return
        if room.refusal is not None:
            raise BudgetExceeded(room.refusal)
        wiring.require_shown_pictures()
        if wiring.spends_on_hits:
            hits = counted(len(plan.hits), "HIT")
            SpendGuard(stated=yes_spend).insist(plan.cost.total, f"{hits} on Mechanical Turk")
        published = publish(plan, services, progress)
    if as_json:
        emit_json({"plan": _plan_json(plan, room), "created": published.created, "found": published.found})
    else:
        say(_published_text(published))


def _plan_text(plan: RoundPlan, study_name: str) -> str:
    cost, hits = plan.cost, plan.hits
    waiting = [hit for hit in hits if hit.state is HitState.PLANNED]
    sizes = _sizes(hits)
    lines = [
        f"“{study_name}”, Day {plan.round.day_number}, {plan.round.kind} round: "
        f"{counted(plan.assignments, 'assignment')} in {counted(len(hits), 'HIT')} ({sizes}) "
        f"at ${plan.round.reward_usd} each.",
        f"Costs at most ${cost.total:.2f}: ${cost.rewards:.2f} for the workers, ${cost.fees:.2f} in fees.",
    ]
    if len(waiting) < len(hits):
        lines.append(f"Published already: {counted(len(hits) - len(waiting), 'HIT')}.")
    if kinds := sorted({check.kind for hit in hits for check in hit.checks}):
        lines.append(f"Attention checks on each ballot: {', '.join(kinds)}.")
    if plan.repeats_ballots:
        lines.append(
            "Each ballot shows all the images: of one worker only the first counts, and all are paid. Where few people"
            " work, ask for more answers in each HIT: `voting.assignments_per_hit`."
        )
    if plan.unseen:
        lines.append(
            f"The ballots have no room for {counted(plan.unseen, 'image')}: raise `voting.assignments` or"
            " `voting.ballot_size`, or nobody votes on them."
        )
    return "\n".join(lines)


def _sizes(hits: tuple[Hit, ...]) -> str:
    sizes = [hit.max_assignments for hit in hits]
    if len(set(sizes)) == 1:
        return f"{sizes[0]} each"
    return f"{min(sizes)} to {max(sizes)} each"


def _plan_json(plan: RoundPlan, room: Outlook) -> dict[str, object]:
    return {
        "round_id": plan.round.round_id,
        "day": plan.round.day_number,
        "kind": plan.round.kind,
        "reward_usd": plan.round.reward_usd,
        "assignments": plan.assignments,
        "unseen_images": plan.unseen,
        "hits": [
            {
                "index": hit.index,
                "max_assignments": hit.max_assignments,
                "ballot": hit.ballot,
                "checks": hit.checks,
                "state": hit.state,
            }
            for hit in plan.hits
        ],
        "rewards_usd": plan.cost.rewards,
        "fees_usd": plan.cost.fees,
        "total_usd": plan.cost.total,
        "edits_usd": plan.round.edit_usd * plan.assignments,
        "budget": rooms_json(room),
        "refusal": room.refusal,
    }


def _show_dry_run(plan: RoundPlan, room: Outlook, *, as_json: bool) -> None:
    if as_json:
        emit_json({"plan": _plan_json(plan, room), "dry_run": True})
    else:
        say("Nothing was published. To publish it, run: ppw publish-round")


def _published_text(published: Published) -> str:
    found = f", {published.found} found as an earlier run had published them" if published.found else ""
    return (
        f"Published {counted(published.created, 'HIT')}{found}. When workers have answered, run: ppw collect"
    )


@click.command(epilog=example("ppw collect", "ppw collect --close", "ppw collect --watch --log-format json"))
@click.option(
    "--close",
    is_flag=True,
    help="Take the open HITs off the market first; what workers are at may still come in.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Go on collecting until Ctrl-C or SIGTERM; --yes-spend is then for all of it together.",
)
@log_format_option
@yes_spend_option
@json_option
@pass_invocation
def collect(
    invocation: Invocation,
    close: bool,
    watch: bool,
    log_format: str,
    yes_spend: Decimal | None,
    as_json: bool,
) -> int:
    """Fetch what workers have submitted, judge it, approve it, and make the edits.

    May be run at any time, any number of times. Every answer is kept as it came and paid for; one that cannot be
    used is left out, with the reason. A round closes by itself when nothing more can come.
    """
    if watch:
        if close or as_json:
            raise click.UsageError(
                "--watch goes with neither --close nor --json (but with --log-format json)"
            )
        allowance = None if yes_spend is None else Allowance(yes_spend)
        watch_rounds(invocation.settings(), allowance=allowance, log_format=log_format)
        return 0
    with wired(invocation.settings()) as wiring, Progress(quiet=as_json) as progress:
        guard = SpendGuard(stated=yes_spend, clear=progress.end)
        done = collect_rounds(
            wiring.services,
            owner=owner_name(),
            may_spend=guard.allows if wiring.spends_on_edits else lambda _amount, _what: True,
            close=close,
            progress=progress,
        )
    if as_json:
        emit_json(done)
    else:
        say(collected_text(done))
    return FAILED if done.unread or done.unpaid or done.edits.stopped else 0


def collected_text(done: Collected) -> str:
    """What one run of `collect` did, and what comes next."""
    edits = done.edits
    lines = [
        f"{counted(done.new_answers, 'new answer')}; {done.judged} judged, {done.unusable} left out; "
        f"{done.paid} approved.",
        f"{counted(edits.made, 'image')} made, {counted(edits.failed, 'edit')} failed, {edits.waiting} waiting.",
    ]
    if edits.unknown:
        lines.append(
            f"{counted(edits.unknown, 'edit')} with an unknown outcome: the editor's answer was lost on the way."
        )
    if done.rejected:
        lines.append(f"{counted(done.rejected, 'answer')} rejected, as you decided.")
    if done.held:
        lines.append(
            f"{counted(done.held, 'answer')} held for you, neither paid nor left out. Run: ppw review"
        )
    lines += _failure_lines(done)
    if edits.stopped:
        lines.append(f"The edits stopped: {edits.stopped}")
    elif edits.waiting:
        lines.append(_elsewhere_text(edits.waiting))
    if done.rounds_closed:
        lines.append("The round is closed. Run: ppw status")
    elif done.answers_missing:
        lines.append(
            f"{counted(done.answers_missing, 'answer')} may still come. Later, run again: ppw collect"
        )
    return "\n".join(lines)


def _failure_lines(done: Collected) -> Iterator[str]:
    """What the marketplace did not do, and whether it may yet."""
    if done.unread or done.unpaid:
        failed = f"{counted(done.unread, 'HIT')} not read, {counted(done.unpaid, 'answer')} not approved"
        yield f"{failed}: {done.first_failure} The next run tries again: ppw collect"
    if done.decided_elsewhere:
        answers = counted(done.decided_elsewhere, "answer")
        yield f"{answers} not approved for good: rejected outside this program, or gone."


def _elsewhere_text(waiting: int) -> str:
    """Of edits that wait though nothing stopped them: somebody else holds their lease."""
    they_are = "it is" if waiting == 1 else "they are"
    return (
        f"{counted(waiting, 'edit is', 'edits are')} being made by another run, or by one that was stopped; "
        f"{they_are} taken up within two minutes. Then run again: ppw collect"
    )


@click.command("advance-day", epilog=example("ppw advance-day"))
@json_option
@pass_invocation
def advance_day(invocation: Invocation, as_json: bool) -> None:
    """Count the votes, name the winner, and open the next Day with it as the seed.

    Most upvotes win; then fewest downvotes, then the earliest image, then the image id decide.
    """
    with wired(invocation.settings()) as wiring:
        advanced = advance(wiring.services)
        winner = wiring.store.image(advanced.winner_image_id)
    if as_json:
        emit_json(asdict(advanced))
    else:
        say(_advanced_text(advanced, winner.prompt_text if winner else ""))


def _advanced_text(advanced: Advanced, prompt: str) -> str:
    votes = advanced.winning
    why = f" with {votes.upvotes} up and {votes.downvotes} down" if votes else ", for want of another"
    return (
        f"Day {advanced.day.number} is closed. The winner is {advanced.winner_image_id}{why}: “{prompt}”\n"
        f"Day {advanced.next_day.number} ({advanced.next_day.date}) starts from it. Run: ppw publish-round"
    )
