"""Refuses an API call that was recorded and is sent again.

A signature covers the body and the second in which it was made. So whatever repeats a signature is either a replay, or
an equal call that the same client made in the same second - a program that makes ten equal HITs, or asks for the same
HIT twice, does that, and must not suffer. What tells them apart:

- AWS's SDKs name each attempt of each call in two headers (`amz-sdk-invocation-id`, `amz-sdk-request`). The same
  signature with the same attempt is a recording, and refused at once. So is a signature without those headers that was
  seen with them: no SDK drops them.
- Without those headers from the first, or with others, the signature must have been seen first within the last five
  seconds: no honest call of that second arrives later. A replay after that is refused.

Those headers are under no signature, so within the five seconds somebody who reads the traffic can forge them. That
must cost little. Verdicts answer a repeat with the assignment's state and `UniqueRequestToken` makes its call happen
once. What is left changes something with every repeat, so there a signature has a bounded number of places, whatever
the headers say:

- A bonus, or more assignments of a HIT, is never meant twice in a second: one place. An SDK's own retry in the same
  second is refused too, which it must be, for the answer that was lost may have been a payment's.
- Equal HITs and equal messages to workers are what an honest program may make: ten places. What comes after is
  answered with a ThrottlingException, which SDKs and their users know: they wait, and sign anew.

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
from pixelpatchwork.marketplace.errors import ApiError, ThrottlingException
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.tables import signature

T = TypeVar("T")

_TWINS_WITHIN: Millis = 5 * SECOND
_KEPT: Millis = 900 * SECOND
_PURGE_EVERY: Millis = 60 * SECOND
_PLACES = {
    "SendBonus": 1,
    "CreateAdditionalAssignmentsForHIT": 1,
    "CreateHIT": 10,
    "CreateHITWithHITType": 10,
    "NotifyWorkers": 10,
}
_HASH_LENGTH = 64
_NOTE = insert(signature)
_SEEN = select(
    func.min(signature.c.seen_at).label("first"), func.max(func.length(signature.c.attempt)).label("longest")
).where(signature.c.signature == bindparam("made"))


def places_of(operation: str, members: Mapping[str, Any]) -> int | None:
    """How often one signature may make this call; None where a repeat does no harm, or a token prevents it."""
    return None if members.get("UniqueRequestToken") else _PLACES.get(operation)


@dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a signature (64 hex digits), `at` the true time of day.

    `sdk_attempt` is what the SDK's headers say, empty without them. The signature is good for so many uses as it has
    `places`, whatever they say.
    """

    signature: str
    sdk_attempt: str
    at: Millis
    places: int | None = None

    @property
    def attempt(self) -> str:
        """What tells this use from others of the same signature; empty where nothing does."""
        if not self.sdk_attempt:
            return ""
        return hashlib.sha256(self.sdk_attempt.encode()).hexdigest()


@dataclass(kw_only=True)
class Replays:
    """Lets each call happen once. Knows the signatures that were used lately, by any process of the marketplace."""

    market: Market
    _purged_at: Millis = field(default=0, init=False)

    def read(self, use: Use, act: Callable[[Moment], T]) -> T:
        """Runs an act that changes nothing, after the use was noted. Raises what `refusal_of` says."""
        if refusal := self.market.database.run(lambda connection: refusal_of(connection, use), writes=True):
            raise refusal
        self._purge(use.at)
        return self.market.read(act)

    def write(self, use: Use, act: Callable[[Moment], T]) -> T:
        """Runs an act in the transaction in which the use is noted: one commit for both. Raises as `read`."""

        def noted(moment: Moment) -> T:
            if refusal := refusal_of(moment.connection, use):
                raise refusal
            return act(moment)

        try:
            done = self.market.write(noted)
        except Exception:
            # Whatever went wrong took the note back with it, and the signature was used all the same.
            self.market.database.run(lambda connection: refusal_of(connection, use), writes=True)
            raise
        self._purge(use.at)
        return done

    def _purge(self, now: Millis) -> None:
        if now - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now
        old = delete(signature).where(signature.c.seen_at < now - _KEPT)
        self.market.database.run(lambda connection: connection.execute(old), writes=True)


def refusal_of(connection: Connection, use: Use) -> ApiError | None:
    """Notes a use. What it is refused with: a recording's, or one beyond the places of its signature."""
    seen = connection.execute(_SEEN, {"made": use.signature}).one()
    is_new = _note(connection, use, use.attempt)
    is_twin = is_new if use.attempt else seen.longest != _HASH_LENGTH
    is_late = seen.first is not None and use.at - int(seen.first) > _TWINS_WITHIN
    if not is_twin or is_late:
        return replayed()
    if use.places is None or _find_place(connection, use, use.places):
        return None
    return replayed() if use.places == 1 else ThrottlingException()


def _find_place(connection: Connection, use: Use, places: int) -> bool:
    """A row for each place: so two processes cannot both take the last one."""
    return any(_note(connection, use, f"place {number}") for number in range(places))


def _note(connection: Connection, use: Use, attempt: str) -> bool:
    """Inserts; False where the row is there already.

    Without a savepoint, for every call pays for this: on SQLite and MySQL a failed insert undoes itself alone.
    """
    row = {"signature": use.signature, "attempt": attempt, "seen_at": use.at}
    try:
        connection.execute(_NOTE, row)
    except IntegrityError:
        return False
    return True
