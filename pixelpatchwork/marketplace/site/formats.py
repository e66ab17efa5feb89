"""Money, durations and instants as workers read them."""

from __future__ import annotations

from flask import Blueprint

from pixelpatchwork.marketplace.clock import Millis, duration_words, to_datetime
from pixelpatchwork.marketplace.fees import Cents, format_usd


def usd(cents: Cents) -> str:
    """`$0.15`."""
    return f"${format_usd(cents)}"


def day_and_time(millis: Millis) -> str:
    """`21 Nov 2026, 20:40 UTC`."""
    instant = to_datetime(millis)
    return f"{instant.day} {instant:%b %Y, %H:%M} UTC"


def iso(millis: Millis) -> str:
    """The instant for a `datetime` attribute."""
    return f"{to_datetime(millis):%Y-%m-%dT%H:%M:%SZ}"


def add_to(pages: Blueprint) -> None:
    """Makes the formats filters of every template."""
    for name, format_value in (
        ("usd", usd),
        ("duration", duration_words),
        ("day_and_time", day_and_time),
        ("iso", iso),
    ):
        pages.add_app_template_filter(format_value, name)
