"""Workers as people who come and come back: signed up, recognised, sent by a panel.

A worker's id is a keyed hash of his name, or of his panel and his id there, so that it tells requesters neither.
Nobody can take over a name: once it has a password it needs that password, and a name that somebody uses without one
cannot be given one by whoever comes along.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import credential, participant

MIN_PASSWORD = 10
MAX_PASSWORD = 200
_METHOD = "scrypt"  # with werkzeug's costs: some 32 MiB and 60 ms a try
_NOBODY = generate_password_hash("nobody has this one", method=_METHOD)


@dataclass(frozen=True, kw_only=True)
class NewWorker:
    """Who signs up. The country is an ISO 3166 code, or None where it was not said."""

    worker_id: str
    name: str
    country: str | None = None
    subdivision: str | None = None
    password_hash: str | None = None


class NameTakenError(Exception):
    """The name belongs to somebody else."""


def hash_password(password: str) -> str:
    """The salted scrypt hash to keep."""
    return generate_password_hash(password, method=_METHOD)


def password_fault(password: str, name: str) -> str:
    """What is wrong with a new password, or "" where nothing is."""
    if len(password) < MIN_PASSWORD:
        return f"Choose a password of at least {MIN_PASSWORD} characters."
    if len(password) > MAX_PASSWORD:
        return f"Choose a password of at most {MAX_PASSWORD} characters."
    if password.casefold() in {name.casefold(), name.casefold() * 2} or len(set(password)) < 4:
        return "Choose a password that is harder to guess."
    return ""


def remember(moment: Moment, worker: NewWorker) -> None:
    """Signs up where there is no such worker yet; signing in again changes nothing."""
    _insert(moment, worker)


def sign_up(moment: Moment, worker: NewWorker) -> None:
    """Signs up under a name that is free, with a password. Raises NameTakenError."""
    if not _insert(moment, worker):
        raise NameTakenError
    row = {"worker_id": worker.worker_id, "password_hash": worker.password_hash, "set_at": moment.now}
    moment.connection.execute(insert(credential), row)


def is_known(moment: Moment, worker_id: str) -> bool:
    """True for a worker who signed up before."""
    known = select(schema.worker.c.worker_id).where(schema.worker.c.worker_id == worker_id)
    return moment.connection.execute(known).one_or_none() is not None


def session_epoch(moment: Moment, worker_id: str) -> int | None:
    """How often the worker has signed out; a session of an earlier count is over. None: he has no sessions at all.

    That is so for nobody, and for who is suspended.
    """
    columns = schema.worker.c
    found = select(columns.session_epoch).where(
        columns.worker_id == worker_id, columns.suspended_at.is_(None)
    )
    epoch: int | None = moment.connection.execute(found).scalar_one_or_none()
    return epoch


def end_sessions(moment: Moment, worker_id: str) -> None:
    """Ends all sessions of a worker, in every browser."""
    columns = schema.worker.c
    more = update(schema.worker).values(session_epoch=columns.session_epoch + 1)
    moment.connection.execute(more.where(columns.worker_id == worker_id))


def password_hash_of(moment: Moment, worker_id: str) -> str | None:
    """The hash, or None where the worker has no password."""
    found = select(credential.c.password_hash).where(credential.c.worker_id == worker_id)
    hashed: str | None = moment.connection.execute(found).scalar_one_or_none()
    return hashed


def is_right(password: str, password_hash: str | None) -> bool:
    """Compares; takes as long for a worker who does not exist, so that the time tells nobody who does."""
    matches = check_password_hash(password_hash or _NOBODY, password[: MAX_PASSWORD + 1])
    return matches and password_hash is not None


def join(moment: Moment, worker: NewWorker, panel: str, external_id: str) -> bool:
    """Recognises a panel's participant, or signs him up. True where he is new."""
    is_new = _insert(moment, worker)
    if is_new:
        row = {
            "worker_id": worker.worker_id,
            "panel": panel,
            "external_id": external_id,
            "joined_at": moment.now,
        }
        moment.connection.execute(insert(participant), row)
    return is_new


def country_of(moment: Moment, worker_id: str) -> str | None:
    """Where the worker said he lives, or None."""
    columns = schema.worker.c
    found = select(columns.country).where(columns.worker_id == worker_id)
    country: str | None = moment.connection.execute(found).scalar_one_or_none()
    return country


def say_country(moment: Moment, worker_id: str, country: str, subdivision: str | None) -> None:
    """Keeps where a worker lives. Said once: who could change it could pass any locale requirement."""
    columns = schema.worker.c
    moment.connection.execute(
        update(schema.worker)
        .where(columns.worker_id == worker_id, columns.country.is_(None))
        .values(country=country, subdivision=subdivision)
    )


def _insert(moment: Moment, worker: NewWorker) -> bool:
    row = {
        "worker_id": worker.worker_id,
        "name": worker.name,
        "created_at": moment.now,
        "country": worker.country,
        "subdivision": worker.subdivision,
    }
    try:
        with moment.connection.begin_nested():
            moment.connection.execute(insert(schema.worker), row)
    except IntegrityError:
        return False
    return True
