"""`ppw reconcile`: the records beside the marketplace and the image store."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import Progress, emit_json, example, json_option
from pixelpatchwork.cli.owner import owner_name
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.domain.differences import Difference
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.reconcile import Comparison, Repaired, compare, repair


@click.command(epilog=example("ppw reconcile", "ppw reconcile --repair"))
@click.option("--repair", "with_repair", is_flag=True, help="Mend what can be mended, and compare once more.")
@json_option
@pass_invocation
def reconcile(invocation: Invocation, with_repair: bool, as_json: bool) -> int:
    """Compare the study's records with the marketplace and the image store, and say every difference.

    HITs, answers, what was paid, bonuses, the balance; pictures that are missing, altered or asked for by nobody.
    Without --repair nothing is changed. With it, work that the marketplace has and the records lack is taken in and
    paid, records are corrected after another look, and lost or altered pictures are made again where that gives the
    same bytes. No picture is ever deleted: an altered one is kept under altered/. May be run at any time, beside
    `ppw collect`.

    Exit code 0 where all agrees, 1 where differences remain.
    """
    with wired(invocation.settings()) as wiring, Progress(quiet=as_json) as progress:
        found = compare(wiring.services, progress)
        repaired = None
        if with_repair and found.differences:
            repaired = repair(found.differences, wiring.services, owner=owner_name(), progress=progress)
    if as_json:
        emit_json({"found": found, "repaired": repaired})
    else:
        say("\n".join(_lines(found, repaired)))
    remaining = found.differences if repaired is None else repaired.remaining
    return FAILED if remaining else 0


def _lines(found: Comparison, repaired: Repaired | None) -> Iterator[str]:
    for one in found.differences:
        yield from _difference_lines(one)
    if found.elsewhere:
        rounds = counted(found.elsewhere, "round")
        yield f"{rounds} of another marketplace than the settings name: not compared."
    if not found.differences:
        yield "All agrees: the records, the marketplace and the image store."
        return
    mendable = sum(one.repair is not None for one in found.differences)
    yield f"{counted(len(found.differences), 'difference')}, of which {mendable} can be mended."
    if repaired is not None:
        yield from _repaired_lines(repaired)
    elif mendable:
        yield "Nothing was changed. To mend what can be mended, run: ppw reconcile --repair"


def _difference_lines(one: Difference) -> Iterator[str]:
    yield f"- {one.text}"
    if one.repair is not None:
        yield f"  --repair {one.repair}."


def _repaired_lines(repaired: Repaired) -> Iterator[str]:
    yield f"Mended: {len(repaired.mended)}. Remaining: {len(repaired.remaining)}."
    for failure in dict.fromkeys(repaired.failures):
        yield f"- Not mended: {failure}"
    for one in repaired.remaining:
        yield f"- Remains: {one.text}"
