"""Where notifications can go: what a queue's URL and a topic's ARN look like, and the regions that they may name.

The region decides which of AWS's endpoints is called, so it is one that AWS has, never a requester's invention.
FIFO queues and topics are left out: they ask for a group with each message, which the recorded wire does not have.
"""

from __future__ import annotations

import re
from functools import cache

import botocore.session

_FORMS = {
    "SQS": re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/\d{12}/[A-Za-z0-9_-]{1,80}"),
    "SNS": re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"),
}
_REGIONS = {
    "SQS": re.compile(r"https?://sqs\.([^./]+)\.amazonaws\.com(?:\.cn)?/.*"),
    "SNS": re.compile(r"arn:[^:]+:sns:([^:]+):.*"),
}


def is_destination(transport: str, address: str, *, any_host: bool) -> bool:
    """Whether the address can be one of its transport. Whether it exists shows only when something is sent.

    With `any_host` a queue may stand elsewhere than with AWS: a stand-in gives its queues addresses of its own.
    """
    form = _FORMS.get(transport)
    if form is None or form.fullmatch(address) is None:
        return False
    region = region_of(transport, address)
    if region is None:
        return any_host
    is_safe = not address.startswith("http:")
    return (any_host or is_safe) and region in _known_regions(transport.lower())


def region_of(transport: str, address: str) -> str | None:
    """`eu-west-1` of `https://sqs.eu-west-1.amazonaws.com/...` or of an ARN; None for a queue on any other host."""
    found = _REGIONS[transport].fullmatch(address)
    return found[1] if found else None


@cache
def _known_regions(service: str) -> frozenset[str]:
    """The regions that botocore lists for a service, in all of AWS's partitions."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    return frozenset(name for one in partitions for name in session.get_available_regions(service, one))
