"""`ppw collect --watch`: collecting for days, without anybody looking."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from pixelpatchwork.cli.owner import owner_name
from pixelpatchwork.cli.service import logging_as, supervised
from pixelpatchwork.config import Settings
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.wiring import Wiring, wired
from pixelpatchwork.wiring_watch import open_loop
from pixelpatchwork.workflow.alarm import Alarm
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.notes import Level, Note, Tell
from pixelpatchwork.workflow.services import MaySpend, Progress
from pixelpatchwork.workflow.watch import Watch

BEAT_SECONDS = 15.0
"""How often a turn that takes long says so in the health file, as far as it comes on."""


def watch_rounds(settings: Settings, *, allowance: Allowance | None, log_format: str) -> None:
    """Collects until the process is told to end."""
    with logging_as(log_format) as tell:
        supervised(lambda alarm: _watch(settings, allowance, alarm, tell), tell=tell)


def _watch(settings: Settings, allowance: Allowance | None, alarm: Alarm, tell: Tell) -> None:
    with (
        wired(settings) as wiring,
        open_loop(settings, clock=wiring.staging.clock, alarm=alarm, tell=tell) as loop,
    ):
        watch = watch_of(wiring, allowance=allowance, alarm=alarm, tell=tell, beat=loop.beat)
        day = wiring.services.current_day()
        how = "by the messages of its queue" if settings.watch.queue else "now and then"
        text = f"Watching the study “{settings.study}”, Day {day.number}: answers are collected {how}."
        tell(Note(event="started", text=text, fields={"day": day.number, "pid": os.getpid()}))
        loop.run(watch.turn)


def watch_of(
    wiring: Wiring, *, allowance: Allowance | None, alarm: Alarm, tell: Tell, beat: Callable[[], None]
) -> Watch:
    """The collecting part of a program that lives for days. Says what it may spend."""
    return Watch(
        services=wiring.services,
        owner=owner_name(),
        may_spend=_permission(wiring, allowance, tell),
        stops=alarm.is_stopped,
        tell=tell,
        queue=wiring.settings.watch.queue,
        progress=_beating(beat),
    )


def _permission(wiring: Wiring, allowance: Allowance | None, tell: Tell) -> MaySpend | Allowance:
    """What edits may cost. Nobody is there to be asked, so it was stated at the start, or they wait."""
    if not wiring.spends_on_edits:
        return lambda _amount, _what: True
    if allowance is None:
        text = "Edits cost real money, so they wait. To have them made, start again with --yes-spend USD."
        tell(Note(event="no_spending", text=text, level=Level.WARNING))
        return lambda _amount, _what: False
    left: Usd = allowance.left
    text = f"At most ${left:.2f} is spent in the whole life of this process."
    tell(Note(event="spending", text=text, fields={"most_usd": f"{left:.2f}"}))
    return allowance


def _beating(beat: Callable[[], None]) -> Progress:
    """Progress, as a sign of life now and then."""
    last = monotonic()

    def progress(_what: str, _done: int, _total: int) -> None:
        nonlocal last
        if monotonic() - last >= BEAT_SECONDS:
            last = monotonic()
            beat()

    return progress
