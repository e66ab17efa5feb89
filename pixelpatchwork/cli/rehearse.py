"""`ppw rehearse`: a whole study with a simulated crowd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

import click

from pixelpatchwork.cli.faults import FAULTS_HELP, read_faults
from pixelpatchwork.cli.hints import with_config
from pixelpatchwork.cli.insight import days_table, required_status, write_page
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.config import SETTINGS_FILE, load_settings
from pixelpatchwork.domain.money import dollars
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.founding import default_seed
from pixelpatchwork.insight.report import build_report, render_report
from pixelpatchwork.insight.status import Status
from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.rehearsal import RehearsedDay, Script, prepare
from pixelpatchwork.rehearsal import rehearse as play
from pixelpatchwork.wiring import real_world, wired


@click.command(
    epilog=example(
        "ppw rehearse my-rehearsal --days 5 --seed photo.jpg",
        "ppw --config my-study/study.yaml rehearse my-rehearsal --workers 30",
    )
)
@click.argument("directory", default="demo-study", type=click.Path(path_type=Path, file_okay=False))
@click.option("--days", type=click.IntRange(1, 365), default=3, show_default=True, help="How many Days.")
@click.option(
    "--workers", type=click.IntRange(2, 500), default=12, show_default=True, help="How many workers."
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The photograph to start from; without it, the study's own, or one that travels with the program.",
)
@click.option(
    "--random-seed", type=int, default=1, show_default=True, help="The same number tells the same story."
)
@click.option("--faults", callback=read_faults, metavar="FAULTS", help=FAULTS_HELP)
@json_option
@pass_invocation
def rehearse(
    invocation: Invocation,
    directory: Path,
    days: int,
    workers: int,
    seed: Path | None,
    random_seed: int,
    faults: Faults | None,
    as_json: bool,
) -> None:
    """Play a whole study in DIRECTORY with simulated workers: no account, no key, no server, no cost.

    The HITs go through the marketplace's own API and pages, the pictures through the offline editor. What is left is
    an ordinary study: every command works on it. A rehearsal that stands in DIRECTORY is replaced, unless its study
    went on: then nothing is touched.

    With --config (or PPW_CONFIG) that study's rounds, words, judgement, budgets and bonuses are rehearsed; nothing of
    it is touched. What it would hold for you is left out, edits cost nothing, as they do offline, and a budget without
    room ends the rehearsal.
    """
    like = invocation.settings() if invocation.config is not None else None
    script = Script(
        days=days,
        workers=workers,
        seed=seed or (like.seed_path if like else default_seed()),
        random_seed=random_seed,
        faults=faults,
        like=like,
    )
    now = real_world().clock.now()
    file = prepare(directory, script)
    with Progress(quiet=as_json) as progress:
        for played in play(directory, script, now=now, progress=progress):
            progress.end()
            if not as_json:
                click.echo(_day_text(played))
    status, report = _finish(directory)
    if as_json:
        status = replace(status, next_command=with_config(status.next_command, str(file)))
        emit_json({"settings": file, "report": report.resolve(), "status": status})
        return
    click.echo(f"\n{days_table(status.days)}\n")
    click.echo(f"See the Days in a browser: {report.resolve()}")
    click.echo(f"It is an ordinary study now. Try: ppw --config {quote(str(file))} status")


def _finish(directory: Path) -> tuple[Status, Path]:
    """The status of the rehearsed study, and the path of its report."""
    path = directory / "report.html"
    with wired(load_settings(directory / SETTINGS_FILE, {})) as wiring:
        rules = wiring.exhibition.rules
        status = required_status(wiring.store, budget=rules.budget, bonuses=rules.bonuses)
        page = render_report(build_report(wiring.store, wiring.images, generated_at=real_world().clock.now()))
    write_page(path, page)
    return status, path


def _day_text(played: RehearsedDay) -> str:
    generation, voting = played.generation, played.voting
    held = generation.held + (voting.held if voting else 0)
    parts = [
        counted(generation.new_answers, "answer"),
        counted(generation.edits.made, "image"),
        counted(voting.judged, "ballot") if voting else "no ballot",
        *([f"{held} held and left out"] if held else []),
        f"winner {played.advanced.winner_image_id}",
    ]
    if played.bonuses is not None:
        bonuses = counted(played.bonuses.paid, "bonus", "bonuses")
        parts.append(f"{bonuses} for {dollars(played.bonuses.paid_usd)}")
    return f"Day {played.advanced.day.number}: {', '.join(parts)}"
