"""The marketplace that the settings name, opened for whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask

from pixelpatchwork.cli.program import Invocation
from pixelpatchwork.config import Settings
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.password_resets import ResetError
from pixelpatchwork.marketplace.requesters import Keyring, RequesterError
from pixelpatchwork.marketplace.timekeeping import ClockError
from pixelpatchwork.marketplace.workers import WorkerError
from pixelpatchwork.wiring import wired

_MOST_USD = Decimal(1_000_000)
_REFUSALS = (RequesterError, ClockError, WorkerError, ResetError)


def cents(_ctx: click.Context, _option: click.Parameter, text: str) -> Cents:
    """Whole cents of an amount such as 25 or 25.50."""
    try:
        amount = Decimal(text)
        is_right = amount.is_finite() and 0 <= amount <= _MOST_USD and amount == round(amount, 2)
    except InvalidOperation:
        is_right = False
    if not is_right:
        raise click.BadParameter(f"{text} is no amount from 0 to {_MOST_USD:,} such as 25 or 25.50.")
    return int(amount * 100)


def usd(amount: Cents) -> Decimal:
    """An amount for a table."""
    return Decimal(format_usd(amount))


@dataclass(frozen=True, kw_only=True)
class Open:
    """The marketplace of the settings, opened."""

    market: Market
    keyring: Keyring


@contextmanager
def opened(invocation: Invocation) -> Iterator[Open]:
    """The marketplace of the settings. Its refusals become the program's own errors."""
    settings = invocation.settings()
    _require_here(settings)
    with wired(settings) as wiring:
        app: Flask = wiring.marketplace
        try:
            yield Open(market=app.extensions["marketplace"], keyring=app.extensions["keyring"])
        except _REFUSALS as error:
            raise PatchworkError(str(error)) from error


def _require_here(settings: Settings) -> None:
    """Raises PatchworkError where the marketplace of the settings is not one whose database is here."""
    address = urlsplit(settings.marketplace_database_url)
    is_missing = address.scheme.startswith("sqlite") and not Path(address.path).exists()
    if settings.is_mturk or (settings.marketplace != "embedded" and is_missing):
        raise PatchworkError(
            f"The marketplace of these settings is elsewhere ({settings.marketplace}). Run this where it is served."
        )
