"""What a marketplace tells of its own accord: that something was submitted to a HIT. Only a hint, never a fact.

Whoever knows the address of a queue may put anything into it. So nothing is taken from a message but the ids of
HITs; what happened to them is read from the marketplace. A message that is lost costs the time until the next sweep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pixelpatchwork.domain.model import HitId

LONGEST_BODY = 1_048_576
"""Characters; a queue's messages hold a mebibyte at most."""
_HIT_ID = re.compile(r"[A-Z0-9]{1,64}")
_SUBMITTED = "AssignmentSubmitted"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One message: the HITs that it names, perhaps none, and the receipt by which it is taken out of its queue."""

    receipt: str
    hit_ids: frozenset[HitId]


class Signals(Protocol):
    """Where a marketplace's messages arrive."""

    @property
    def is_hearing(self) -> bool:
        """Whether messages can be counted on at present; otherwise one looks more often oneself."""
        ...

    def take(self) -> tuple[Signal, ...]:
        """What has arrived and was not taken yet."""
        ...

    def forget(self, signals: Sequence[Signal]) -> None:
        """Takes messages out of the queue for good; one that is not forgotten comes again after a while."""
        ...


class NoSignals:
    """A marketplace that tells nothing."""

    @property
    def is_hearing(self) -> bool:
        """Never."""
        return False

    def take(self) -> tuple[Signal, ...]:
        """Nothing."""
        return ()

    def forget(self, signals: Sequence[Signal]) -> None:
        """There is nothing to be forgotten."""


def hits_named(body: str) -> frozenset[HitId]:
    """The HITs to which something was submitted, by a notification's body; none where it is none.

    The document is `{"Events": [{"EventType": ..., "HITId": ...}, ...]}` (versions 2006-05-05 and 2014-08-15); over
    SNS it is a text inside `Message`. Anything else may stand there as well: nothing is raised for it.
    """
    document = _object(body)
    if isinstance(document.get("Message"), str):
        document = _object(document["Message"])
    return frozenset(_named(document.get("Events")))


def _object(text: object) -> dict[str, object]:
    """A JSON object, or an empty one in place of anything else."""
    if not isinstance(text, str) or len(text) > LONGEST_BODY:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, a number of a million digits, or a million brackets
        return {}
    return value if isinstance(value, dict) else {}


def _named(events: object) -> Iterator[HitId]:
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or event.get("EventType") != _SUBMITTED:
            continue
        hit_id = event.get("HITId")
        if isinstance(hit_id, str) and _HIT_ID.fullmatch(hit_id):
            yield HitId(hit_id)
