"""The marketplace on a port: waitress, with the settings that an API of many small calls needs.

Headers and body leave in one write on a socket without Nagle's delay; otherwise each call would wait some 40 ms for
the client's acknowledgement.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from waitress import wasyncore  # type: ignore[import-untyped] # waitress ships no types
from waitress.server import create_server  # type: ignore[import-untyped] # waitress ships no types

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_MAX_BODY_BYTES = 4 * 1024 * 1024
_LOOP_SECONDS = 0.5
_BUSY = "More requests than threads at once: some wait for their turn (`serve.threads`). This is said once."


def serve(
    app: WSGIApplication,
    *,
    host: str,
    port: int,
    threads: int = 16,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until the process is interrupted. `on_ready` gets the base URL as soon as requests are answered."""
    with running(app, host=host, port=port, threads=threads) as url, contextlib.suppress(KeyboardInterrupt):
        if on_ready is not None:
            on_ready(url)
        threading.Event().wait()


@contextlib.contextmanager
def running(
    app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0, threads: int = 16
) -> Iterator[str]:
    """Serves while the block runs and yields the base URL, such as `http://127.0.0.1:8000`. Port 0: any free one.

    Raises OSError where the address is taken.
    """
    listener = _listen(host, port)
    sockets: dict[int, object] = {}
    server = _server(app, listener, sockets, threads)
    with _queue_told_once(), _looping(server, sockets):
        yield _url(listener)


def _server(app: WSGIApplication, listener: socket.socket, sockets: dict[int, object], threads: int) -> Any:
    return create_server(
        app,
        map=sockets,
        sockets=[listener],
        threads=threads,
        ident=None,
        max_request_body_size=_MAX_BODY_BYTES,
        # A proxy on this machine may say that the browser speaks TLS with it, and who the client is.
        trusted_proxy="127.0.0.1",
        trusted_proxy_headers={"x-forwarded-proto", "x-forwarded-for"},
        clear_untrusted_proxy_headers=True,
    )


@contextlib.contextmanager
def _looping(server: Any, sockets: dict[int, object]) -> Iterator[None]:
    """Waits for requests in a thread of its own; at the end the requests at work are answered first."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=_LOOP_SECONDS, use_poll=True, map=sockets, count=1)

    thread = threading.Thread(target=loop, name="marketplace", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


class _Once(logging.Filter):
    """Lets the first record through, in our words, and no other."""

    def __init__(self) -> None:
        super().__init__()
        self._told = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _BUSY, ()
        return self._told.acquire(blocking=False)


@contextlib.contextmanager
def _queue_told_once() -> Iterator[None]:
    """Waitress warns of each request that has to wait for a thread: under load that would be all that one sees."""
    queue, once = logging.getLogger("waitress.queue"), _Once()
    queue.addFilter(once)
    try:
        yield
    finally:
        queue.removeFilter(once)


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
