"""Asking before real money is spent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.money import Usd

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _Amount(click.ParamType[Usd]):
    """An amount in USD, such as 12.50."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Usd:
        """The amount, exactly."""
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal(-1)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no amount; write dollars, such as 12.50", param, ctx)
        return amount


def yes_spend_option(command: Decorated) -> Decorated:
    """Adds `--yes-spend USD`, as the parameter `yes_spend`."""
    return click.option(
        "--yes-spend",
        type=_Amount(),
        help="Spend up to this much real money without asking.",
    )(command)


@dataclass(frozen=True, kw_only=True)
class SpendGuard:
    """Lets spending pass that was stated in advance, and asks for the rest. `stated`: the amount, if any."""

    stated: Usd | None

    def allows(self, amount: Usd, what: str) -> bool:
        """Whether up to `amount` may be spent on `what`."""
        if self.stated is not None:
            return amount <= self.stated
        if not sys.stdin.isatty():
            return False
        click.echo(f"This spends real money: up to ${amount:.2f} for {what}.", err=True)
        answer: str = click.prompt(
            "Type the amount to go on, anything else to stop", default="", show_default=False, err=True
        )
        return answer.strip().lstrip("$") == f"{amount:.2f}"

    def insist(self, amount: Usd, what: str) -> None:
        """As `allows`, for what cannot wait. Raises PatchworkError where it is not allowed."""
        if not self.allows(amount, what):
            raise PatchworkError(
                f"Nothing was spent: {what} would cost up to ${amount:.2f}. "
                f"To allow that, add: --yes-spend {amount:.2f}"
            )
