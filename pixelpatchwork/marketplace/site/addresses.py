"""Where a request comes from, for limits.

The server in front decides whom it believes: waitress and every other WSGI server put the client's address into
`REMOTE_ADDR`, from a proxy's header only where that proxy is trusted. So the header itself is never read here.
"""

from __future__ import annotations

import ipaddress

from flask import request

_IPV6_HOME = 64


def client() -> str:
    """The client's address; for IPv6 the network of one home, which has as many addresses as it likes."""
    return network(request.remote_addr or "")


def network(address: str) -> str:
    """The address under which somebody is counted."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed, _IPV6_HOME), strict=False))
