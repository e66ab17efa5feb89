"""What a HIT costs its requester, in whole cents.

Rates from Mechanical Turk's price list (https://requester.mturk.com/pricing, as last published): 20 % of rewards
and bonuses, 20 % of the reward more where a HIT has ten or more assignments, 5 % more where Masters are required,
at least one cent for each assignment or bonus; rounded half up to the cent.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

_BASE_PERCENT = 20
_MANY_PERCENT = 20
_MASTERS_PERCENT = 5
MANY_ASSIGNMENTS = 10

Cents = int


def parse_usd(text: str) -> Cents:
    """Cents of an amount in the API's notation (`12`, `12.`, `12.3`, `12.34`), which has been checked before."""
    return int((Decimal(text) * 100).to_integral_value(ROUND_DOWN))


def format_usd(cents: Cents) -> str:
    """The amount in the API's notation, always with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def assignment_fee(reward: Cents, *, max_assignments: int, masters: bool = False) -> Cents:
    """The marketplace's fee for one approved assignment."""
    percent = _BASE_PERCENT
    if max_assignments >= MANY_ASSIGNMENTS:
        percent += _MANY_PERCENT
    if masters:
        percent += _MASTERS_PERCENT
    return _fee(reward, percent)


def bonus_fee(bonus: Cents) -> Cents:
    """The marketplace's fee for one bonus."""
    return _fee(bonus, _BASE_PERCENT)


def _fee(amount: Cents, percent: int) -> Cents:
    return max(1, (amount * percent + 50) // 100)
