"""`ppw marketplace ledger` and `payouts`: every movement of money, whether it adds up, and what is owed to workers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from pixelpatchwork.cli.marketplace_open import Open, opened
from pixelpatchwork.cli.new_file import begin_again, finish, new_file
from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.errors import NothingToDo, PatchworkError
from pixelpatchwork.marketplace import payouts as owed
from pixelpatchwork.marketplace import requesters, workers
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.clock import to_millis
from pixelpatchwork.marketplace.entries import HEADINGS, Choice, as_row, entries
from pixelpatchwork.marketplace.fees import format_usd
from pixelpatchwork.marketplace.moment import Moment

_WIDTHS = (8, 25, 8, 31, 31, 12)


@click.command(
    epilog=example(
        "ppw marketplace ledger --requester 'Vision Lab' --since 2026-11-01",
        "ppw marketplace ledger --csv ledger.csv",
        "ppw marketplace ledger --check",
    )
)
@click.option("--requester", metavar="NAME", help="Entries of this requester's accounts.")
@click.option("--worker", metavar="WORKER_ID", help="Entries of this worker's account.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Entries of this day (UTC) or later: 2026-11-01, or 2026-11-01T12:00:00.",
)
@click.option(
    "--csv",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them to this new file, with a heading.",
)
@click.option(
    "--check", is_flag=True, help="List nothing: add up every account again, and say what is wrong."
)
@pass_invocation
def ledger(
    invocation: Invocation,
    requester: str | None,
    worker: str | None,
    since: datetime | None,
    path: Path | None,
    check: bool,
) -> None:
    """List the movements of money, the oldest first; with --check, see whether they add up.

    Each moves its amount out of one account and into another. Accounts are `available:` and `held:` with a requester's
    id, `worker:` with a worker's, `fees`, and `outside`, where prepaid money comes from and payouts go.
    """
    if check and (requester or worker or since or path):
        raise click.UsageError("--check adds up the whole ledger. Leave the other options out.")
    with opened(invocation) as here:
        if check:
            _check(here)
            return

        def choose(moment: Moment) -> Choice:
            return Choice(
                requester_id=None
                if requester is None
                else requesters.by_name(moment, requester).requester_id,
                worker_id=None if worker is None else workers.by_id(moment, worker).worker_id,
                since=None if since is None else to_millis(since.replace(tzinfo=UTC)),
            )

        choice = here.market.read(choose)
        if path is None:
            here.market.read(lambda moment: _show(moment, choice))
        else:
            _write(here, choice, path)


def _check(here: Open) -> None:
    faults = here.market.read(lambda moment: list(audit(moment.connection)))
    if faults:
        raise PatchworkError("The money does not add up.\n" + "\n".join(f"  {fault}" for fault in faults))
    click.echo("The money adds up.")


def _show(moment: Moment, choice: Choice) -> None:
    """Line by line: a ledger may be longer than memory."""
    click.echo(_line(HEADINGS))
    for entry in entries(moment, choice):
        click.echo(_line(as_row(entry)))


def _line(cells: Sequence[str]) -> str:
    number, *texts, amount, hit_id, assignment_id, reference = cells
    about = [text or "-" for text in (hit_id, assignment_id, reference)]
    aligned = (text.ljust(width) for text, width in zip(texts, _WIDTHS[1:5], strict=True))
    return "  ".join([number.rjust(_WIDTHS[0]), *aligned, amount.rjust(_WIDTHS[5]), *about]).rstrip()


def _write(here: Open, choice: Choice, path: Path) -> None:
    with new_file(path) as file:

        def write(moment: Moment) -> int:
            begin_again(file)
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(HEADINGS)
            count = 0
            for entry in entries(moment, choice):
                lines.writerow(as_row(entry))
                count += 1
            finish(file)
            return count

        count = here.market.read(write)
    click.echo(f"{path}: {count} entries.")


@click.command(epilog=example("ppw marketplace payouts --csv bonuses.csv --panel prolific --mark-paid"))
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
    configured = frozenset(invocation.settings().serve.panels)
    with opened(invocation) as here, new_file(path) as file:

        def list_and_mark(moment: Moment) -> list[owed.Due]:
            if panel is not None:
                _check_panel(panel, configured | owed.panels(moment))
            dues = list(owed.due(moment, panel=panel))
            if not dues:
                raise NothingToDo("Nobody is owed anything.")
            if mark_paid:
                owed.mark_paid(moment, dues)
            # Before the commit: a file that cannot be written leaves nothing noted as paid.
            begin_again(file)
            file.write(owed.as_csv(dues))
            finish(file)
            return dues

        dues = here.market.write(list_and_mark)
    total = format_usd(sum(one.cents for one in dues))
    note = "noted as paid" if mark_paid else "not noted as paid; do that with --mark-paid"
    click.echo(f"{path}: {len(dues)} people, {total} USD, {note}.")


def _check_panel(panel: str, known: frozenset[str]) -> None:
    """Nobody is owed anything on a panel that does not exist, which would read as if everybody had been paid."""
    if panel not in known:
        names = ", ".join(sorted(known)) or "none"
        raise PatchworkError(f"There is no panel {panel}. Known panels: {names}.")
