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

A call that writes notes its signature in its own transaction, one that reads in a transaction before. Where the call
is refused, and with it the note rolled back, the signature is noted by itself afterwards: of a call and its recording
at most one is ever carried out. Signatures are kept for longer than a signature's date is accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.auth import replayed
from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.tables import signature

T = TypeVar("T")

_TWINS_WITHIN: Millis = 5 * SECOND
_KEPT: Millis = 900 * SECOND
_PURGE_EVERY: Millis = 60 * SECOND
_REPEATS_COUNT = frozenset(["SendBonus", "CreateAdditionalAssignmentsForHIT"])
_NOTE = insert(signature)
_SEEN_FIRST = select(func.min(signature.c.seen_at)).where(signature.c.signature == bindparam("made"))


def happens_once(operation: str, members: Mapping[str, Any]) -> bool:
    """True for a call that pays or promises money each time it is made, and has no token that would prevent it."""
    return operation in _REPEATS_COUNT and not members.get("UniqueRequestToken")


@dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a signature (64 hex digits), `at` the true time of day.

    `sdk_attempt` is what the SDK's headers say, empty without them. With `once` they do not count, and the signature
    is good for one use.
    """

    signature: str
    sdk_attempt: str
    at: Millis
    once: bool = False

    @property
    def attempt(self) -> str:
        """What tells this use from others of the same signature; empty where nothing does."""
        if self.once or not self.sdk_attempt:
            return ""
        return hashlib.sha256(self.sdk_attempt.encode()).hexdigest()


@dataclass(kw_only=True)
class Replays:
    """Lets each call happen once. Knows the signatures that were used lately, by any process of the marketplace."""

    market: Market
    _purged_at: Millis = field(default=0, init=False)

    def read(self, use: Use, act: Callable[[Moment], T]) -> T:
        """Runs an act that changes nothing, after the use was noted. Raises InvalidSignatureException."""
        if self.market.database.run(lambda connection: is_replay(connection, use), writes=True):
            raise replayed()
        self._purge(use.at)
        return self.market.read(act)

    def write(self, use: Use, act: Callable[[Moment], T]) -> T:
        """Runs an act in the transaction in which the use is noted: one commit for both. Raises as `read`."""

        def noted(moment: Moment) -> T:
            if is_replay(moment.connection, use):
                raise replayed()
            return act(moment)

        try:
            done = self.market.write(noted)
        except Exception:
            # Whatever went wrong took the note back with it, and the signature was used all the same.
            self.market.database.run(lambda connection: _note(connection, use), writes=True)
            raise
        self._purge(use.at)
        return done

    def _purge(self, now: Millis) -> None:
        if now - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now
        old = delete(signature).where(signature.c.seen_at < now - _KEPT)
        self.market.database.run(lambda connection: connection.execute(old), writes=True)


def is_replay(connection: Connection, use: Use) -> bool:
    """Notes a use, and says whether it is a recording's."""
    if not _note(connection, use) and (use.attempt or use.once):
        return True
    seen_first = int(connection.execute(_SEEN_FIRST, {"made": use.signature}).scalar_one())
    return use.at - seen_first > _TWINS_WITHIN


def _note(connection: Connection, use: Use) -> bool:
    """Inserts; False where the row is there already.

    Without a savepoint, for every call pays for this: on SQLite and MySQL a failed insert undoes itself alone.
    """
    row = {"signature": use.signature, "attempt": use.attempt, "seen_at": use.at}
    try:
        connection.execute(_NOTE, row)
    except IntegrityError:
        return False
    return True
