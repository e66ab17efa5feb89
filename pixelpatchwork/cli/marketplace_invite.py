"""`ppw marketplace invite`: links with which people may sign up."""

from __future__ import annotations

import click

from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.marketplace.invitations import make_invitation
from pixelpatchwork.wiring import wired


@click.command(epilog=example("ppw --config my-study/study.yaml marketplace invite --count 20 --days 14"))
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many links.")
@click.option(
    "--days", type=click.IntRange(1, 365), default=14, show_default=True, help="How long each can be used."
)
@click.option(
    "--url", metavar="URL", help="The site's address; without it, `serve.public_url` of the settings."
)
@pass_invocation
def invite(invocation: Invocation, count: int, days: int, url: str | None) -> None:
    """Print invitation links, one a line. Each lets one person sign up, once."""
    settings = invocation.settings()
    signup = settings.serve.signup or "name"
    if signup not in ("password", "invite"):
        click.echo(
            f"While `serve.signup` is `{signup}`, these links show the plain sign-in page. Set it to invite.",
            err=True,
        )
    base = (url or settings.serve.base_url).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise click.BadParameter("Give an address that begins with https:// or http://.", param_hint="--url")
    with wired(settings) as wiring:
        market = wiring.marketplace.extensions["marketplace"]
        for _ in range(count):
            click.echo(f"{base}/invite/{make_invitation(market.signing, market.now(), days)}")
