"""`ppw marketplace`: what the person who runs a marketplace does - its clock, its requesters, its money."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import click
from flask import Flask

from pixelpatchwork.cli.marketplace_invite import invite
from pixelpatchwork.cli.marketplace_vouch import vouch
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.config import Settings
from pixelpatchwork.domain.errors import NothingToDo, PatchworkError
from pixelpatchwork.marketplace import payouts as owed
from pixelpatchwork.marketplace import requesters as accounts
from pixelpatchwork.marketplace import timekeeping
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.clock import parse_duration, to_datetime
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.requesters import Key, Keyring, RequesterError
from pixelpatchwork.marketplace.timekeeping import ClockError
from pixelpatchwork.wiring import wired

_MOST_USD = Decimal(1_000_000)


@click.group(
    epilog=example("ppw marketplace clock --advance 2d", "ppw marketplace add-requester 'Vision Lab'")
)
def marketplace() -> None:
    """Run the marketplace that is embedded or served: its clock, its requesters and its money.

    Every command works on the database that `marketplace_database` names, whether or not it is being served.
    """


marketplace.add_command(invite)
marketplace.add_command(vouch)


def _cents(_ctx: click.Context, _option: click.Parameter, text: str) -> Cents:
    """Whole cents of an amount such as 25 or 25.50."""
    try:
        amount = Decimal(text)
        is_right = amount.is_finite() and 0 <= amount <= _MOST_USD and amount == round(amount, 2)
    except InvalidOperation:
        is_right = False
    if not is_right:
        raise click.BadParameter(f"{text} is no amount from 0 to {_MOST_USD:,} such as 25 or 25.50.")
    return int(amount * 100)


def _millis(_ctx: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Milliseconds of a duration such as 2d."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


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
        except (RequesterError, ClockError) as error:
            raise PatchworkError(str(error)) from error


def _require_here(settings: Settings) -> None:
    """Raises PatchworkError where the marketplace of the settings is not one whose database is here."""
    address = urlsplit(settings.marketplace_database_url)
    is_missing = address.scheme.startswith("sqlite") and not Path(address.path).exists()
    if settings.is_mturk or (settings.marketplace != "embedded" and is_missing):
        raise PatchworkError(
            f"The marketplace of these settings is elsewhere ({settings.marketplace}). Run this where it is served."
        )


# ---- the clock ------------------------------------------------------------------------------------------


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
    shown = _Clock(now=to_datetime(now), ahead_seconds=offset / 1000)
    if as_json:
        emit_json(shown)
        return
    ahead = f", {offset / 1000:,.0f} s ahead of the true time" if offset else ""
    click.echo(f"{shown.now:%Y-%m-%d %H:%M:%S} UTC{ahead}")


@dataclass(frozen=True, kw_only=True)
class _Clock:
    now: datetime
    ahead_seconds: float


def _settled(moment: Moment) -> tuple[int, int]:
    """The clock's offset and reading; whatever has come due by it has happened before."""
    return timekeeping.offset(moment.connection), moment.now


# ---- requesters -----------------------------------------------------------------------------------------


@marketplace.command(
    "add-requester", epilog=example("ppw marketplace add-requester 'Vision Lab' --balance 250")
)
@click.argument("name")
@click.option(
    "--balance",
    callback=_cents,
    metavar="USD",
    default="0",
    show_default=True,
    help="What the account starts with, in USD.",
)
@json_option
@pass_invocation
def add_requester(invocation: Invocation, name: str, balance: Cents, as_json: bool) -> None:
    """Open an account for a requester, and print its access key pair, once."""
    with opened(invocation) as here:

        def open_account(moment: Moment) -> Key:
            requester_id = accounts.add(moment, here.market.secret_key, name, balance)
            return here.keyring.mint(moment, requester_id)

        _show_key(here.market.write(open_account), as_json=as_json)


@marketplace.command("add-key", epilog=example("ppw marketplace add-key 'Vision Lab'"))
@click.argument("name")
@json_option
@pass_invocation
def add_key(invocation: Invocation, name: str, as_json: bool) -> None:
    """Make another access key pair for a requester, and print it, once."""
    with opened(invocation) as here:

        def mint(moment: Moment) -> Key:
            return here.keyring.mint(moment, accounts.by_name(moment, name).requester_id)

        _show_key(here.market.write(mint), as_json=as_json)


@marketplace.command("revoke-key", epilog=example("ppw marketplace revoke-key AKPPEXAMPLEEXAMPLE22"))
@click.argument("key_id")
@pass_invocation
def revoke_key(invocation: Invocation, key_id: str) -> None:
    """End an access key at once and for good."""
    with opened(invocation) as here:
        here.market.write(lambda moment: accounts.revoke(moment, key_id))
    click.echo(f"{key_id} is no longer accepted.")


@marketplace.command(epilog=example("ppw marketplace deposit 'Vision Lab' 100"))
@click.argument("name")
@click.argument("amount", callback=_cents, metavar="USD")
@pass_invocation
def deposit(invocation: Invocation, name: str, amount: Cents) -> None:
    """Add to a requester's prepaid balance. No real money moves."""
    with opened(invocation) as here:
        found = here.market.write(lambda moment: accounts.deposit(moment, name, amount))
    click.echo(
        f"{found.name}: {format_usd(found.available)} USD available, {format_usd(found.held)} held for HITs."
    )


@marketplace.command(epilog=example("ppw marketplace requesters"))
@json_option
@pass_invocation
def requesters(invocation: Invocation, as_json: bool) -> None:
    """List the requesters with their balances and their access keys."""
    with opened(invocation) as here:
        found = here.market.read(accounts.every)
    if as_json:
        emit_json(found)
        return
    rows = [(one.name, _usd(one.available), _usd(one.held), " ".join(one.key_ids)) for one in found]
    click.echo(table(rows, ["requester", "available", "held", "access keys"]))


def _usd(cents: Cents) -> Decimal:
    return Decimal(format_usd(cents))


def _show_key(key: Key, *, as_json: bool) -> None:
    if as_json:
        emit_json(key)
        return
    click.echo(f"AWS_ACCESS_KEY_ID={key.key_id}")
    click.echo(f"AWS_SECRET_ACCESS_KEY={key.secret}")
    click.echo("The secret is not shown again.", err=True)


# ---- money ----------------------------------------------------------------------------------------------


@marketplace.command(epilog=example("ppw marketplace ledger --check"))
@click.option("--check", is_flag=True, required=True, help="Add up every account again.")
@pass_invocation
def ledger(invocation: Invocation, check: bool) -> None:
    """Check that the money adds up: balances, promises, payments, row by row of the ledger."""
    del check  # the one thing that can be asked of the ledger so far
    with opened(invocation) as here:
        faults = here.market.read(lambda moment: list(audit(moment.connection)))
    if faults:
        raise PatchworkError("The money does not add up.\n" + "\n".join(f"  {fault}" for fault in faults))
    click.echo("The money adds up.")


@marketplace.command(epilog=example("ppw marketplace payouts --csv bonuses.csv --panel prolific --mark-paid"))
@click.option(
    "--csv",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write: `participant_id,amount` lines, as panels' bulk bonus payments take them.",
)
@click.option("--panel", metavar="NAME", help="Participants of this recruiting panel, by the panel's ids.")
@click.option("--without-panel", is_flag=True, help="Who came by himself, by name.")
@click.option("--mark-paid", is_flag=True, help="Note these sums as paid: they are not listed again.")
@pass_invocation
def payouts(
    invocation: Invocation, path: Path, panel: str | None, without_panel: bool, mark_paid: bool
) -> None:
    """Write what each worker of one panel, or of none, is owed since the last payout.

    A file holds ids of one kind only: those of another panel, or names, would mean other people there, or nobody.
    """
    if (panel is None) is not without_panel:
        raise click.UsageError("Give either --panel NAME or --without-panel.")
    with opened(invocation) as here, _new_file(path) as file:

        def list_and_mark(moment: Moment) -> list[owed.Due]:
            dues = list(owed.due(moment, panel=panel))
            if not dues:
                raise NothingToDo("Nobody is owed anything.")
            if mark_paid:
                owed.mark_paid(moment, dues)
            # Before the commit: a file that cannot be written leaves nothing noted as paid.
            _write(file, owed.as_csv(dues))
            return dues

        dues = here.market.write(list_and_mark)
    total = format_usd(sum(one.cents for one in dues))
    note = "noted as paid" if mark_paid else "not noted as paid; do that with --mark-paid"
    click.echo(f"{path}: {len(dues)} people, {total} USD, {note}.")


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    """A file that nobody else may read and that was not there, so that no earlier list is lost; gone on failure."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise PatchworkError(f"{path} exists already. Name a new file.") from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise


def _write(file: TextIO, text: str) -> None:
    """Writes the whole file; a transaction that has to be repeated writes it once more."""
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
