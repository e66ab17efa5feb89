"""What whoever hosts a marketplace decides, as one value: where it is kept, by which clock, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random

from pixelpatchwork.marketplace.clock import utc_now
from pixelpatchwork.marketplace.delivery import Sender
from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.marketplace.rates import Rate
from pixelpatchwork.marketplace.ways_in import OPEN_TO_ALL, WaysIn
from pixelpatchwork.marketplace.work import MOST_HELD


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """One marketplace.

    `database_url` is SQLAlchemy's: a SQLite file, `sqlite://` in memory, or MySQL/MariaDB over PyMySQL. `clock` must
    return an aware datetime; every deadline follows it. `signature_clock` is the time of day that signatures are
    compared with, by which notifications are tried again and attempts to sign in are counted.

    `requesters` maps access key ids to secret access keys, beside those that stand in the database. `secret_key`
    signs sessions and derives worker ids; without it one is made and kept in the database. `keeps_secret_key`: with
    another key than on first use the marketplace does not open. `signing_key` signs sessions and links in its place,
    and can be changed; what the `older_signing_keys` signed is believed. `random` makes ids repeatable, for
    rehearsals only.

    `opening_balance` in USD is what the first requester's account starts with. `ways_in` says who may become a
    worker, and `most_held` how many assignments one may hold at once. `sender` delivers notifications; without it
    events are not even noted. `public_url` is the site's own address, such as https://market.example.org: with it other
    hosts are refused. `api_rate` bounds the calls of each access key at each process. `faults` is trouble on
    demand.
    """

    database_url: str
    clock: Callable[[], datetime] = utc_now
    signature_clock: Callable[[], datetime] = utc_now
    requesters: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    keeps_secret_key: bool = False
    signing_key: str | None = field(default=None, repr=False)
    older_signing_keys: tuple[str, ...] = field(default=(), repr=False)
    random: Random | None = None
    opening_balance: Decimal = Decimal("10000.00")
    ways_in: WaysIn = OPEN_TO_ALL
    most_held: int = MOST_HELD
    public_url: str | None = None
    api_rate: Rate | None = None
    sender: Sender | None = None
    faults: Faults | None = None
