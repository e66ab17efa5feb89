"""`--faults`: trouble on demand, for `ppw serve` and `ppw rehearse`."""

from __future__ import annotations

import click

from pixelpatchwork.marketplace.faults import Faults, FaultsError, parse_faults

FAULTS_HELP = (
    "Trouble on demand, to see how a study survives it: throttle=0.05,timeout_after_commit=0.01,delay=20ms,"
    "late_assignments=30s,approve_lag=1m,seed=7, any of them."
)


def read_faults(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Faults | None:
    """What `--faults` says. Raises BadParameter."""
    try:
        return None if text is None else parse_faults(text)
    except FaultsError as error:
        raise click.BadParameter(str(error)) from error
