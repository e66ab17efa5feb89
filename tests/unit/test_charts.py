"""The geometry of the charts: nothing outside the drawing, and places that say the numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.insight.charts import (
    MAX_LABELS,
    WIDTH,
    Column,
    Estimate,
    column_chart,
    dot_plot,
    next_round,
    whole_ticks,
)

quick = settings(max_examples=60, deadline=None)


def column(*amounts: int) -> Column:
    return Column(label="1", title="t", parts=tuple((str(i), amount) for i, amount in enumerate(amounts)))


@given(columns=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=80))
@quick
def test_columns_stand_on_the_ground_and_are_as_high_as_their_amounts(columns: list[tuple[int, int]]) -> None:
    highest = max((sum(amounts) for amounts in columns), default=0)
    chart = column_chart([column(*amounts) for amounts in columns], highest=highest)
    unit = (chart.ground - chart.y_ticks[-1].at) / int(chart.y_ticks[-1].label)
    drawn = [amount for amounts in columns for amount in amounts if amount]
    assert [bar.height for bar in chart.bars] == pytest.approx([amount * unit for amount in drawn], abs=0.01)
    for bar in chart.bars:
        assert chart.left <= bar.x
        assert bar.x + bar.width <= chart.right
        assert bar.y >= 0
        if bar.series == "0":
            assert bar.y + bar.height == pytest.approx(chart.ground, abs=0.02)


def test_a_second_part_is_stacked_on_the_first() -> None:
    lower, upper = column_chart([column(3, 2)], highest=5).bars
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.02)
    assert (upper.x, upper.width) == (lower.x, lower.width)


def test_charts_of_one_scale_draw_equal_amounts_equally_high() -> None:
    one = column_chart([column(4)], highest=40)
    other = column_chart([column(40), column(4)], highest=40)
    assert one.bars[0].height == other.bars[1].height


@pytest.mark.parametrize("columns", [1, 10, 11, 365])
def test_words_under_columns_stay_few(columns: int) -> None:
    chart = column_chart([column(1)] * columns, highest=1)
    assert 1 <= len(chart.x_ticks) <= MAX_LABELS
    assert len(chart.bars) == columns


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [(0, (0, 1)), (1, (0, 1)), (4, (0, 1, 2, 3, 4)), (5, (0, 2, 4, 6)), (12, (0, 5, 10, 15))],
)
def test_ticks_are_whole_numbers_up_to_the_highest(highest: int, ticks: tuple[int, ...]) -> None:
    assert whole_ticks(highest) == ticks


@given(highest=st.integers(0, 10**7))
@quick
def test_a_scale_reaches_its_highest_value_in_few_even_steps(highest: int) -> None:
    ticks = whole_ticks(highest)
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] >= highest
    assert {later - earlier for earlier, later in pairwise(ticks)} == {ticks[1]}


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 1), (1, 1), (1.1, 2), (3, 5), (7, 10), (10, 10), (11, 20)]
)
def test_round_numbers_are_one_two_five_and_their_tens(value: float, expected: int) -> None:
    assert next_round(value) == expected


def test_dots_lie_between_nothing_and_all() -> None:
    rows = [Estimate(label=str(share), title="", share=share, low=0, high=1) for share in (0, 0.5, 1)]
    plot = dot_plot(rows)
    assert [dot.x for dot in plot.dots] == [plot.left, (plot.left + plot.right) / 2, plot.right]
    assert {(dot.x_low, dot.x_high) for dot in plot.dots} == {(plot.left, plot.right)}
    assert plot.right < WIDTH
    assert [dot.y for dot in plot.dots] == sorted(dot.y for dot in plot.dots)
    assert plot.dots[-1].y < plot.ground < plot.height
