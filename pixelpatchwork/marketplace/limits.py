"""How often somebody may try: counted in the database, so that every process of a marketplace counts together.

An attempt is counted in a window of fixed length under a keyed hash of who tried what. So the table holds no names
and no addresses, and windows that are over are deleted within minutes. The clock is the time of day, not the
marketplace's: a rehearsal that stands still or leaps must not change what a person may do.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.clock import SECOND, Millis, to_millis
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import attempt


class Attempt(StrEnum):
    """What is counted."""

    WRONG_PASSWORD_FOR_NAME = "wrong password for name"  # noqa: S105 - the name of a counter
    WRONG_PASSWORD_FROM = "wrong password from"  # noqa: S105 - the name of a counter
    SIGN_UP_FROM = "sign-up from"
    JOIN_FROM = "join from"
    JOIN_AS = "join as"
    ACCEPT = "accept"
    SUBMIT = "submit"
    REFUSED_SUBMIT = "refused submit"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `most` attempts in any window of `seconds`."""

    most: int
    seconds: int


# A class of three hundred behind one address must get in; one name's password must not be guessed.
DEFAULT_LIMITS: Mapping[Attempt, Limit] = {
    Attempt.WRONG_PASSWORD_FOR_NAME: Limit(most=10, seconds=900),
    Attempt.WRONG_PASSWORD_FROM: Limit(most=100, seconds=900),
    Attempt.SIGN_UP_FROM: Limit(most=400, seconds=3600),
    Attempt.JOIN_FROM: Limit(most=400, seconds=3600),
    Attempt.JOIN_AS: Limit(most=20, seconds=900),
    Attempt.ACCEPT: Limit(most=120, seconds=60),
    Attempt.SUBMIT: Limit(most=120, seconds=60),
    Attempt.REFUSED_SUBMIT: Limit(most=200, seconds=900),
}
UNLIMITED: Mapping[Attempt, Limit] = {}
_TIDY_EVERY: Millis = 60 * SECOND


class TooManyError(Exception):
    """Somebody tried too often; `retry_after_s` seconds from now he may again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"That was too often. Wait {_wait(retry_after_s)}, then try again.")
        self.retry_after_s = retry_after_s


@dataclass(kw_only=True)
class Throttle:
    """Counts attempts. What has no limit is not counted."""

    market: Market
    clock: Callable[[], datetime]
    limits: Mapping[Attempt, Limit] = field(default_factory=lambda: UNLIMITED)
    _tidied_at: Millis = field(default=0, init=False)

    def count(self, kind: Attempt, who: str) -> None:
        """Counts an attempt in a transaction of its own. Raises TooManyError."""
        if kind not in self.limits:
            return
        window = self._window(kind, who)
        count = self.market.write(lambda moment: _add(moment.connection, window))
        self.tidy()
        self._judge(window, count, self.limits[kind].most)

    def count_in(self, moment: Moment, kind: Attempt, who: str) -> None:
        """Counts in the caller's transaction, which TooManyError then rolls back with the rest of it.

        Who counts so calls `tidy` now and then, outside of any transaction.
        """
        if kind in self.limits:
            window = self._window(kind, who)
            self._judge(window, _add(moment.connection, window), self.limits[kind].most)

    def forgive(self, kind: Attempt, who: str) -> None:
        """Takes back an attempt that turned out to be honest."""
        if kind in self.limits:
            window = self._window(kind, who)
            less = update(attempt).where(attempt.c.who == window.key).values(count=attempt.c.count - 1)
            self.market.write(lambda moment: moment.connection.execute(less))

    def tidy(self) -> None:
        """Forgets windows that are over, once a minute, in a transaction of its own: nobody's submit waits for it."""
        now = to_millis(self.clock())
        if now - self._tidied_at < _TIDY_EVERY:
            return
        self._tidied_at = now
        over = delete(attempt).where(attempt.c.ends_at <= now)
        self.market.database.run(lambda connection: connection.execute(over), writes=True)

    def _window(self, kind: Attempt, who: str) -> _Window:
        now = to_millis(self.clock())
        length = self.limits[kind].seconds * SECOND
        ends_at = (now // length + 1) * length
        message = f"attempt:{kind}:{ends_at}:{who}".encode("utf-8", "replace")
        key = hmac.new(self.market.secret_key.encode(), message, hashlib.sha256).hexdigest()
        return _Window(key=key, now=now, ends_at=ends_at)

    @staticmethod
    def _judge(window: _Window, count: int, most: int) -> None:
        if count > most:
            raise TooManyError(max(1, -(-(window.ends_at - window.now) // SECOND)))


@dataclass(frozen=True, kw_only=True)
class _Window:
    """One counter: its row's key, and when it ends."""

    key: str
    now: Millis
    ends_at: Millis


def _add(connection: Connection, window: _Window) -> int:
    """One more; the count after it. Updates first, so that two who are at it at once do not lock each other out."""
    more = update(attempt).where(attempt.c.who == window.key).values(count=attempt.c.count + 1)
    if connection.execute(more).rowcount == 0 and not _begin(connection, window):
        connection.execute(more)
    count = connection.execute(select(attempt.c.count).where(attempt.c.who == window.key)).scalar_one()
    return int(count)


def _begin(connection: Connection, window: _Window) -> bool:
    """Begins a window; False where another process was quicker."""
    try:
        with connection.begin_nested():
            connection.execute(insert(attempt), {"who": window.key, "count": 1, "ends_at": window.ends_at})
    except IntegrityError:
        return False
    return True


def _wait(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
