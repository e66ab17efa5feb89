"""`ppw marketplace worker`: what whoever runs a marketplace can do about its workers.

Worker ids and names are personal. They are shown to him who asks here and stand in no log and no error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from pixelpatchwork.cli.marketplace_open import opened, usd
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.marketplace import password_resets, workers
from pixelpatchwork.marketplace.clock import to_datetime
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.workers import Record, Worker

_EXAMPLE_ID = "A2EXAMPLEWORKERID"


@click.group(
    epilog=example("ppw marketplace worker list --find ann", f"ppw marketplace worker suspend {_EXAMPLE_ID}")
)
def worker() -> None:
    """Find a worker, keep him out, give him a new password, or forget who he was."""


@worker.command(
    "list",
    epilog=example("ppw marketplace worker list --find ann", "ppw marketplace worker list --panel prolific"),
)
@click.option(
    "--find", metavar="TEXT", help="Whose name or panel's id contains this, or whose worker id it is."
)
@click.option("--panel", metavar="NAME", help="Who came through this recruiting panel.")
@json_option
@pass_invocation
def list_workers(invocation: Invocation, find: str | None, panel: str | None, as_json: bool) -> None:
    """List the workers, the oldest first, with what each is owed."""
    with opened(invocation) as here:
        found = here.market.read(lambda moment: workers.every(moment, find=find, panel=panel))
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one.worker_id,
            one.name,
            one.panel,
            one.external_id,
            one.state.value,
            _day(one.signed_up_at),
            usd(one.owed),
        )
        for one in found
    ]
    click.echo(table(rows, ["worker", "name", "panel", "id there", "state", "since", "owed"]))


@worker.command(epilog=example(f"ppw marketplace worker show {_EXAMPLE_ID}"))
@click.argument("worker_id")
@json_option
@pass_invocation
def show(invocation: Invocation, worker_id: str, as_json: bool) -> None:
    """Show who a worker is, what he has done, and what he is owed."""
    with opened(invocation) as here:
        found = here.market.read(lambda moment: workers.record(moment, worker_id))
    if as_json:
        emit_json(found)
        return
    for name, value in _lines(found):
        click.echo(f"{name + ':':<14} {value}")


@worker.command(epilog=example(f"ppw marketplace worker suspend {_EXAMPLE_ID}"))
@click.argument("worker_id")
@pass_invocation
def suspend(invocation: Invocation, worker_id: str) -> None:
    """Sign a worker out everywhere and keep him from coming in, until he is reinstated.

    What he is at work on is returned, so that others can do it at once. What he has handed in stays handed in, and
    he is paid for it.
    """
    with opened(invocation) as here:
        count = here.market.write(lambda moment: workers.suspend(moment, worker_id))
    click.echo(f"Suspended. Assignments returned: {count}. What was handed in stays, and is paid.")


@worker.command(epilog=example(f"ppw marketplace worker reinstate {_EXAMPLE_ID}"))
@click.argument("worker_id")
@pass_invocation
def reinstate(invocation: Invocation, worker_id: str) -> None:
    """Let a suspended worker come in again. He has to sign in anew."""
    with opened(invocation) as here:
        here.market.write(lambda moment: workers.reinstate(moment, worker_id))
    click.echo("No longer suspended.")


@worker.command(
    "reset-password",
    epilog=example(f"ppw marketplace worker reset-password {_EXAMPLE_ID} --url https://work.example"),
)
@click.argument("worker_id")
@click.option(
    "--days", type=click.IntRange(1, 30), default=3, show_default=True, help="How long the link can be used."
)
@click.option(
    "--url", metavar="URL", help="The site's public address; without it, that of `serve` in the settings."
)
@pass_invocation
def reset_password(invocation: Invocation, worker_id: str, days: int, url: str | None) -> None:
    """Print a link, once, with which a worker chooses a new password.

    His old password and all his sessions end now. The link is good for one new password, and an earlier link for none.
    """
    with opened(invocation) as here:

        def offer(moment: Moment) -> str:
            workers.by_id(moment, worker_id, lock=True)
            return password_resets.offer(moment, worker_id, days)

        token = here.market.write(offer)
    click.echo(f"{_base(invocation, url)}/reset/{token}")
    click.echo("The link is not shown again. Hand it to this worker and to nobody else.", err=True)


@worker.command(epilog=example(f"ppw marketplace worker erase {_EXAMPLE_ID}"))
@click.argument("worker_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--unpaid", is_flag=True, help="Even where he is owed money, which nobody can then pay him.")
@pass_invocation
def erase(invocation: Invocation, worker_id: str, yes: bool, unpaid: bool) -> None:
    """Forget who a worker was, for good.

    His name, his panel's id for him, country, password and messages are deleted; he is signed out, and his name or
    panel's id opens no account any more. His worker id stays, with answers, payments, qualifications and blocks: they
    are requesters' books too, and the ledger must balance. The id is a pseudonym; only who has the secret key of this
    marketplace and already knows the name can tell that they belong together. Backups keep what they hold.
    """
    with opened(invocation) as here:
        found = here.market.read(lambda moment: workers.by_id(moment, worker_id))
        if not yes:
            _confirm(found)
        here.market.write(lambda moment: workers.erase(moment, worker_id, unpaid=unpaid))
    click.echo("Deleted: name, panel and id there, country, password, messages.")
    click.echo(
        "Kept, under the worker id as a pseudonym: answers, payments, qualifications and blocks, which are requesters' "
        "books too."
    )


def _confirm(found: Worker) -> None:
    """Asks. Raises PatchworkError where nobody is there to answer, and Abort where the answer is no."""
    if not sys.stdin.isatty():
        raise PatchworkError("Erasing cannot be undone. If you mean it, add --yes.")
    click.echo(f"This deletes who {found.name} ({found.external_id or 'no panel'}) was. It cannot be undone.")
    click.confirm("Erase", abort=True)


def _lines(found: Record) -> Sequence[tuple[str, object]]:
    one = found.worker
    panel = None if one.panel is None else f"{one.panel}, {one.external_id} there"
    counts = ", ".join(f"{count} {status.lower()}" for status, count in sorted(found.assignments.items()))
    return [
        ("worker", one.worker_id),
        ("name", one.name),
        ("panel", panel or "none"),
        ("country", one.country or "not said"),
        ("state", one.state.value + (f" since {_day(one.suspended_at)}" if one.suspended_at else "")),
        ("signed up", _day(one.signed_up_at)),
        ("password", "yes" if one.has_password else "no"),
        ("assignments", counts or "none"),
        ("messages", found.messages),
        ("earned", f"{usd(found.earned)} USD, of which {usd(one.owed)} are owed"),
    ]


def _day(millis: int) -> str:
    shown: datetime = to_datetime(millis)
    return f"{shown:%Y-%m-%d}"


def _base(invocation: Invocation, url: str | None) -> str:
    return (url or invocation.settings().serve.base_url).rstrip("/")
