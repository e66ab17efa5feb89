"""The kinds of text and amounts that settings hold, each with its check and with what it may be, in words."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr

MTURK = ("mturk-sandbox", "mturk-live")

BUCKET = re.compile(r"s3://(?P<name>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\s]*))?")
SQLITE_FILE = re.compile(
    r"(?P<scheme>sqlite(?:\+pysqlite)?:///)(?P<file>[^/?:][^?]*)(?P<query>\?.*)?", re.DOTALL
)
"""The address of an SQLite file whose path is relative."""

_ANY_SQLITE_FILE = re.compile(r"sqlite(?:\+pysqlite)?:///(?P<file>[^?]+)", re.DOTALL)
SHORTEST_SECRET_KEY = 32
"""Characters of the key from which everybody's sessions, ids and access keys are derived."""

_DATABASE = re.compile(r"sqlite(?:\+pysqlite)?:///.+|mysql\+pymysql://[^/]*/[^/?].*", re.DOTALL)
_NEVER_IN_ADDRESSES = re.compile(r"[\s<>\"'`\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds a control character")
    return text


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or _NEVER_IN_ADDRESSES.search(text):
        raise ValueError("is no web address such as https://host or http://host:port")
    return text.rstrip("/")


def _marketplace(text: str) -> str:
    return text if text in ("embedded", *MTURK) else _web_address(text)


def sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite database, or None for a database on a server."""
    found = _ANY_SQLITE_FILE.match(database_url)
    return Path(found["file"]) if found else None


def _database(text: str) -> str:
    if not _DATABASE.fullmatch(text):
        raise ValueError("is no database address")
    return text


def _images(text: str) -> str:
    if "://" in text and not BUCKET.fullmatch(text):
        raise ValueError("is neither a folder nor a bucket")
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: names of folders in the time zone data
        raise ValueError("is no time zone") from None
    return text


def _secret_key(key: SecretStr | None) -> SecretStr | None:
    if key is not None and len(key.get_secret_value()) < SHORTEST_SECRET_KEY:
        raise ValueError("is too short")
    return key


def _cents(amount: Decimal) -> Decimal:
    if amount != round(amount, 2):
        raise ValueError("has more than two decimals")
    return amount


Line = Annotated[str, Field(min_length=1), AfterValidator(_printable)]

WebAddress = Annotated[
    str | None,
    Field(json_schema_extra={"allowed": "a web address, or empty"}),
    AfterValidator(lambda text: None if text is None else _web_address(text)),
]

Marketplace = Annotated[
    str,
    Field(
        json_schema_extra={
            "allowed": "embedded, mturk-sandbox, mturk-live, or the web address of a marketplace"
        }
    ),
    AfterValidator(_marketplace),
]

Notifications = Annotated[
    str,
    Field(json_schema_extra={"allowed": "off, aws, or the web address of a stand-in for SQS and SNS"}),
    AfterValidator(lambda text: text if text in ("off", "aws") else _web_address(text)),
]

DatabaseUrl = Annotated[
    str,
    Field(json_schema_extra={"allowed": "sqlite:///FILE or mysql+pymysql://USER:PASSWORD@HOST/NAME"}),
    AfterValidator(_database),
]

ImagePlace = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"allowed": "a folder, or s3://BUCKET/PREFIX"}),
    AfterValidator(_images),
]

TimeZone = Annotated[
    str,
    Field(json_schema_extra={"allowed": "an IANA name such as UTC or Europe/Berlin"}),
    AfterValidator(_timezone),
]

Region = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9-]{1,40}$", json_schema_extra={"allowed": "a region's name such as eu-central-1"}
    ),
]

Secret = Annotated[
    SecretStr | None, Field(json_schema_extra={"allowed": "text, in the environment or .env only"})
]

SecretKey = Annotated[
    SecretStr | None,
    Field(
        json_schema_extra={
            "allowed": f"text of at least {SHORTEST_SECRET_KEY} characters, in the environment or .env only"
        }
    ),
    AfterValidator(_secret_key),
]

Reward = Annotated[
    Decimal,
    Field(ge=Decimal("0.01"), le=100, description="What one answer pays, in USD."),
    AfterValidator(_cents),  # after the bounds: rounding a huge number is an error of its own
]
