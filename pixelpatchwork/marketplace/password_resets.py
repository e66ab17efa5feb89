"""A new password for a worker who has lost his, or whose account somebody else has got hold of.

The marketplace knows nobody's address, so whoever runs it hands over a link: good for some days, for one new password,
and only the newest of them. The old password and all sessions end as the link is made, and nobody but the worker ever
knows the new one.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from pixelpatchwork.marketplace import people, schema
from pixelpatchwork.marketplace.clock import DAY
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.tables import credential, password_reset


class ResetError(Exception):
    """No new password can be chosen so; the text is for who asked for it."""


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Whose password may be chosen anew."""

    worker_id: str
    name: str


def offer(moment: Moment, worker_id: str, days: int) -> str:
    """A token for the worker's link, good for `days`. Ends his password and sessions. Raises ResetError."""
    if people.password_hash_of(moment, worker_id) is None:
        raise ResetError(
            "This worker has no password: he comes in by his name alone, or through his panel. There is none to reset."
        )
    token = secrets.token_urlsafe(24)
    # A hash of what nobody knows, and not none: a name without a password would be free to use where names suffice.
    _set_password(moment, worker_id, people.hash_password(secrets.token_urlsafe(32)))
    people.end_sessions(moment, worker_id)
    _forget(moment, worker_id)
    row = {"worker_id": worker_id, "token_hash": _hash(token), "expires_at": moment.now + days * DAY}
    moment.connection.execute(insert(password_reset), row)
    return token


def find(moment: Moment, token: str) -> Reset:
    """Whose link this is. Raises ResetError where it is none, over, used, or not the newest."""
    columns = password_reset.c
    statement = (
        select(columns.worker_id, schema.worker.c.name)
        .select_from(password_reset.join(schema.worker, columns.worker_id == schema.worker.c.worker_id))
        .where(columns.token_hash == _hash(token), columns.expires_at > moment.now)
    )
    row = moment.connection.execute(statement).one_or_none()
    if row is None:
        raise ResetError("This link is over or was used already. Ask whoever sent it for a new one.")
    return Reset(worker_id=row.worker_id, name=row.name)


def use(moment: Moment, token: str, password_hash: str) -> Reset:
    """Sets the new password and spends the link: of two who use it at once, one does. Raises ResetError."""
    found = find(moment, token)
    spent = delete(password_reset).where(password_reset.c.token_hash == _hash(token))
    if moment.connection.execute(spent).rowcount != 1:
        raise ResetError("This link was used already. Ask whoever sent it for a new one.")
    _set_password(moment, found.worker_id, password_hash)
    return found


def _set_password(moment: Moment, worker_id: str, password_hash: str) -> None:
    statement = update(credential).where(credential.c.worker_id == worker_id)
    moment.connection.execute(statement.values(password_hash=password_hash, set_at=moment.now))


def _forget(moment: Moment, worker_id: str) -> None:
    moment.connection.execute(delete(password_reset).where(password_reset.c.worker_id == worker_id))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
