"""The section `schedule` of the settings: when a study that runs by itself takes its steps."""

from __future__ import annotations

import re
from datetime import time
from itertools import count, takewhile
from typing import Annotated

from pydantic import AfterValidator, Field

from pixelpatchwork.config_sections import Section

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def weekdays(text: str) -> frozenset[int]:
    """`mon-fri`, `sat-mon`, `mon, wed, fri` as numbers, Monday 0. Raises ValueError for anything else."""
    return frozenset(day for part in text.lower().split(",") for day in _span(part.strip()))


def _span(text: str) -> list[int]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError("names no weekdays")
    if not dash:
        return [WEEKDAYS.index(first)]
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    return [*takewhile(lambda day: day != end, ((start + ahead) % 7 for ahead in count())), end]


def clock_time(text: str) -> time:
    """`09:30`, or `9:30`, as a time of day. Raises ValueError for anything else."""
    match = _CLOCK_TIME.fullmatch(text)
    if match is None:
        raise ValueError("is no time of day")
    return time(int(match[1]), int(match[2]))


def _checked_weekdays(text: str) -> str:
    weekdays(text)
    return text


def _checked_time(text: str) -> str:
    clock_time(text)
    return text


Weekdays = Annotated[
    str,
    Field(max_length=100, json_schema_extra={"allowed": "weekdays such as mon-fri, or mon, wed, sat"}),
    AfterValidator(_checked_weekdays),
]
ClockTime = Annotated[
    str,
    Field(json_schema_extra={"allowed": "a time of day such as 09:00"}),
    AfterValidator(_checked_time),
]


class ScheduleSettings(Section):
    """`ppw run`."""

    days: Weekdays = Field(
        default="mon-sun", description="On which weekdays something is published, closed or decided."
    )
    generation_at: ClockTime = Field(
        default="09:00",
        description="When the generation round is published, in the study's `timezone`. Each round lasts until the next"
        " step's time; the same time again means the next day.",
    )
    voting_at: ClockTime = Field(
        default="15:00", description="When the generation round is closed and the voting round published."
    )
    advance_at: ClockTime = Field(
        default="21:00", description="When the voting round is closed and the winner named."
    )
    until_days: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="After how many Days `ppw run` ends. Empty: it goes on until it is told to end.",
    )
