"""`ppw serve`: the marketplace on a port, for people."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from pixelpatchwork.cli.output import example
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.marketplace.served import serve as serve_forever
from pixelpatchwork.wiring import wired


@click.command(epilog=example("ppw --config my-study/study.yaml serve --port 8765"))
@click.option("--host", help="The address to listen on; without it, `serve.host` of the settings.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The port; without it, `serve.port`. 0: a free one."
)
@pass_invocation
def serve(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Serve the marketplace: the pages where people do the HITs, and the requester API.

    Ends with Ctrl-C or SIGTERM. The other commands may run meanwhile, on the same settings.
    """
    settings = invocation.settings()
    host = host or settings.serve.host
    port = settings.serve.port if port is None else port
    has_keys = settings.marketplace_access_key_id is not None
    with wired(settings) as wiring, _sigterm_as_ctrl_c():
        site = wiring.site
        try:
            serve_forever(
                site,
                host=host,
                port=port,
                threads=settings.serve.threads,
                on_ready=lambda url: _tell(url, has_keys=has_keys),
            )
        except OSError as error:
            raise PatchworkError(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --host or --port."
            ) from error


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


def _tell(url: str, *, has_keys: bool) -> None:
    click.echo(f"Workers: {url}/")
    click.echo(
        f"Requester API: {url}"
        if has_keys
        else "Requester API: only for `marketplace: embedded` of these settings. For others, set "
        "PPW_MARKETPLACE_ACCESS_KEY_ID and PPW_MARKETPLACE_SECRET_ACCESS_KEY."
    )
    click.echo("Ctrl-C ends it.")
