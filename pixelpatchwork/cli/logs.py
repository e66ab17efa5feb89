"""What the program's log says on the terminal: a line for each record, and tracebacks with `--debug` only."""

from __future__ import annotations

import logging
import traceback

import click

from pixelpatchwork.marketplace.traces import place_of

_OURS = "pixelpatchwork"


class _Terminal(logging.Handler):
    """Writes to stderr as it is when a record comes."""

    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        """One line; an error's own text may quote what people wrote, so it is named by its type and place."""
        error = record.exc_info[1] if record.exc_info else None
        message = " ".join(record.getMessage().split())
        if error is not None and not self._debug:
            message = f"{message} ({place_of(error)}; `ppw --debug` shows the traceback)"
        click.echo(message, err=True)
        if error is not None and self._debug:
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def show_log(*, debug: bool) -> None:
    """Sends the program's warnings and errors to the terminal, from now on and once only."""
    logger = logging.getLogger(_OURS)
    logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Terminal)]
    logger.addHandler(_Terminal(debug=debug))
