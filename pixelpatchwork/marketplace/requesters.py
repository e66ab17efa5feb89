"""Who may call the API: requesters with a balance each, and their access keys.

A secret access key is nowhere stored. It is derived from the marketplace's secret key and the access key id, so it can
be computed again to verify a signature (SigV4 needs the secret itself, so no hash would do), and a copy of these
tables alone gives nobody a secret. Where the marketplace's secret key is not given by the settings it stands in the
same database; hence the database file is readable for its owner only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import ledger, schema
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.errors import ApiError
from pixelpatchwork.marketplace.fees import Cents, format_usd
from pixelpatchwork.marketplace.ids import name_key, requester_id
from pixelpatchwork.marketplace.ledger import Cause
from pixelpatchwork.marketplace.market import DEFAULT_REQUESTER, Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.schema import requester
from pixelpatchwork.marketplace.tables import access_key

_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LONGEST_NAME = 80
_SUSPENDED = select(requester.c.requester_id, requester.c.suspended_at)
_OWNER_OF_KEY = _SUSPENDED.join(access_key, access_key.c.requester_id == requester.c.requester_id).where(
    access_key.c.key_id == bindparam("key_id"), access_key.c.revoked_at.is_(None)
)
_FIRST_REQUESTER = _SUSPENDED.where(requester.c.requester_id == DEFAULT_REQUESTER)


class RequesterError(Exception):
    """What was asked of a requester cannot be done; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """One access key pair, and the requester whom it stands for. `is_suspended`: he was, when it was looked up."""

    key_id: str
    secret: str
    requester_id: str
    is_suspended: bool = False


@dataclass(frozen=True, kw_only=True)
class Requester:
    """A requester's account. `key_ids` are the keys that are not revoked; `suspended_at` is None while he may call."""

    requester_id: str
    name: str
    available: Cents
    held: Cents
    key_ids: tuple[str, ...]
    suspended_at: Millis | None


class Keyring:
    """The access keys: those that the settings name, for the first requester, and those in the database."""

    def __init__(self, market: Market, fixed: Mapping[str, str]) -> None:
        self._market = market
        self._fixed = fixed

    def find(self, key_id: str) -> Key | None:
        """The key of that id; None where there is none, or it was revoked."""
        fixed = self._fixed.get(key_id)
        wanted = _OWNER_OF_KEY if fixed is None else _FIRST_REQUESTER
        row = self._market.database.run(
            lambda connection: connection.execute(wanted, {"key_id": key_id}).one_or_none(), writes=False
        )
        if row is None:
            return None
        return Key(
            key_id=key_id,
            secret=fixed or self._secret_of(key_id),
            requester_id=row.requester_id,
            is_suspended=row.suspended_at is not None,
        )

    def mint(self, moment: Moment, owner: str) -> Key:
        """A new key pair for a requester."""
        key_id = "AKPP" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))
        row = {"key_id": key_id, "requester_id": owner, "created_at": moment.now}
        moment.connection.execute(insert(access_key), row)
        return Key(key_id=key_id, secret=self._secret_of(key_id), requester_id=owner)

    def _secret_of(self, key_id: str) -> str:
        message = f"access-key:{key_id}".encode()
        digest = hmac.new(self._market.secret_key.encode(), message, hashlib.sha256).digest()
        return base64.b64encode(digest)[:40].decode("ascii")


def add(moment: Moment, secret_key: str, name: str, balance: Cents) -> str:
    """Opens an account under a name that nobody has yet. Gives its requester id. Raises RequesterError."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= _LONGEST_NAME or not shown.isprintable():
        raise RequesterError(f"A requester's name has 1 to {_LONGEST_NAME} printable characters.")
    if _find(moment, shown) is not None:
        raise RequesterError(f"There is a requester {shown} already.")
    cause = Cause(at=moment.now, requester_id=requester_id(secret_key, shown))
    if not ledger.open_account(moment.connection, cause, shown, balance):
        raise RequesterError(f"There is a requester {shown} already.")
    return cause.requester_id


def deposit(moment: Moment, name: str, cents: Cents) -> Requester:
    """Adds to a requester's prepaid balance. Raises RequesterError where nobody has that name."""
    found = by_name(moment, name)
    ledger.prepay(moment.connection, Cause(at=moment.now, requester_id=found.requester_id), cents)
    return by_name(moment, name)


def withdraw(moment: Moment, name: str, cents: Cents, *, reference: str | None = None) -> bool:
    """Takes money out of what a requester may still promise; what is held for his HITs stays.

    With a reference it happens once: False where that withdrawal is there already. Raises RequesterError where nobody
    has that name, where there is less, and where the reference stands for another amount.
    """
    found = by_name(moment, name)
    if cents <= 0:
        raise RequesterError("Nothing can be withdrawn that is less than a cent.")
    if reference is not None and _is_withdrawn(moment, found, cents, reference):
        return False
    cause = Cause(at=moment.now, requester_id=found.requester_id)
    try:
        with moment.connection.begin_nested():
            ledger.withdraw(moment.connection, cause, cents, reference)
    except IntegrityError:
        # Somebody else was quicker with the same reference.
        return not _is_withdrawn(moment, found, cents, str(reference))
    except ApiError:
        raise RequesterError(
            f"{found.name} has {format_usd(found.available)} USD available; {format_usd(found.held)} more are held for "
            "HITs. Withdraw at most what is available."
        ) from None
    return True


def _is_withdrawn(moment: Moment, owner: Requester, cents: Cents, reference: str) -> bool:
    """Whether this very withdrawal is there. Raises RequesterError where its reference stands for another amount."""
    columns = schema.ledger.c
    once = ledger.once_withdrawn(owner.requester_id, reference)
    before = moment.connection.execute(select(columns.cents).where(columns.once == once)).scalar_one_or_none()
    if before is not None and before != cents:
        raise RequesterError(
            f"With the reference {reference} {format_usd(before)} USD were withdrawn already. Use another reference."
        )
    return before is not None


def suspend(moment: Moment, name: str) -> Requester:
    """Refuses a requester's calls and takes his HITs off the site, until he is reinstated. Raises RequesterError.

    Whoever is at work on one may finish it and is paid: the money is held. Deadlines go on, auto-approval included.
    """
    found = by_name(moment, name)
    columns = requester.c
    moment.connection.execute(
        update(requester)
        .where(columns.requester_id == found.requester_id, columns.suspended_at.is_(None))
        .values(suspended_at=moment.now)
    )
    return found


def reinstate(moment: Moment, name: str) -> Requester:
    """Lets a requester call again, and his HITs back on the site. Raises RequesterError."""
    found = by_name(moment, name)
    moment.connection.execute(
        update(requester).where(requester.c.requester_id == found.requester_id).values(suspended_at=None)
    )
    return found


def revoke(moment: Moment, key_id: str) -> None:
    """Ends a key for good. Raises RequesterError where there is no such key in use."""
    columns = access_key.c
    statement = (
        update(access_key)
        .where(columns.key_id == key_id, columns.revoked_at.is_(None))
        .values(revoked_at=moment.now)
    )
    if moment.connection.execute(statement).rowcount != 1:
        raise RequesterError(f"No access key {key_id} is in use. See: ppw marketplace requester list")


def by_name(moment: Moment, name: str) -> Requester:
    """The requester of that name, compared as people write names. Raises RequesterError."""
    found = _find(moment, name)
    if found is None:
        raise RequesterError(f"There is no requester {name}. See: ppw marketplace requester list")
    return found


def every(moment: Moment) -> Sequence[Requester]:
    """All requesters, the oldest first."""
    keys: dict[str, list[str]] = {}
    in_use = select(access_key).where(access_key.c.revoked_at.is_(None)).order_by(access_key.c.created_at)
    for row in moment.connection.execute(in_use):
        keys.setdefault(row.requester_id, []).append(row.key_id)
    return [
        Requester(
            requester_id=row.requester_id,
            name=row.name,
            available=row.available_cents,
            held=row.held_cents,
            key_ids=tuple(keys.get(row.requester_id, ())),
            suspended_at=row.suspended_at,
        )
        for row in moment.connection.execute(select(requester).order_by(requester.c.created_at))
    ]


def _find(moment: Moment, name: str) -> Requester | None:
    wanted = name_key(name)
    return next((found for found in every(moment) if name_key(found.name) == wanted), None)
