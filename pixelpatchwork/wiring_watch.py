"""Settings -> what programs that live for days need beside the services: a queue, a pace, a health file, a schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from pixelpatchwork.adapters.health_file import HealthFile
from pixelpatchwork.adapters.sqs_signals import SqsSignals, sqs_client
from pixelpatchwork.config import Settings
from pixelpatchwork.config_schedule import clock_time, weekdays
from pixelpatchwork.domain.ports import Clock
from pixelpatchwork.domain.schedule import Schedule
from pixelpatchwork.domain.signals import NoSignals, Signals
from pixelpatchwork.workflow.alarm import Alarm
from pixelpatchwork.workflow.loop import Loop, Pace
from pixelpatchwork.workflow.notes import Health, Level, Note, Tell

HEARING_PACE = timedelta(minutes=5)
DEAF_PACE = timedelta(minutes=1)


@contextmanager
def open_loop(settings: Settings, *, clock: Clock, alarm: Alarm, tell: Tell) -> Iterator[Loop]:
    """The loop of a program that lives for days, listening to its queue while the block runs."""
    with _listening(settings, alarm, tell) as signals:
        yield Loop(
            clock=clock,
            random=Random(),  # noqa: S311  # it spreads collectors over time, and hides nothing
            waits=alarm,
            signals=signals,
            tell=tell,
            record=_recorder(settings, tell),
            pace=pace_of(settings),
        )


def pace_of(settings: Settings) -> Pace:
    """How often everything is read."""
    chosen = settings.watch.sweep_minutes
    if chosen is None:
        return Pace(hearing=HEARING_PACE, deaf=DEAF_PACE)
    sweep = timedelta(minutes=chosen)
    return Pace(hearing=sweep, deaf=min(sweep, DEAF_PACE) if settings.watch.queue else sweep)


def schedule_of(settings: Settings, *, until_days: int | None = None) -> Schedule:
    """The schedule, with another number of Days where one is given."""
    chosen = settings.schedule
    return Schedule(
        weekdays=weekdays(chosen.days),
        generation_at=clock_time(chosen.generation_at),
        voting_at=clock_time(chosen.voting_at),
        advance_at=clock_time(chosen.advance_at),
        timezone=settings.zone,
        until_days=until_days or chosen.until_days,
    )


@contextmanager
def _listening(settings: Settings, alarm: Alarm, tell: Tell) -> Iterator[Signals]:
    url = settings.watch.queue
    if url is None:
        yield NoSignals()
        return
    client = sqs_client(
        queue_url=url, endpoint_url=settings.watch.queue_endpoint_url, region=settings.s3.region
    )

    def trouble(text: str) -> None:
        tell(Note(event="queue_fails", text=text, level=Level.WARNING))

    signals = SqsSignals(client, url, ring=alarm.ring, trouble=trouble)
    with signals.running():
        yield signals


def _recorder(settings: Settings, tell: Tell) -> Callable[[Health], None]:
    """Writes the health file, where there is to be one."""
    name = settings.watch.health_file
    if name is None:
        return lambda _health: None
    file = HealthFile(
        settings.path(name),
        trouble=lambda text: tell(Note(event="health_file_fails", text=text, level=Level.WARNING)),
    )
    return lambda health: file.write(_content(health))


def _content(health: Health) -> dict[str, object]:
    return {
        "at": _written(health.at),
        "state": health.state.value,
        "started_at": _written(health.started_at),
        "last_success_at": _written(health.last_success_at),
        "next_turn_at": _written(health.next_turn_at),
        "turns": health.turns,
        "failures_in_a_row": health.failures_in_a_row,
        "last_failure": health.last_failure,
        "totals": dict(health.totals),
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
