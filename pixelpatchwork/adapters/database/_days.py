"""The study, its Days and its diary."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NoReturn

from sqlalchemy import ColumnElement, Connection, insert, select, update

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database.rows import columns_of, row_of
from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError
from pixelpatchwork.domain.model import Day, Event, Image, Study
from pixelpatchwork.domain.ports import ClosedDay


def create_study(connection: Connection, study: Study) -> None:
    """A database holds one study: a unique key says so."""
    connection.execute(insert(schema.study), row_of(study))
    add_event(connection, Event(at=study.created_at, kind="study_created", subject=study.study_id))


def study(connection: Connection) -> Study | None:
    """The study, or None."""
    row = connection.execute(select(*columns_of(schema.study, Study))).first()
    return None if row is None else Study(**row._mapping)


def open_first_day(connection: Connection, day: Day, seed: Image) -> None:
    """The first seed and Day 1."""
    connection.execute(insert(schema.image), row_of(seed))
    connection.execute(insert(schema.day), row_of(day))
    add_event(connection, _day_opened(day, seed.created_at))


def current_day(connection: Connection) -> Day | None:
    """The Day that is going on."""
    found = _days(connection, schema.day.c.is_current)
    return found[0] if found else None


def days(connection: Connection) -> tuple[Day, ...]:
    """All Days, by number."""
    return _days(connection)


def _days(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[Day, ...]:
    query = select(*columns_of(schema.day, Day)).where(*conditions).order_by(schema.day.c.number)
    return tuple(Day(**row._mapping) for row in connection.execute(query))


def add_event(connection: Connection, event: Event) -> None:
    """Appends one entry to the diary."""
    add_events(connection, [event])


def add_events(connection: Connection, events: Iterable[Event]) -> None:
    """Appends entries to the diary, in their order, with one statement."""
    rows = [row_of(event) for event in events]
    if rows:
        connection.execute(insert(schema.event), rows)


def events(connection: Connection) -> tuple[Event, ...]:
    """The diary; entries of one moment in the order in which they were made."""
    query = select(*columns_of(schema.event, Event)).order_by(schema.event.c.at, schema.event.c.event_id)
    return tuple(Event(**row._mapping) for row in connection.execute(query))


def advance(connection: Connection, closed: ClosedDay, *, at: datetime) -> None:
    """Closes a Day and opens the next. Of two that try at once, the second finds nothing left to close."""
    day = schema.day
    result = connection.execute(
        update(day)
        .where(day.c.number == closed.number, day.c.is_current, day.c.winner_image_id.is_(None))
        .values(
            winner_image_id=closed.winner_image_id,
            total_votes=closed.total_votes,
            total_participants=closed.total_participants,
            is_current=False,
        )
    )
    if not result.rowcount:
        _refuse_to_close(connection, closed.number)
    connection.execute(insert(day), row_of(closed.next_day))
    add_events(connection, _advanced(closed, at))


def _refuse_to_close(connection: Connection, number: int) -> NoReturn:
    if _days(connection, schema.day.c.number == number):
        raise AlreadyRecorded(f"Day {number} has been closed before.")
    raise StoreError(f"There is no Day {number} to close.")


def _advanced(closed: ClosedDay, at: datetime) -> list[Event]:
    return [
        Event(at=at, kind="day_closed", subject=str(closed.number), detail=closed.winner_image_id),
        _day_opened(closed.next_day, at),
    ]


def _day_opened(day: Day, at: datetime) -> Event:
    return Event(at=at, kind="day_opened", subject=str(day.number), detail=day.seed_image_id)
