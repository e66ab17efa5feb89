"""`ppw serve`: the marketplace on a port, for people."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import click

from pixelpatchwork.cli.faults import FAULTS_HELP, read_faults
from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.config import Settings
from pixelpatchwork.config_sections import PanelSettings
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.marketplace.aws_profile import Profile, ProfileError
from pixelpatchwork.marketplace.aws_profile import profile as aws_profile
from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.marketplace.served import serve as serve_forever
from pixelpatchwork.serving import LOOPBACK, check_servable, notes
from pixelpatchwork.wiring import Wiring, real_world, wired


@click.command(epilog=example("ppw --config my-study/study.yaml serve --port 8765"))
@click.option("--host", help="The address to listen on; without it, `serve.host` of the settings.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The port; without it, `serve.port`. 0: a free one."
)
@click.option(
    "--write-aws-profile",
    "profile_name",
    metavar="NAME",
    help="Make an access key and write it where the AWS tools look: `aws --profile NAME mturk ...` then works.",
)
@click.option("--faults", callback=read_faults, metavar="FAULTS", help=FAULTS_HELP)
@pass_invocation
def serve(
    invocation: Invocation,
    host: str | None,
    port: int | None,
    profile_name: str | None,
    faults: Faults | None,
) -> None:
    """Serve the marketplace: the pages where people do the HITs, and the requester API.

    Ends with Ctrl-C or SIGTERM. The other commands may run meanwhile, on the same settings.
    """
    settings = invocation.settings()
    check_servable(settings)
    host = host or settings.serve.host
    port = settings.serve.port if port is None else port
    _check_signup(host, settings.serve.signup)
    profile = _new_profile(profile_name, host)
    with wired(settings, replace(real_world(), faults=faults)) as wiring, _sigterm_as_ctrl_c():
        if host not in LOOPBACK:
            wiring.open_to_others()

        def ready(url: str) -> None:
            if profile is not None:
                _write_profile(profile, wiring, url)
            _tell(url, settings, profile, faults)
            for note in notes(settings, host):
                say(note)
            warn_of_unsigned(settings.serve.panels)

        try:
            with wiring.notifying():
                serve_forever(
                    wiring.site, host=host, port=port, threads=settings.serve.threads, on_ready=ready
                )
        except OSError as error:
            raise PatchworkError(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --host or --port."
            ) from error


def _new_profile(name: str | None, host: str) -> Profile | None:
    """The AWS profile to write, known to be new. Only this machine's own: other people's keys are theirs to keep."""
    if name is None:
        return None
    if host not in LOOPBACK:
        raise PatchworkError(
            "--write-aws-profile is for this machine alone (127.0.0.1). For others, run: "
            "ppw marketplace add-requester NAME"
        )
    found = aws_profile(name, os.environ)
    try:
        found.require_new()
    except ProfileError as error:
        raise PatchworkError(str(error)) from error
    return found


def _write_profile(profile: Profile, wiring: Wiring, url: str) -> None:
    key = wiring.mint_key()
    try:
        profile.write(key_id=key.key_id, secret=key.secret, endpoint_url=url)
    except ProfileError as error:
        raise PatchworkError(str(error)) from error


def _check_signup(host: str, signup: str | None) -> None:
    """Whoever can reach a site that asks for names only can be anybody on it; that must be somebody's decision."""
    if signup is None and host not in LOOPBACK:
        raise PatchworkError(
            f"On {host} others can reach the site. Set `serve.signup` to password or invite (or to name, where"
            " everybody who can reach it is trusted), or listen with --host 127.0.0.1 behind a web server."
        )


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM is how systemd and containers end a service: requests at work are answered first, as with Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def warn_of_unsigned(panels: Mapping[str, PanelSettings]) -> None:
    """A participant's id is no secret between him and his panel; that it suffices to come in should be known."""
    for name in sorted(name for name, panel in panels.items() if panel.secret is None):
        click.echo(
            f"Panel {name} has no secret: whoever knows a participant's id can work under it. Who comes by its links"
            " sees what happened since he came, and nothing older (see docs/ways-in.md)."
        )


def _tell(url: str, settings: Settings, profile: Profile | None, faults: Faults | None) -> None:
    click.echo(f"Workers: {url}/")
    has_keys = settings.marketplace_access_key_id is not None
    hint = "" if has_keys else " (for a key: ppw marketplace add-requester NAME)"
    click.echo(f"Requester API: {url}{hint}")
    if settings.serve.public_url is not None:
        click.echo(f"Both for others: {settings.serve.public_url}/")
    if profile is not None:
        click.echo(f"Try: aws --profile {profile.name} mturk get-account-balance")
    if faults is not None and faults.notation:
        click.echo(f"Trouble on demand: {faults.notation}")
    click.echo("Ctrl-C ends it.")
