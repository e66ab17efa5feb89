"""Under which names the marketplace may be asked: `Host` is what a client says, and it may say anything.

Where the public address is known, every other host is refused, and what the site writes into links - the address of a
submit, a page's policy - is that address. This machine's own names are always known: whoever can say them to it is on
it, and programs that look whether it lives use them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_THIS_MACHINE = ("localhost", "127.0.0.1")


def trusted_hosts(public_url: str) -> list[str]:
    """The host of the public address and this machine's own names, for Flask's TRUSTED_HOSTS."""
    return [urlsplit(public_url).hostname or "", *_THIS_MACHINE]


class Published:
    """WSGI middleware: who asks for the public host has come by the public address's scheme.

    So links are right, and cookies `Secure`, also where the web server in front does not say that it speaks TLS.
    """

    def __init__(self, app: WSGIApplication, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._scheme, self._host = parts.scheme, parts.netloc.lower()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer."""
        if environ.get("HTTP_HOST", "").lower() == self._host:
            environ["wsgi.url_scheme"] = self._scheme
        return self._app(environ, start_response)
