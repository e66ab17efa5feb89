"""Column types that mean the same on SQLite and on MySQL.

Times are aware and in UTC; money is exact; both read and sort well in an analyst's plain SQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from pixelpatchwork.domain.model import AttentionCheck, CheckKind, ImageId
from pixelpatchwork.domain.money import CENT

ID_LENGTH = 64
"""MTurk's entity ids have at most 64 characters; so has a sha256 in hex."""

_SMALLEST = Decimal("0.00000001")
"""One token at 1.25 USD a million costs 0.00000125 USD: eight places hold every price exactly."""

Id = String(ID_LENGTH)
LongText = Text().with_variant(mysql.LONGTEXT(), "mysql")
"""MySQL's TEXT ends at 65,535 bytes, which a prompt of 40,000 characters may exceed."""
RowNumber = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column declared INTEGER."""


def word(kind: type[StrEnum]) -> Enum:
    """A column for the values of `kind`, stored as their text."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [str(m) for m in members])


class RawText(TypeDecorator[str]):
    """Text as it came, whatever it is; also with half characters (lone surrogates), which no database holds.

    Such a text is kept as JSON behind a mark, and so is one that begins with the mark.
    """

    impl = LongText
    cache_ok = True
    _MARK = "\x1ajson:"

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's
        """The text itself, where a database can hold it."""
        if value is None or (not value.startswith(self._MARK) and not _has_half_characters(value)):
            return value
        return self._MARK + json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's
        """The same text."""
        if value is None or not value.startswith(self._MARK):
            return value
        return str(json.loads(value.removeprefix(self._MARK)))


def _has_half_characters(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC to the microsecond: DATETIME(6), on SQLite ISO text."""

    impl = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        """Raises ValueError for a naive time: nobody could say what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its time zone cannot be recorded")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        """The same moment, aware."""
        return None if value is None else value.replace(tzinfo=UTC)


class Money(TypeDecorator[Decimal]):
    """Dollars, exact to eight places: DECIMAL(18,8), on SQLite text.

    SQLite has no decimals: a column declared so would keep floats. Text keeps every digit, and SUM, AVG and
    `+ 0` read it as a number. What comes back has two places, or as many more as it needs.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        """The type that the columns have on this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(Numeric(18, 8))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """What is finer than eight places is rounded half up."""
        if value is None:
            return None
        exact = _tidy(value.quantize(_SMALLEST, rounding=ROUND_HALF_UP))
        return str(exact) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  # SQLAlchemy's
        """The amount as a Decimal."""
        return None if value is None else _tidy(Decimal(value))


class ImageIds(TypeDecorator[tuple[ImageId, ...]]):
    """Image ids in order, as a JSON list."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: Sequence[ImageId] | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's
        """The list as JSON text."""
        return None if value is None else json.dumps(list(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[ImageId, ...] | None:  # noqa: ARG002  # SQLAlchemy's
        """The ids as a tuple."""
        return None if value is None else tuple(ImageId(image_id) for image_id in json.loads(value))


class AttentionChecks(TypeDecorator[tuple[AttentionCheck, ...]]):
    """The attention checks of a ballot, as a JSON list of objects."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: Sequence[AttentionCheck] | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's
        """The checks as JSON text."""
        return None if value is None else json.dumps([asdict(check) for check in value])

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's
    ) -> tuple[AttentionCheck, ...] | None:
        """The checks as a tuple."""
        return None if value is None else tuple(_check(row) for row in json.loads(value))


def _check(row: dict[str, str]) -> AttentionCheck:
    return AttentionCheck(
        kind=CheckKind(row["kind"]), shown_as=ImageId(row["shown_as"]), image_id=ImageId(row["image_id"])
    )


def _tidy(amount: Decimal) -> Decimal:
    """The same amount with two decimal places, or as many more as it needs: 0.15, 0.041235."""
    cents = amount.quantize(CENT)
    return cents if cents == amount else amount.normalize()
