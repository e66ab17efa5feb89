"""`ppw status` and `ppw report`: what the study shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from pixelpatchwork.cli.budgets import bonus_lines, money_table
from pixelpatchwork.cli.hints import hinted, say
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.bonuses import NO_BONUSES, BonusRules
from pixelpatchwork.domain.budget import NO_BUDGET, Budget
from pixelpatchwork.domain.errors import NothingToDo, PatchworkError
from pixelpatchwork.domain.model import EditState, RoundState
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.insight.report import build_report, render_report
from pixelpatchwork.insight.status import DayStatus, RoundStatus, Status, study_status
from pixelpatchwork.wiring import real_world, wired

_ANOTHER_PAGE = "Choose another file."


@click.command(epilog=example("ppw status", "ppw --config demo-study/study.yaml status --json"))
@json_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """Say where the study stands, and which command comes next."""
    with wired(invocation.settings()) as wiring:
        rules = wiring.exhibition.rules
        found = required_status(wiring.store, budget=rules.budget, bonuses=rules.bonuses)
    if as_json:
        emit_json(replace(found, next_command=hinted(found.next_command)))
    else:
        say(_status_text(found))


def required_status(store: Store, *, budget: Budget = NO_BUDGET, bonuses: BonusRules = NO_BONUSES) -> Status:
    """The study's status. Raises NothingToDo before `ppw init`."""
    found = study_status(store, budget=budget, bonuses=bonuses)
    if found is None:
        raise NothingToDo("There is no study in this database yet. Run: ppw init")
    return found


def _status_text(found: Status) -> str:
    lines = [f"{found.study} ({found.study_id})", "", days_table(found.days), ""]
    going_on = [*_left_behind(found.days)]
    going_on += [_round_text(one) for day in found.days if day.is_current for one in day.rounds]
    if found.edits_unknown:
        going_on.append(
            f"{counted(found.edits_unknown, 'edit')} with an unknown outcome, perhaps billed all the same."
        )
    if going_on:
        lines += [*going_on, ""]
    if any(day.rounds for day in found.days):
        lines += [money_table(found), ""]
    lines += _waiting_for_you(found)
    lines += bonus_lines(found)
    lines.append(f"Next: {found.next_step}. Run: {found.next_command}")
    return "\n".join(lines)


def _left_behind(days: tuple[DayStatus, ...]) -> Iterator[str]:
    """The rounds of earlier Days that are not at their end."""
    for day in days:
        for one in day.rounds:
            if not day.is_current and one.state is not RoundState.CLOSED:
                yield f"Day {day.number}: {_round_text(one)}"


def _waiting_for_you(found: Status) -> Iterator[str]:
    """What nobody but the requester can decide."""
    held = sum(one.held for day in found.days for one in day.rounds)
    if held:
        yield f"{counted(held, 'answer')} held for you, neither paid nor left out. Run: ppw review"
    if found.flagged:
        flagged = counted(len(found.flagged), "picture")
        yield f"{flagged} hidden by flags until you look: {', '.join(found.flagged)}. Run: ppw images list"


def days_table(days: tuple[DayStatus, ...]) -> str:
    """The Days, one a line."""
    rows = [
        (
            day.number,
            day.date,
            day.images,
            day.total_votes if not day.is_current else None,
            day.total_participants if not day.is_current else None,
            _shortened(day.winner_prompt) if day.winner_prompt is not None else "(going on)",
        )
        for day in days
    ]
    return table(rows, ("Day", "Date", "Images", "Votes", "People", "Winner"))


def _shortened(text: str, *, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _round_text(one: RoundStatus) -> str:
    edits = {state: count for state, count in one.edits.items() if state is not EditState.DONE}
    parts = [
        f"{one.kind} round {'cancelled and ' if one.is_cancelled else ''}{one.state}: "
        f"{one.answers} of {counted(one.wanted, 'answer')}",
        f"{one.hits_open} of {counted(one.hits, 'HIT')} {'may still bring work' if one.is_cancelled else 'open'}"
        + (f" until {one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else ""),
    ]
    if one.unusable:
        parts.append(f"{one.unusable} left out")
    if one.unpaid:
        parts.append(f"{one.unpaid} not yet approved")
    parts += [f"{counted(count, 'edit')} {state}" for state, count in edits.items()]
    return ", ".join(parts)


@click.command(epilog=example("ppw report --output story.html"))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the page; without it, report.html beside the settings.",
)
@json_option
@pass_invocation
def report(invocation: Invocation, output: Path | None, as_json: bool) -> None:
    """Write one page that shows every Day: its seed, its winner, its images by votes, and what the votes say.

    The page stands alone: it loads nothing, and shows no worker's id.
    """
    settings = invocation.settings()
    path = output or settings.folder / "report.html"
    with wired(settings) as wiring:
        page = render_report(build_report(wiring.store, wiring.images, generated_at=real_world().clock.now()))
    write_page(path, page)
    if as_json:
        emit_json({"report": path.resolve(), "bytes": len(page.encode())})
    else:
        say(f"The report: {path.resolve()}")


def write_page(path: Path, page: str) -> None:
    """Writes a page over an earlier one. Raises PatchworkError where that fails, or another kind of file is there."""
    try:
        if path.exists() and not _may_be_replaced(path):
            raise PatchworkError(
                f"{path} is there and is no HTML page, so it is not replaced. {_ANOTHER_PAGE}"
            )
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise PatchworkError(f"Cannot write {path}: {error.strerror}. {_ANOTHER_PAGE}") from error


def _may_be_replaced(path: Path) -> bool:
    """An earlier page, or what holds nothing: an empty file, a device."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        start = file.read(512)
    return not start or start.lstrip().lower().startswith((b"<!doctype html", b"<html"))
