"""Several collectors at one round, each doing a part of it.

Nothing has to be shared for the result: every call may be made twice. But a marketplace lets an account make only so
many, so each collector begins at a place of its own, and passes over what another has done meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from typing import TypeVar

from pixelpatchwork.workflow.parallel import batches

PART = 25
"""How many things are taken at a time; what is less than that is not worth sharing."""

Thing = TypeVar("Thing")


def shared(
    things: Sequence[Thing], *, owner: str, left: Callable[[Sequence[Thing]], Collection[Thing]]
) -> Iterator[Thing]:
    """The things once each, from a place that follows from `owner` on, without those that are done by then.

    `left` says which of a few things are still to be done; it is asked from the second `PART` on.
    """
    if len(things) <= PART:
        yield from things
        return
    start = int.from_bytes(sha256(owner.encode()).digest()[:8]) % len(things)
    parts = batches((*things[start:], *things[:start]), PART)
    yield from next(parts)
    for part in parts:
        yield from left(part)
