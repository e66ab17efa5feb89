"""Request tokens: within 24 hours a token does its deed once, and a repeat is refused, naming what it made.

Source: the API reference on `UniqueRequestToken`; the refusal's text is recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import DAY
from pixelpatchwork.marketplace.records import Moment

_LIFE = DAY
_CLAIM = insert(schema.request_token)


def claim(moment: Moment, requester_id: str, operation: str, token: str, result_id: str) -> str | None:
    """Takes the token for `result_id`. Returns None, or what an earlier request of the last 24 h made with it.

    The insert itself decides between two that come at once: the second one waits for the first, then fails. On
    SQLite and MySQL a failed insert undoes itself alone, so it needs no savepoint.
    """
    key: dict[str, str] = {"requester_id": requester_id, "operation": operation, "digest": _digest(token)}
    values = {"result_id": result_id, "created_at": moment.now}
    try:
        moment.connection.execute(_CLAIM, key | values)
    except IntegrityError:
        return _claim_old(moment, key, values)
    return None


def _claim_old(moment: Moment, key: Mapping[str, str], values: Mapping[str, object]) -> str | None:
    columns = schema.request_token.c
    same = [columns[name] == value for name, value in key.items()]
    row = moment.connection.execute(select(schema.request_token).where(*same).with_for_update()).one()
    if row.created_at + _LIFE > moment.now:
        return str(row.result_id)
    moment.connection.execute(update(schema.request_token).where(*same).values(**values))
    return None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
