"""What every test shares: fresh databases, the Hypothesis profiles, and a CI in which nothing is skipped."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

import pytest
from hypothesis import settings

from tests.support.hostile import LONGEST_MS, NIGHTLY, is_nightly
from tests.support.nothing_skipped import NothingSkipped
from tests.support.stores import database_url, mysql_url

__all__ = ["database_url", "mysql_url"]

settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.register_profile(NIGHTLY, deadline=LONGEST_MS, print_blob=True)


def is_ci(environ: Mapping[str, str]) -> bool:
    return environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell has its background jobs ignore Ctrl-C, and with them whatever programs the tests start and interrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile(NIGHTLY if is_nightly() else "ci" if is_ci(os.environ) else "default")
    if is_ci(os.environ):
        config.pluginmanager.register(NothingSkipped())
