"""`ppw marketplace vouch`: the two qualifications that only whoever runs a marketplace can give."""

from __future__ import annotations

import click

from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.marketplace import grants, people
from pixelpatchwork.marketplace.grants import Holding
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.system_qualifications import SystemType
from pixelpatchwork.wiring import wired

_TYPES = {"masters": SystemType.MASTERS, "adult": SystemType.ADULT}


@click.command(epilog=example("ppw marketplace vouch A2EXAMPLEWORKERID masters"))
@click.argument("worker_id")
@click.argument("qualification", type=click.Choice(sorted(_TYPES)))
@click.option("--withdraw", is_flag=True, help="Take it away again.")
@pass_invocation
def vouch(invocation: Invocation, worker_id: str, qualification: str, withdraw: bool) -> None:
    """Give a worker the system's qualification Masters or Adult, which nothing in his history can earn him."""
    holding = Holding(qualification_type_id=_TYPES[qualification], worker_id=worker_id)

    def act(moment: Moment) -> bool:
        if not people.is_known(moment, worker_id):
            return False
        if withdraw:
            grants.revoke(moment, holding)
        else:
            grants.grant(moment, holding, grants.DEFAULT_VALUE)
        return True

    with wired(invocation.settings()) as wiring:
        if not wiring.marketplace.extensions["marketplace"].write(act):
            raise PatchworkError("No worker of this id has signed up. Answers tell the ids of who gave them.")
    click.echo("Withdrawn." if withdraw else "Given.")
