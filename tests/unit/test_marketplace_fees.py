"""What a HIT costs, to the cent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.fees import assignment_fee, bonus_fee, format_usd, parse_usd


@pytest.mark.parametrize(
    ("reward", "assignments", "masters", "fee"),
    [
        (15, 9, False, 3),
        (15, 10, False, 6),
        (100, 9, True, 25),
        (100, 10, True, 45),
        (1, 1, False, 1),
        (0, 1, False, 1),
        (12, 1, False, 2),  # 2.4
        (13, 1, False, 3),  # 2.6
        (10, 1, True, 3),  # 2.5: half up
    ],
)
def test_the_fee_of_an_assignment(reward: int, assignments: int, fee: int, *, masters: bool) -> None:
    assert assignment_fee(reward, max_assignments=assignments, masters=masters) == fee


@pytest.mark.parametrize(("bonus", "fee"), [(1, 1), (50, 10), (53, 11), (100, 20)])
def test_the_fee_of_a_bonus(bonus: int, fee: int) -> None:
    assert bonus_fee(bonus) == fee


@pytest.mark.parametrize(
    ("text", "cents"), [("0.15", 15), ("1", 100), ("1.", 100), ("1.5", 150), ("007.05", 705)]
)
def test_amounts_in_the_apis_notation(text: str, cents: int) -> None:
    assert parse_usd(text) == cents


@given(st.integers(0, 10**12))
@settings(max_examples=50, deadline=None)
def test_amounts_come_back(cents: int) -> None:
    assert parse_usd(format_usd(cents)) == cents
