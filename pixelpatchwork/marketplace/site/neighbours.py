"""Keeps a site that asks for names only to the machine on which it runs.

That it listens on 127.0.0.1 is not enough. A web server in front would show it to the world, and another site can let
its own name point to 127.0.0.1 and so reach it through a visitor's browser (DNS rebinding). Both are seen by the name
under which the site is asked, or by what a proxy adds. A proxy that hides both cannot be told from a browser.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import abort, request

_ADDED_BY_PROXIES = ("X-Forwarded-", "Forwarded", "Via", "X-Real-Ip")
_REFUSAL = (
    "This site is for this machine alone, because nobody decided who may come in. Whoever runs it: set "
    "serve.signup to password or invite (or to name, where everybody who can reach it is trusted)."
)


def keep_to_this_machine() -> None:
    """Ends a request with 403 that did not come from a browser on this machine, asking for this machine."""
    has_proxy = any(name.startswith(_ADDED_BY_PROXIES) for name, _ in request.headers)
    if has_proxy or not is_loopback(request.host):
        abort(403, _REFUSAL)


def is_loopback(host: str) -> bool:
    """True for a Host header, port or not, that names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
