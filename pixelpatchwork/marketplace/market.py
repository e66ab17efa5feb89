"""The marketplace without its wire and without its pages: a database, a clock, ids and a secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from pixelpatchwork.marketplace import ledger, notifications, reviews, schema, sweep, timekeeping
from pixelpatchwork.marketplace.clock import Clock, Millis, to_millis
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.delivery import Sender
from pixelpatchwork.marketplace.ids import Ids
from pixelpatchwork.marketplace.ledger import Cause
from pixelpatchwork.marketplace.moment import Lags, Moment
from pixelpatchwork.marketplace.signing import SigningKeys

T = TypeVar("T")

DEFAULT_REQUESTER = "A1DEFAULTREQUESTER"
_SECRET = "secret_key"  # noqa: S105 - the name of a setting
_FINGERPRINT = "secret_key_fingerprint"


class WrongSecretKeyError(Exception):
    """The secret key is not the one with which this marketplace was first used."""

    def __init__(self) -> None:
        super().__init__(
            "The marketplace was first used with another secret key, from which worker ids, requesters' ids and access "
            "keys are derived. Use that key again."
        )


class Market:
    """Runs acts as transactions at one instant, after everything that came due before it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        secret_key: str | None = None,
        keeps_secret_key: bool = False,
        signing_key: str | None = None,
        older_signing_keys: Sequence[str] = (),
        random: Random | None = None,
        opening_balance: Decimal,
        sender: Sender | None = None,
        lags: Lags | None = None,
    ) -> None:
        """With a `sender` events are put in the outbox, for him to deliver. `lags`: trouble on demand.

        `signing_key` signs in place of the secret key, and what the `older_signing_keys` signed is believed.
        `keeps_secret_key`: the key is this marketplace's for good. Raises WrongSecretKeyError where another one is.
        """
        self.database = database
        self.clock = clock
        self._notifies = sender is not None
        self._any_queue_host = sender is not None and sender.is_stand_in
        self._lags = lags or Lags()
        self._offset: Millis = 0
        database.create_tables()
        with database.begin(writes=True) as connection:
            timekeeping.prepare(connection)
            self._offset = timekeeping.offset(connection)
            cause = Cause(at=to_millis(clock()), requester_id=DEFAULT_REQUESTER)
            ledger.open_account(connection, cause, "Requester", int(opening_balance * 100))
            self.secret_key = secret_key or _persistent_secret(connection)
            if keeps_secret_key:
                _check_secret(connection, self.secret_key)
            self.signing = SigningKeys(
                current=signing_key or self.secret_key, older=tuple(older_signing_keys)
            )
            self._ids = Ids(random, salt=_progress(connection)) if random else Ids()

    def now(self) -> Millis:
        """The marketplace's time in milliseconds: the clock's reading, and what a rehearsal moved it on by."""
        return to_millis(self.clock()) + self._offset

    def read(self, act: Callable[[Moment], T]) -> T:
        """Runs an act that changes nothing."""
        return self._run(act, writes=False)

    def write(self, act: Callable[[Moment], T]) -> T:
        """Runs an act in a transaction that is committed at its end, or rolled back if it raises."""
        return self._run(act, writes=True)

    def _run(self, act: Callable[[Moment], T], *, writes: bool) -> T:
        return self.database.repeat(lambda: self._try(act, writes=writes))

    def _try(self, act: Callable[[Moment], T], *, writes: bool) -> T:
        with self.database.begin(writes=writes) as connection:
            now, is_due = self._look(connection)
            if not is_due:
                return self._act(connection, now, act)
        self._settle(now)
        with self.database.begin(writes=writes) as connection:
            return self._act(connection, now, act)

    def _look(self, connection: Connection) -> tuple[Millis, bool]:
        """The time of this act, and whether something came due before it."""
        now = self.now()
        look = sweep.look(connection, now)
        if look.offset != self._offset:
            # Another process has moved the clock.
            self._offset = look.offset
            now = self.now()
            look = sweep.look(connection, now)
        return now, look.due

    def _act(self, connection: Connection, now: Millis, act: Callable[[Moment], T]) -> T:
        moment = Moment(
            connection=connection,
            now=now,
            ids=self._ids,
            lags=self._lags,
            any_queue_host=self._any_queue_host,
        )
        done = act(moment)
        reviews.apply(moment)
        if self._notifies:
            notifications.post(moment)
        return done

    def _settle(self, now: Millis) -> None:
        """Lets everything that has come due happen. A row that cannot be settled stops nothing but itself."""
        before: frozenset[sweep.DueRow] | None = None
        while True:
            rows = self._settle_together(now)
            if rows is None or rows == before:
                rows = self._settle_apart(now)
            if not rows:
                return
            before = rows

    def _settle_together(self, now: Millis) -> frozenset[sweep.DueRow] | None:
        """One batch, which is all that is needed nearly always; None where one of its rows made it fail."""
        try:
            with self.database.begin(writes=True) as connection:
                return self._act(connection, now, sweep.settle_due)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # Whichever row it was, and whatever is wrong with it: `_settle_apart` finds out, and says so.
            return None

    def _settle_apart(self, now: Millis) -> frozenset[sweep.DueRow]:
        with self.database.begin(writes=True) as connection:
            return sweep.settle_apart(connection, now, lambda act: self._act(connection, now, act))


def _persistent_secret(connection: Connection) -> str:
    """The secret that signs sessions and worker ids: made once, shared by every process of this database."""
    _insert_once(connection, schema.setting, {"name": _SECRET, "value": secrets.token_urlsafe(32)})
    columns = schema.setting.c
    return str(connection.execute(select(columns.value).where(columns.name == _SECRET)).scalar_one())


def _check_secret(connection: Connection, secret_key: str) -> None:
    """Notes the key's fingerprint on first use; raises WrongSecretKeyError where it is another key's.

    A key that was made and kept here has been used, too.
    """
    columns = schema.setting.c
    made = connection.execute(select(columns.value).where(columns.name == _SECRET)).scalar()
    if made is not None and made != secret_key:
        raise WrongSecretKeyError
    shown = hmac.new(secret_key.encode(), _FINGERPRINT.encode(), hashlib.sha256).hexdigest()
    _insert_once(connection, schema.setting, {"name": _FINGERPRINT, "value": shown})
    kept = connection.execute(select(columns.value).where(columns.name == _FINGERPRINT)).scalar_one()
    if not hmac.compare_digest(kept, shown):
        raise WrongSecretKeyError


def _insert_once(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Inserts; False where the key exists already."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table), row)
    except IntegrityError:
        return False
    return True


def _progress(connection: Connection) -> str:
    """How many rows there are: what makes a rehearsal's second process go on instead of repeating ids."""
    tables = (schema.hit_type, schema.hit, schema.assignment, schema.qualification_type)
    counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
    return "-".join(str(count) for count in counts)
