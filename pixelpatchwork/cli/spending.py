"""Asking before real money is spent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.money import Usd, up_to_cents

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _Amount(click.ParamType[Usd]):
    """An amount in USD, such as 12.50."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Usd:
        """The amount, exactly."""
        amount = _read_amount(str(value))
        if amount is None:
            self.fail(f"{value!r} is no amount; write dollars, such as 12.50", param, ctx)
        return amount


def _read_amount(text: str) -> Usd | None:
    """An amount of dollars, or None where the text is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def yes_spend_option(command: Decorated) -> Decorated:
    """Adds `--yes-spend USD`, as the parameter `yes_spend`."""
    return click.option(
        "--yes-spend",
        type=_Amount(),
        help="Spend up to this much real money without asking.",
    )(command)


def ask_on_terminal(question: str) -> str | None:
    """What is typed in answer to a question, or None where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        return None
    click.echo(question, err=True)
    typed: str = click.prompt(
        "Type the amount to go on, anything else to stop", default="", show_default=False, err=True
    )
    return typed


@dataclass(frozen=True, kw_only=True)
class SpendGuard:
    """Lets spending pass that was stated in advance, and asks for the rest.

    `stated` is the amount, if any; `ask` puts a question and gives what was typed, None where nobody can answer.
    `clear` is called before anything is said: a progress bar ends its line.
    """

    stated: Usd | None
    ask: Callable[[str], str | None] = ask_on_terminal
    clear: Callable[[], None] = lambda: None

    def allows(self, amount: Usd, what: str) -> bool:
        """Whether up to `amount` may be spent on `what`. Where not, stderr says why."""
        refusal = self._refusal(amount, what)
        if refusal is not None:
            click.echo(refusal, err=True)
        return refusal is None

    def insist(self, amount: Usd, what: str) -> None:
        """As `allows`, for what cannot wait. Raises PatchworkError where it is not allowed."""
        refusal = self._refusal(amount, what)
        if refusal is not None:
            raise PatchworkError(refusal)

    def _refusal(self, amount: Usd, what: str) -> str | None:
        """Why it may not be spent, and how to allow it; None where it may."""
        self.clear()
        shown = up_to_cents(amount)
        would = f"Nothing was spent: {what} would cost up to ${shown:f}."
        if self.stated is not None:
            allowed = (
                f"{would} --yes-spend allows ${self.stated:f}. To allow it all, say: --yes-spend {shown:f}"
            )
            return None if amount <= self.stated else allowed
        typed = self.ask(f"This spends real money: up to ${shown:f} for {what}.")
        if typed is None:
            return f"{would} To allow that, add: --yes-spend {shown:f}"
        if _read_amount(typed.strip().removeprefix("$")) != shown:
            return f"{would} What you typed is another amount. To go on, type {shown:f}"
        return None
