"""What a visitor looks for in the list of HITs, as it stands in the list's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from urllib.parse import urlencode

from pixelpatchwork.marketplace.fees import Cents

PAGE_SIZE = 25
TIMES = (10, 30, 60)
_MOST_WORDS = 8
_MAX_TEXT = 100
_MAX_PAGE = 1_000
_MAX_REWARD = Decimal(10_000)


class Order(StrEnum):
    """How the list is sorted."""

    NEWEST = "newest"
    REWARD = "reward"


@dataclass(frozen=True, kw_only=True)
class Search:
    """All words must stand in the title, description, keywords or requester's name. Minutes: 0 for any."""

    text: str = ""
    least: Cents = 0
    minutes: int = 0
    order: Order = Order.NEWEST
    page: int = 1

    @property
    def words(self) -> tuple[str, ...]:
        """What to look for."""
        return tuple(self.text.split()[:_MOST_WORDS])

    @property
    def is_narrow(self) -> bool:
        """True where anything is left out of the list."""
        return bool(self.words or self.least or self.minutes)

    def address(self, page: int) -> str:
        """The address of a page of this search."""
        turned = replace(self, page=page)
        wanted = {
            "q": turned.text,
            "reward": f"{Decimal(turned.least) / 100:.2f}" if turned.least else "",
            "time": str(turned.minutes) if turned.minutes else "",
            "sort": "" if turned.order is Order.NEWEST else turned.order.value,
            "page": str(turned.page) if turned.page > 1 else "",
        }
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"/?{query}" if query else "/"


def read_search(fields: Mapping[str, str]) -> Search:
    """The search of an address; what makes no sense in it counts as not said."""
    order, minutes = fields.get("sort"), _whole(fields.get("time", ""))
    return Search(
        text=" ".join(fields.get("q", "")[:_MAX_TEXT].split()),
        least=_cents(fields.get("reward", "")),
        minutes=minutes if minutes in TIMES else 0,
        order=Order.REWARD if order == Order.REWARD else Order.NEWEST,
        page=read_page(fields),
    )


def read_page(fields: Mapping[str, str]) -> int:
    """The number of a page, from 1."""
    return min(max(_whole(fields.get("page", "")), 1), _MAX_PAGE)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _cents(text: str) -> Cents:
    try:
        amount = Decimal(text.strip().removeprefix("$") or "0")
    except InvalidOperation:
        return 0
    return int(amount * 100) if amount.is_finite() and 0 <= amount <= _MAX_REWARD else 0
