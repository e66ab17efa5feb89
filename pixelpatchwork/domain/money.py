"""Money: exact dollars, and the marketplace's fees.

The fee rules are Amazon Mechanical Turk's published ones: 20% of each reward and bonus, 20% of the reward
more where a HIT has ten assignments or more, at least one cent each, rounded half up to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

Usd = Decimal

NO_MONEY = Usd(0)
CENT = Usd("0.01")
FEE_RATE = Decimal("0.20")
LARGE_HIT_FEE_RATE = Decimal("0.20")
LARGE_HIT = 10
"""A HIT with this many assignments or more pays the second fee on each of them."""


def to_cents(amount: Usd) -> Usd:
    """`amount` rounded half up to the cent."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def assignment_fee(reward: Usd, *, max_assignments: int) -> Usd:
    """The fee for one approved assignment of a HIT with `max_assignments`, in USD."""
    rate = FEE_RATE + (LARGE_HIT_FEE_RATE if max_assignments >= LARGE_HIT else 0)
    return max(CENT, to_cents(reward * rate))


def bonus_fee(bonus: Usd) -> Usd:
    """The fee for one bonus, in USD."""
    return max(CENT, to_cents(bonus * FEE_RATE))


def up_to_cents(amount: Usd) -> Usd:
    """The least whole number of cents that covers `amount`."""
    return amount.quantize(CENT, rounding=ROUND_UP)


def dollars(amount: Usd) -> str:
    """`amount` as people read it: $4.80, and with more places where cents would hide something: $0.0061."""
    sign, exact = "-" if amount < 0 else "", abs(amount).normalize()
    return f"{sign}${exact if exact != to_cents(exact) else to_cents(exact):f}"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a plan costs at most, in USD."""

    rewards: Usd
    fees: Usd

    @property
    def total(self) -> Usd:
        """Rewards and fees together."""
        return self.rewards + self.fees

    def __add__(self, other: Cost) -> Cost:
        return Cost(rewards=self.rewards + other.rewards, fees=self.fees + other.fees)


NO_COST = Cost(rewards=NO_MONEY, fees=NO_MONEY)


def hit_cost(reward: Usd, *, max_assignments: int) -> Cost:
    """What one HIT costs where all of its assignments are approved."""
    fee = assignment_fee(reward, max_assignments=max_assignments)
    return Cost(rewards=reward * max_assignments, fees=fee * max_assignments)
