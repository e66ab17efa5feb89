"""The marketplace's clock as a rehearsal may set it: an offset in the database, ahead of the true time.

Every process reads the offset in the query that begins each act, so all deadlines follow at once. Real people's
deadlines must not: once a marketplace has been served to others than its own machine, its clock can no longer be
moved, and one whose clock was moved is not served to others.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.schema import setting

OFFSET = "clock_offset_ms"
_PUBLIC = "served_to_others"
_MOST: Millis = 100 * 366 * 86_400_000


class ClockError(Exception):
    """The clock may not be moved so, or not any more; the text says why and what to do."""


def prepare(connection: Connection) -> None:
    """Sets the clock right, once: whoever moves it, or opens the marketplace to others, locks this row first."""
    if _read(connection, OFFSET) is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(setting).values(name=OFFSET, value="0"))
        except IntegrityError:
            return


def offset(connection: Connection) -> Millis:
    """How far the marketplace's clock is ahead of the true time. Locked until the transaction ends."""
    return int(_read(connection, OFFSET) or 0)


def advance(connection: Connection, by: Millis) -> Millis:
    """Moves the clock on and gives its new offset. Raises ClockError where real people may rely on it."""
    total = offset(connection) + by
    if _read(connection, _PUBLIC):
        raise ClockError(
            "This marketplace has been served to others, whose deadlines are real, so its clock is not moved. "
            "Rehearse on one with a database of its own (marketplace_database)."
        )
    if by <= 0 or total > _MOST:
        raise ClockError("The clock moves forward only, and by 100 years at most in all.")
    _write(connection, OFFSET, str(total))
    return total


def open_to_others(connection: Connection) -> None:
    """Notes that others than this machine are served from now on. Raises ClockError where the clock was moved."""
    if offset(connection):
        raise ClockError(
            "The clock of this marketplace was moved for a rehearsal, so it is served on this machine only "
            "(127.0.0.1). Name another marketplace_database to serve people."
        )
    if not _read(connection, _PUBLIC):
        _write(connection, _PUBLIC, "yes")


def _read(connection: Connection, name: str) -> str | None:
    statement = select(setting.c.value).where(setting.c.name == name).with_for_update()
    return connection.execute(statement).scalar_one_or_none()


def _write(connection: Connection, name: str, value: str) -> None:
    changed = connection.execute(update(setting).where(setting.c.name == name).values(value=value))
    if changed.rowcount == 0:
        connection.execute(insert(setting).values(name=name, value=value))
