"""Fees are exact, and known before anything is published."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.domain.money import Cost, Usd, assignment_fee, bonus_fee, dollars, hit_cost, up_to_cents


@pytest.mark.parametrize(
    ("reward", "max_assignments", "fee"),
    [
        ("0.25", 9, "0.05"),
        ("0.25", 10, "0.10"),
        ("0.01", 1, "0.01"),  # at least a cent
        ("0.03", 9, "0.01"),
        ("0.07", 9, "0.01"),  # 1.4 cents
        ("0.08", 9, "0.02"),  # 1.6 cents
        ("0.125", 9, "0.03"),  # 2.5 cents: half up
        ("1.00", 10, "0.40"),
    ],
)
def test_the_fee_is_a_fifth_and_two_fifths_from_ten_assignments_on(
    reward: str, max_assignments: int, fee: str
) -> None:
    assert assignment_fee(Usd(reward), max_assignments=max_assignments) == Decimal(fee)


def test_a_hit_costs_its_rewards_and_fees() -> None:
    assert hit_cost(Usd("0.25"), max_assignments=9) == Cost(rewards=Usd("2.25"), fees=Usd("0.45"))
    assert hit_cost(Usd("0.25"), max_assignments=9).total == Usd("2.70")


@given(st.integers(1, 10_000), st.integers(1, 9))
def test_a_small_hit_never_pays_the_second_fee(cents: int, assignments: int) -> None:
    reward = Usd(cents) / 100
    small = assignment_fee(reward, max_assignments=assignments)
    large = assignment_fee(reward, max_assignments=10)
    assert small <= large
    assert small >= Usd("0.01")


@pytest.mark.parametrize(
    ("bonus", "fee"),
    [("0.50", "0.10"), ("0.01", "0.01"), ("0.07", "0.01"), ("0.08", "0.02"), ("1.00", "0.20")],
)
def test_the_fee_of_a_bonus_is_a_fifth_and_a_cent_at_least(bonus: str, fee: str) -> None:
    assert bonus_fee(Usd(bonus)) == Usd(fee)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("4.8", "$4.80"),
        ("0", "$0.00"),
        ("100", "$100.00"),
        ("0.0061", "$0.0061"),
        ("2.50000", "$2.50"),
        ("-0.5", "-$0.50"),
        ("1E+2", "$100.00"),
    ],
)
def test_amounts_are_shown_with_as_many_places_as_they_need_two_at_least(amount: str, shown: str) -> None:
    assert dollars(Usd(amount)) == shown


@given(st.decimals(0, 1000, places=8))
def test_whole_cents_that_cover_an_amount_are_less_than_a_cent_more(amount: Decimal) -> None:
    assert 0 <= up_to_cents(amount) - amount < Usd("0.01")
