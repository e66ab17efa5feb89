"""`ppw marketplace requester` and its neighbours: requesters' accounts, their keys, and their prepaid balances."""

from __future__ import annotations

import shlex

import click

from pixelpatchwork.cli.marketplace_open import cents, opened, usd
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.marketplace import requesters as accounts
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.requesters import Key, Requester

_LONGEST_REFERENCE = 64


@click.group(
    epilog=example("ppw marketplace requester list", "ppw marketplace requester suspend 'Vision Lab'")
)
def requester() -> None:
    """See the requesters, and keep one out."""


@requester.command("list", epilog=example("ppw marketplace requester list"))
@json_option
@pass_invocation
def list_requesters(invocation: Invocation, as_json: bool) -> None:
    """List the requesters with their balances and their access keys."""
    with opened(invocation) as here:
        found = here.market.read(accounts.every)
    if as_json:
        emit_json(found)
        return
    rows = [
        (one.name, _state(one), usd(one.available), usd(one.held), " ".join(one.key_ids)) for one in found
    ]
    click.echo(table(rows, ["requester", "state", "available", "held", "access keys"]))


@requester.command(epilog=example("ppw marketplace requester suspend 'Vision Lab'"))
@click.argument("name")
@pass_invocation
def suspend(invocation: Invocation, name: str) -> None:
    """Refuse a requester's API calls and take his HITs off the workers' site, until he is reinstated.

    Who is at work on one of them may finish it. What was handed in is approved when its time comes, and paid out of
    the money that is held for it; HITs expire as they would have.
    """
    with opened(invocation) as here:
        found = here.market.write(lambda moment: accounts.suspend(moment, name))
    click.echo(
        f"{found.name} is suspended. To undo it: ppw marketplace requester reinstate {shlex.quote(found.name)}"
    )


@requester.command(epilog=example("ppw marketplace requester reinstate 'Vision Lab'"))
@click.argument("name")
@pass_invocation
def reinstate(invocation: Invocation, name: str) -> None:
    """Let a suspended requester call the API again, and his HITs back on the workers' site."""
    with opened(invocation) as here:
        found = here.market.write(lambda moment: accounts.reinstate(moment, name))
    click.echo(f"{found.name} is no longer suspended.")


@click.command("add-requester", epilog=example("ppw marketplace add-requester 'Vision Lab' --balance 250"))
@click.argument("name")
@click.option(
    "--balance",
    callback=cents,
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


@click.command("add-key", epilog=example("ppw marketplace add-key 'Vision Lab'"))
@click.argument("name")
@json_option
@pass_invocation
def add_key(invocation: Invocation, name: str, as_json: bool) -> None:
    """Make another access key pair for a requester, and print it, once."""
    with opened(invocation) as here:

        def mint(moment: Moment) -> Key:
            return here.keyring.mint(moment, accounts.by_name(moment, name).requester_id)

        _show_key(here.market.write(mint), as_json=as_json)


@click.command("revoke-key", epilog=example("ppw marketplace revoke-key AKPPEXAMPLEEXAMPLE22"))
@click.argument("key_id")
@pass_invocation
def revoke_key(invocation: Invocation, key_id: str) -> None:
    """End an access key at once and for good."""
    with opened(invocation) as here:
        here.market.write(lambda moment: accounts.revoke(moment, key_id))
    click.echo(f"{key_id} is no longer accepted.")


@click.command(epilog=example("ppw marketplace deposit 'Vision Lab' 100"))
@click.argument("name")
@click.argument("amount", callback=cents, metavar="USD")
@pass_invocation
def deposit(invocation: Invocation, name: str, amount: Cents) -> None:
    """Add to a requester's prepaid balance. No real money moves."""
    with opened(invocation) as here:
        found = here.market.write(lambda moment: accounts.deposit(moment, name, amount))
    click.echo(_balance(found))


@click.command(
    epilog=example(
        "ppw marketplace withdraw 'Vision Lab' 25.50",
        "ppw marketplace withdraw 'Vision Lab' 25.50 --reference 2026-117",
    )
)
@click.argument("name")
@click.argument("amount", callback=cents, metavar="USD")
@click.option(
    "--reference",
    metavar="TEXT",
    help="Your name for it, such as a transfer's number. The same withdrawal is made once, however often you ask.",
)
@pass_invocation
def withdraw(invocation: Invocation, name: str, amount: Cents, reference: str | None) -> None:
    """Take out of a requester's prepaid balance what is not held for his HITs. No real money moves."""
    if reference is not None and not (1 <= len(reference) <= _LONGEST_REFERENCE and reference.isprintable()):
        raise click.UsageError(f"A reference has 1 to {_LONGEST_REFERENCE} printable characters.")
    with opened(invocation) as here:

        def take(moment: Moment) -> tuple[bool, Requester]:
            is_new = accounts.withdraw(moment, name, amount, reference=reference)
            return is_new, accounts.by_name(moment, name)

        is_new, found = here.market.write(take)
    if not is_new:
        click.echo(f"This withdrawal ({reference}) was made before; nothing more was taken.")
    click.echo(_balance(found))


def _balance(found: Requester) -> str:
    return (
        f"{found.name}: {format_usd(found.available)} USD available, {format_usd(found.held)} held for HITs."
    )


def _state(found: Requester) -> str:
    return "active" if found.suspended_at is None else "suspended"


def _show_key(key: Key, *, as_json: bool) -> None:
    if as_json:
        emit_json(key)
        return
    click.echo(f"AWS_ACCESS_KEY_ID={key.key_id}")
    click.echo(f"AWS_SECRET_ACCESS_KEY={key.secret}")
    click.echo("The secret is not shown again.", err=True)
