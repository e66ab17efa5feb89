"""`ppw run`: a study on its own, by the schedule in its settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal

import click

from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.cli.service import log_format_option, logging_as, supervised
from pixelpatchwork.cli.spending import yes_spend_option
from pixelpatchwork.cli.watch import watch_of
from pixelpatchwork.config import Settings
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.schedule import Schedule
from pixelpatchwork.wiring import Wiring, wired
from pixelpatchwork.wiring_watch import open_loop, schedule_of
from pixelpatchwork.workflow.alarm import Alarm
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.notes import Level, Note, State, Tell
from pixelpatchwork.workflow.run import Run


@click.command(epilog=example("ppw run --until-days 7 --yes-spend 40", "ppw run --once"))
@click.option("--once", is_flag=True, help="Do what is due now, and end: for cron or a timer.")
@click.option(
    "--until-days",
    type=click.IntRange(1, 100_000),
    help="End after this many Days of the study; without it, `schedule.until_days` of the settings.",
)
@log_format_option
@yes_spend_option
@pass_invocation
def run(
    invocation: Invocation,
    once: bool,
    until_days: int | None,
    log_format: str,
    yes_spend: Decimal | None,
) -> None:
    """Run the study on its own: publish, collect and advance by the schedule in the settings.

    Goes on until the number of Days, Ctrl-C or SIGTERM. Started again, it finds its place; any step may be taken by
    hand meanwhile. --yes-spend is for everything together that this process does.
    """
    settings = invocation.settings()
    schedule = schedule_of(settings, until_days=until_days)
    allowance = None if yes_spend is None else Allowance(yes_spend)
    with logging_as(log_format) as tell:
        supervised(lambda alarm: _run(settings, schedule, allowance, alarm, tell, once=once), tell=tell)


def _run(
    settings: Settings,
    schedule: Schedule,
    allowance: Allowance | None,
    alarm: Alarm,
    tell: Tell,
    *,
    once: bool,
) -> None:
    with (
        wired(settings) as wiring,
        open_loop(settings, clock=wiring.staging.clock, alarm=alarm, tell=tell) as loop,
    ):
        study = Run(
            services=wiring.services,
            watch=watch_of(wiring, allowance=allowance, alarm=alarm, tell=tell, beat=loop.beat),
            schedule=schedule,
            tell=tell,
            before_publishing=wiring.require_shown_pictures,
            allowance=(allowance or Allowance(Decimal(0))) if wiring.spends_on_hits else None,
        )
        _say_start(wiring, schedule, tell)
        if wiring.spends_on_hits and allowance is None:
            text = "Rounds cost real money on this marketplace, so none is published without --yes-spend USD."
            tell(Note(event="no_spending", text=text, level=Level.WARNING))
        if once:
            _take_what_is_due(study, alarm.is_stopped)
        else:
            loop.run(study.turn)


def _take_what_is_due(study: Run, stops: Callable[[], bool]) -> None:
    """Turn after turn, until the next one is later. Raises PatchworkError where something failed."""
    while not stops():
        turn = study.turn(None)
        if turn.failure is not None:
            raise PatchworkError(turn.failure)
        if turn.state is State.FINISHED or turn.next_at is None:
            return
        if turn.next_at > study.services.clock.now():
            return


def _say_start(wiring: Wiring, schedule: Schedule, tell: Tell) -> None:
    settings, day = wiring.settings, wiring.services.current_day()
    times = settings.schedule
    end = "" if schedule.until_days is None else f", until Day {schedule.until_days} is over"
    text = (
        f"Running the study “{settings.study}”, Day {day.number}{end}: {times.days}, paint {times.generation_at}, "
        f"vote {times.voting_at}, decide {times.advance_at} ({settings.timezone})."
    )
    tell(Note(event="started", text=text, fields={"day": day.number, "pid": os.getpid()}))
    if settings.marketplace == "embedded":
        text = "The study needs people: they reach its HITs as long as this runs beside it: ppw serve"
        tell(Note(event="needs_serve", text=text))
