"""The geometry of the report's charts: numbers in, places on a drawing out.

The template only writes down what stands here, so that a chart can be tested without reading SVG. Every
drawing is `WIDTH` units wide, the width of a telephone's column: there one unit is about one CSS pixel, and
letters keep their size on any screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 360
COLUMN_HEIGHT = 220
ROW_HEIGHT = 20
MAX_LABELS = 10
"""Words below a column chart at most; with more columns every second, fifth, ... gets one."""

MAX_COLUMN = 48
"""The width of a column at most: two Days should not look like two walls."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 6, 26, 36
_NAMES, _ABOVE = 132, 8
"""The dot plot's column of names, and the air above its rows."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column's input: `parts` stack from the ground up, each a CSS class and an amount (0 or more)."""

    label: str
    title: str
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A word on an axis and its place along it."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A rectangle to draw. `title` is what a pointer over it shows."""

    x: float
    y: float
    width: float
    height: float
    series: str
    title: str


@dataclass(frozen=True, kw_only=True)
class ColumnChart:
    """Columns over a ground line at y = `ground`, from x = `left` to `right`."""

    height: int
    left: int
    right: int
    ground: int
    bars: tuple[Bar, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One row's input: a share with its interval, all 0 to 1."""

    label: str
    title: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A row to draw: its name at `y`, a line from `x_low` to `x_high`, a dot at `x`."""

    y: float
    x: float
    x_low: float
    x_high: float
    label: str
    title: str


@dataclass(frozen=True, kw_only=True)
class DotPlot:
    """Rows of dots over an axis of shares; `ground` is the axis, `left` where 0 stands."""

    height: int
    left: int
    right: int
    ground: int
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]


def column_chart(columns: Sequence[Column], *, highest: int) -> ColumnChart:
    """Stacked columns of equal width, in the order given, over a scale of whole numbers up to `highest`.

    No column's total is above `highest`; charts that are given the same one can be compared by eye.
    """
    ground = COLUMN_HEIGHT - _BOTTOM
    right = WIDTH - _RIGHT
    ticks = whole_ticks(highest)
    unit = (ground - _TOP) / ticks[-1]
    step = (right - _LEFT) / max(1, len(columns))
    every = next_round(len(columns) / MAX_LABELS)
    bars: list[Bar] = []
    for index, column in enumerate(columns):
        bars.extend(_stack(column, x=_LEFT + index * step, step=step, ground=ground, unit=unit))
    return ColumnChart(
        height=COLUMN_HEIGHT,
        left=_LEFT,
        right=right,
        ground=ground,
        bars=tuple(bars),
        y_ticks=tuple(Tick(at=round(ground - tick * unit, 2), label=str(tick)) for tick in ticks),
        x_ticks=tuple(
            Tick(at=round(_LEFT + (index + 0.5) * step, 2), label=column.label)
            for index, column in enumerate(columns)
            if index % every == 0
        ),
    )


def dot_plot(rows: Iterable[Estimate]) -> DotPlot:
    """One row for each estimate, in the order given, over a scale from 0% to 100%."""
    rows = tuple(rows)
    left, right = _NAMES, WIDTH - 14
    ground = _ABOVE + ROW_HEIGHT * len(rows)

    def at(share: float) -> float:
        return round(left + share * (right - left), 2)

    return DotPlot(
        height=ground + _BOTTOM,
        left=left,
        right=right,
        ground=ground,
        dots=tuple(
            Dot(
                y=_ABOVE + ROW_HEIGHT * (index + 0.5),
                x=at(row.share),
                x_low=at(row.low),
                x_high=at(row.high),
                label=row.label,
                title=row.title,
            )
            for index, row in enumerate(rows)
        ),
        x_ticks=tuple(Tick(at=at(share), label=f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)),
    )


def whole_ticks(highest: int) -> tuple[int, ...]:
    """Whole numbers from 0 to `highest` or just above it, evenly spaced, at most six."""
    step = next_round(highest / 4)
    return tuple(range(0, max(highest, 1) + step, step))


def next_round(value: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is not below `value`."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= value:
                return digit * power
        power *= 10


def _stack(column: Column, *, x: float, step: float, ground: float, unit: float) -> Iterable[Bar]:
    width = min(step * 0.84, MAX_COLUMN)
    top = ground
    for series, amount in column.parts:
        height = amount * unit
        top -= height
        if amount:
            yield Bar(
                x=round(x + (step - width) / 2, 2),
                y=round(top, 2),
                width=round(width, 2),
                height=round(height, 2),
                series=series,
                title=column.title,
            )
