"""Refuses an API call that was recorded and is sent again.

A signature covers the body and the second in which it was made. So whatever repeats a signature is either a replay, or
an equal call that the same client made in the same second - a program that makes ten equal HITs, or asks for the same
HIT twice, does that, and must not suffer. What tells them apart:

- AWS's SDKs name each attempt of each call in two headers (`amz-sdk-invocation-id`, `amz-sdk-request`). The same
  signature with the same attempt is a recording, and refused at once.
- Without those headers, or with others, the signature must have been seen first within the last five seconds: no
  honest call of that second arrives later. A replay after that is refused.

Those headers are under no signature, so within the five seconds somebody who reads the traffic can forge them. That
must not cost money. Verdicts answer a repeat with the assignment's state and `UniqueRequestToken` makes its call happen
once; ten equal HITs in a second are what an honest program makes. What is left - a bonus, more assignments of a HIT,
neither with a token - changes something with every repeat and is never meant twice in a second: there a signature is
good for one call, whatever the headers say. An SDK's own retry in the same second is refused too, which it must be,
for the answer that was lost may have been a payment's.

Signatures are kept for longer than a signature's date is accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.tables import signature

_TWINS_WITHIN: Millis = 5 * SECOND
_KEPT: Millis = 900 * SECOND
_PURGE_EVERY: Millis = 60 * SECOND
_REPEATS_COUNT = frozenset(["SendBonus", "CreateAdditionalAssignmentsForHIT"])
_NOTE = insert(signature)
_SEEN_FIRST = select(func.min(signature.c.seen_at)).where(signature.c.signature == bindparam("made"))


def happens_once(operation: str, members: Mapping[str, Any]) -> bool:
    """True for a call that pays or promises money each time it is made, and has no token that would prevent it."""
    return operation in _REPEATS_COUNT and not members.get("UniqueRequestToken")


@dataclass(kw_only=True)
class Replays:
    """Knows the signatures that were used lately, by any process of the marketplace."""

    database: Database
    _purged_at: Millis = field(default=0, init=False)

    def is_replay(self, made: str, *, sdk_attempt: str, now: Millis, once: bool = False) -> bool:
        """Notes the use of a signature (64 hex digits) and says whether it is a recording's.

        `sdk_attempt` is what the SDK's headers say, empty without them. With `once` they do not count, and the
        signature is good for one use. `now` is the true time of day.
        """
        attempt = hashlib.sha256(sdk_attempt.encode()).hexdigest() if sdk_attempt and not once else ""
        row = {"signature": made, "attempt": attempt, "seen_at": now}
        with self.database.begin(writes=True) as connection:
            if not _note(connection, row) and (attempt or once):
                return True
            seen_first = int(connection.execute(_SEEN_FIRST, {"made": made}).scalar_one())
        self._purge(now)
        return now - seen_first > _TWINS_WITHIN

    def _purge(self, now: Millis) -> None:
        if now - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now
        with self.database.begin(writes=True) as connection:
            connection.execute(delete(signature).where(signature.c.seen_at < now - _KEPT))


def _note(connection: Connection, row: Mapping[str, object]) -> bool:
    """Inserts; False where the row is there already.

    Without a savepoint, for every call pays for this: on SQLite and MySQL a failed insert undoes itself alone.
    """
    try:
        connection.execute(_NOTE, row)
    except IntegrityError:
        return False
    return True
