"""Qualifications given and taken away, by a requester or by a test, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.records import Moment

GRANTED = "Granted"
REVOKED = "Revoked"
DEFAULT_VALUE = 1


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One worker's place in one qualification type."""

    qualification_type_id: str
    worker_id: str


def grant(moment: Moment, holding: Holding, value: int) -> None:
    """Gives the qualification, or changes the value of one that was given before."""
    key = {"qualification_type_id": holding.qualification_type_id, "worker_id": holding.worker_id}
    values = {"value": value, "status": GRANTED, "granted_at": moment.now}
    try:
        with moment.connection.begin_nested():
            moment.connection.execute(insert(schema.qualification), key | values)
    except IntegrityError:
        _change(moment, holding, values)


def revoke(moment: Moment, holding: Holding) -> None:
    """Takes the qualification away; its row stays, as the list of revoked ones needs it."""
    _change(moment, holding, {"status": REVOKED})


def _change(moment: Moment, holding: Holding, values: dict[str, object]) -> None:
    columns = schema.qualification.c
    moment.connection.execute(
        update(schema.qualification)
        .where(
            columns.qualification_type_id == holding.qualification_type_id,
            columns.worker_id == holding.worker_id,
        )
        .values(**values)
    )
