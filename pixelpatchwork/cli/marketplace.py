"""`ppw marketplace`: what whoever runs a marketplace does. Its clock is here, each other noun in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import click

from pixelpatchwork.cli.marketplace_invite import invite
from pixelpatchwork.cli.marketplace_money import ledger, payouts
from pixelpatchwork.cli.marketplace_open import opened
from pixelpatchwork.cli.marketplace_requester import (
    add_key,
    add_requester,
    deposit,
    requester,
    revoke_key,
    withdraw,
)
from pixelpatchwork.cli.marketplace_vouch import vouch
from pixelpatchwork.cli.marketplace_worker import worker
from pixelpatchwork.cli.output import emit_json, example, json_option
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.marketplace import timekeeping
from pixelpatchwork.marketplace.clock import SECOND, duration_words, parse_duration, to_datetime
from pixelpatchwork.marketplace.moment import Moment


@click.group(
    epilog=example("ppw marketplace clock --advance 2d", "ppw marketplace add-requester 'Vision Lab'")
)
def marketplace() -> None:
    """Run the marketplace that is embedded or served: its clock, its people and its money.

    Every command works on the database that `marketplace_database` names, whether or not it is being served.
    """


for _command in (
    *(add_requester, add_key, revoke_key, requester, deposit, withdraw),
    *(worker, invite, vouch, ledger, payouts),
):
    marketplace.add_command(_command)


def _millis(_ctx: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Milliseconds of a duration such as 2d."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@marketplace.command(epilog=example("ppw marketplace clock --advance 2d"))
@click.option("--advance", callback=_millis, metavar="DURATION", help="Move it on: 90s, 20m, 2h, 2d, 1d12h.")
@json_option
@pass_invocation
def clock(invocation: Invocation, advance: int | None, as_json: bool) -> None:
    """Show the marketplace's clock, or move it on, for rehearsals.

    Every deadline follows: assignments run out, HITs expire, answers approve themselves. A marketplace that was ever
    served to others than this machine keeps the true time.
    """
    with opened(invocation) as here:
        market = here.market
        if advance is not None:
            market.write(lambda moment: timekeeping.advance(moment.connection, advance))
        offset, now = market.write(_settled)
    shown = _Clock(now=to_datetime(now), ahead_seconds=offset / SECOND)
    if as_json:
        emit_json(shown)
        return
    ahead = f", {duration_words(offset // SECOND)} ahead of the true time" if offset else ""
    click.echo(f"{shown.now:%Y-%m-%d %H:%M:%S} UTC{ahead}")


@dataclass(frozen=True, kw_only=True)
class _Clock:
    now: datetime
    ahead_seconds: float


def _settled(moment: Moment) -> tuple[int, int]:
    """The clock's offset and reading; whatever has come due by it has happened before."""
    return timekeeping.offset(moment.connection), moment.now
