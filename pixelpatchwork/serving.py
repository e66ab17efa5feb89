"""What is said before the marketplace is served: whether these settings serve one, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from pixelpatchwork.config import Settings, shown
from pixelpatchwork.domain.errors import ConfigurationError

LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])
"""Addresses at which nobody but this machine can reach what listens."""


def check_servable(settings: Settings) -> None:
    """Raises ConfigurationError where the study's HITs are at AWS: served here would be a marketplace without them."""
    if settings.is_mturk:
        raise ConfigurationError(
            f"These settings publish at AWS (`marketplace: {settings.marketplace}`), so a marketplace served here would"
            " have none of the study's HITs. Set `marketplace` to embedded, or give `ppw serve` settings of its own."
        )


def notes(settings: Settings, host: str) -> Iterator[str]:
    """What whoever serves on `host` should know, in sentences; nothing where all is as it should be."""
    serve = settings.serve
    if serve.public_url is None and (host not in LOOPBACK or serve.signup is not None):
        yield (
            "serve.public_url is empty, so the site answers under any name and writes that name into its links. Set it"
            " to the address that people use, such as https://market.example.org; then other names are refused."
        )
    if settings.marketplace not in {"embedded", serve.public_url}:
        yield (
            f"Served is the marketplace in {shown(settings.marketplace_database)}. The other commands of these settings"
            f" publish at {shown(settings.marketplace)}: that must be the address of this one (`marketplace`)."
        )
