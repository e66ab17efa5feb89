"""`ppw review`: the answers that are held, in the terminal or on a page, and the requester's word on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from pixelpatchwork.cli.hints import hinted, say
from pixelpatchwork.cli.insight import write_page
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.domain.model import AssignmentId, CheckKind, Choice, RoundKind
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.insight.held import HeldAnswer, HeldVote, read_held
from pixelpatchwork.insight.review import build_review, render_review
from pixelpatchwork.wiring import Wiring, real_world, wired
from pixelpatchwork.workflow.review import Reviewed, Ruling
from pixelpatchwork.workflow.review import review as decide

LONGEST_REASON = 1024
"""Characters that Mechanical Turk takes (AWS's API reference)."""
_MARKS = {Choice.UP: "+", Choice.DOWN: "-", Choice.SKIP: "."}
_LEGEND = (
    "+ up, - down, . skipped; R is an attention check that repeats a picture, B one that shows a broken one."
)


@click.command(
    epilog=example(
        "ppw review",
        "ppw review --page held.html",
        "ppw review 3AUQQEL7U5T --accept",
        "ppw review 3AUQQEL7U5T --reject --reason 'The mask is a test stroke.'",
        "ppw review --all --leave-out",
    )
)
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@click.option("--all", "everything", is_flag=True, help="Every held answer; not with --reject.")
@click.option(
    "--accept", "ruling", flag_value=Ruling.ACCEPT.value, help="Use it as if nothing were wrong with it."
)
@click.option(
    "--leave-out", "ruling", flag_value=Ruling.LEAVE_OUT.value, help="Pay for it; nothing of it counts."
)
@click.option(
    "--reject", "ruling", flag_value=Ruling.REJECT.value, help="Do not pay; the worker reads your reason."
)
@click.option("--reason", default="", metavar="TEXT", help="Why: kept with the answer.")
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with masks, prompts and pictures side by side.",
)
@json_option
@pass_invocation
def review(
    invocation: Invocation,
    assignments: tuple[str, ...],
    everything: bool,
    ruling: str | None,
    reason: str,
    page: Path | None,
    as_json: bool,
) -> int:
    """Show the answers that are held for you, and decide them.

    With `judgement.policy: hold`, an answer that cannot be used or fails an attention check waits for you. What you do
    not decide within `auto_approval_days`, the marketplace pays by itself; it is then left out.
    """
    word = None if ruling is None else Ruling(ruling)
    _check_usage(assignments, everything, word, reason, page)
    with wired(invocation.settings()) as wiring:
        if word is None:
            _show_held(wiring, page, as_json=as_json)
            return 0
        wanted = None if everything else [AssignmentId(one) for one in assignments]
        with Progress(quiet=as_json) as progress:
            done = decide(wiring.services, wanted, ruling=word, reason=reason, progress=progress)
    if as_json:
        emit_json(done)
    else:
        say("\n".join(reviewed_lines(done)))
    return FAILED if done.unusable or done.unpaid else 0


def _check_usage(
    assignments: tuple[str, ...], everything: bool, ruling: Ruling | None, reason: str, page: Path | None
) -> None:
    """Raises UsageError where the options do not fit together."""
    if ruling is None:
        if assignments or everything or reason:
            raise click.UsageError("Say what becomes of it: --accept, --leave-out or --reject.")
        return
    if page is not None:
        raise click.UsageError("--page shows what is held; write it before you decide.")
    if everything == bool(assignments):
        raise click.UsageError("Name the assignments, or give --all.")
    if ruling is Ruling.REJECT and everything:
        raise click.UsageError("A rejection costs a worker his standing: name the assignments one by one.")
    if ruling is Ruling.REJECT and not reason.strip():
        raise click.UsageError("A rejection needs a reason that the worker reads: --reason TEXT")
    if len(reason) > LONGEST_REASON:
        raise click.UsageError(f"The reason is {len(reason):,} characters long; at most {LONGEST_REASON:,}.")


# ---- what is held ---------------------------------------------------------------------------------------


def _show_held(wiring: Wiring, page: Path | None, *, as_json: bool) -> None:
    rules = wiring.exhibition.rules
    delays = {kind: rules.of(kind).auto_approval_delay for kind in RoundKind}
    held = read_held(wiring.store, pays_itself_after=delays)
    if page is not None:
        _write(page, held, wiring)
    if as_json:
        emit_json({"held": held, "page": page.resolve() if page else None})
        return
    say(_held_text(held))
    if page is not None:
        say(f"The page: {page.resolve()}")


def _write(path: Path, held: tuple[HeldAnswer, ...], wiring: Wiring) -> None:
    built = build_review(
        held,
        wiring.store,
        wiring.images,
        study_name=wiring.exhibition.study().name,
        generated_at=real_world().clock.now(),
        command=hinted("ppw review"),
    )
    write_page(path, render_review(built))


def _held_text(held: tuple[HeldAnswer, ...]) -> str:
    if not held:
        return "No answer is held. Run: ppw status"
    lines = [line for one in held for line in (*_held_lines(one), "")]
    if any(one.votes for one in held):
        lines += [_LEGEND, ""]
    return "\n".join(
        (
            *lines,
            "Masks and pictures: ppw review --page held.html",
            "Decide with: ppw review ASSIGNMENT --accept, --leave-out, or --reject --reason TEXT",
        )
    )


def _held_lines(one: HeldAnswer) -> Iterator[str]:
    yield (
        f"{one.assignment_id}  {one.artist}, Day {one.day} {one.round}, "
        f"pays itself {one.pays_itself_at:%Y-%m-%d %H:%M} UTC"
    )
    yield f"  {one.reason}"
    if one.votes:
        yield f"  Votes: {_votes(one.votes)}"
    elif one.prompt:
        yield f"  Prompt: “{one.prompt}”"


def _votes(votes: tuple[HeldVote, ...]) -> str:
    """A ballot as a row of marks; see `_LEGEND`."""
    names = {CheckKind.REPEAT: "R", CheckKind.BROKEN: "B"}
    return " ".join(_MARKS[vote.choice] + (names[vote.check] if vote.check else "") for vote in votes)


# ---- what was decided -----------------------------------------------------------------------------------

_DONE = {Ruling.ACCEPT: "accepted", Ruling.LEAVE_OUT: "left out", Ruling.REJECT: "rejected"}


def reviewed_lines(done: Reviewed) -> Iterator[str]:
    """What became of a ruling, and what comes next."""
    so_done = counted(len(set(done.decided) - set(done.overtaken)), "answer")
    yield f"{so_done} {_DONE[done.ruling]}; {done.paid} paid, {done.rejected} rejected."
    for assignment_id, reason in done.unusable:
        yield f"{assignment_id} cannot be accepted: {reason} Leave it out, or reject it."
    if done.too_late:
        yield f"Decided by another run meanwhile: {', '.join(done.too_late)}."
    if done.overtaken:
        yield f"Paid in the marketplace before this, too late to be rejected: {', '.join(done.overtaken)}."
    if done.decided_elsewhere:
        yield f"{counted(done.decided_elsewhere, 'answer')} decided in the marketplace before this."
    if done.unpaid:
        yield f"{counted(done.unpaid, 'answer')} not settled yet: {done.failure}"
    if done.decided:
        yield "What follows from it (edits, the round's end) comes with: ppw collect"
