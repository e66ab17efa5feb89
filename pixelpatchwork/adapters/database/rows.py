"""Frozen values to rows and back. Columns have the names of the fields: one function serves all tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Insert, Table, select
from sqlalchemy.dialects import mysql, sqlite

from pixelpatchwork.domain.model import OPEN_EDITS, Edit, Usage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=str)

USAGE_COLUMNS = tuple(field.name for field in fields(Usage))
_EDIT_COLUMNS = tuple(field.name for field in fields(Edit) if field.name != "usage")

_IDS_A_STATEMENT = 10_000
"""SQLite takes at most 32,766 parameters in one statement."""


def row_of(value: DataclassInstance) -> dict[str, Any]:
    """The fields of a frozen value by name."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def columns_of(table: Table, kind: type[DataclassInstance]) -> list[Column[Any]]:
    """The columns of `table` that make a `kind`, in the order of its fields."""
    return [table.columns[field.name] for field in fields(kind)]


def row_of_edit(edit: Edit) -> dict[str, Any]:
    """An edit's row: its usage flattened, nobody's lease on it."""
    row = {name: getattr(edit, name) for name in _EDIT_COLUMNS}
    return row | usage_row(edit.usage) | {"is_open": edit.state in OPEN_EDITS}


def usage_row(usage: Usage | None) -> dict[str, int | None]:
    """Three counts; all of them null where the service said nothing."""
    return {name: getattr(usage, name, None) for name in USAGE_COLUMNS}


def edit_columns(table: Table) -> list[Column[Any]]:
    """The columns that `edit_of` reads."""
    return [table.columns[name] for name in (*_EDIT_COLUMNS, *USAGE_COLUMNS)]


def edit_of(row: Sequence[Any]) -> Edit:
    """An Edit from a row of `edit_columns`."""
    counts = tuple(row[len(_EDIT_COLUMNS) :])
    usage = (
        Usage(**dict(zip(USAGE_COLUMNS, counts, strict=True))) if any(n is not None for n in counts) else None
    )
    return Edit(**dict(zip(_EDIT_COLUMNS, row, strict=False)), usage=usage)


def chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists short enough to be the parameters of one statement."""
    everything = list(items)
    for start in range(0, len(everything), _IDS_A_STATEMENT):
        yield everything[start : start + _IDS_A_STATEMENT]


def insert_new(table: Table, dialect: Dialect) -> Insert:
    """An INSERT that passes over rows whose primary key is there. Whatever else is wrong still fails."""
    keys = list(table.primary_key.columns)
    if dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=keys)
    # Setting a key to itself changes nothing. (INSERT IGNORE would also pass over texts that are too long.)
    return mysql.insert(table).on_duplicate_key_update({keys[0].name: keys[0]})


def lock(
    connection: Connection, column: Column[Any], keys: Iterable[_Key], *conditions: ColumnElement[bool]
) -> list[_Key]:
    """Locks the rows whose `column` is one of `keys`, in their order, and gives the keys that were found."""
    found: list[_Key] = []
    for some in chunks(sorted(keys)):
        query = select(column).where(column.in_(some), *conditions).order_by(column).with_for_update()
        found.extend(connection.scalars(query))
    return found
