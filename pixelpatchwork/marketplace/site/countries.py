"""The countries that a worker can say he lives in: ISO 3166, as the time zone database lists them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK "
    "OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
)
US_STATES = frozenset(_STATES.split())


@functools.cache
def countries() -> Mapping[str, str]:
    """Code -> English name, in the order of the names. Read from the public-domain table that `tzdata` brings."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return dict(sorted(((code, name) for code, _, name in rows), key=lambda row: row[1].casefold()))


def read_country(text: str | None) -> str | None:
    """The code of a country, or None for anything else."""
    return text if text in countries() else None


def read_state(country: str | None, text: str | None) -> str | None:
    """A state's code where the country is the United States, whose states locale requirements may name."""
    return text if country == "US" and text in US_STATES else None
