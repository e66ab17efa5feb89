"""NextToken: an opaque place in a stable order, so that a page never repeats and never misses a row.

A token holds the sort key of the last row that was returned. Rows that change state while somebody pages keep
their place. A token is bound to the operation and its arguments; any other text is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pixelpatchwork.marketplace.errors import ParameterValidationError

T = TypeVar("T")

_DEFAULT_SIZE = 10
_PAGING = {"NextToken", "MaxResults"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a list operation was asked for: up to `size` rows after the row with this key (None: from the start)."""

    size: int
    after: tuple[int, ...] | None
    _scope: str

    @classmethod
    def of(cls, operation: str, request: Mapping[str, Any], *, keys: int = 1) -> Page:
        """Reads `NextToken` and `MaxResults`. Raises ParameterValidationError for a token of something else."""
        scope = _scope_of(operation, request)
        token = request.get("NextToken")
        after = None if token is None else _decode(token, scope, keys)
        return cls(size=request.get("MaxResults", _DEFAULT_SIZE), after=after, _scope=scope)

    @property
    def limit(self) -> int:
        """Rows to fetch: one more than the page, to know whether another follows."""
        return self.size + 1

    def cut(self, rows: Sequence[T], key: Callable[[T], tuple[int, ...]]) -> Cut[T]:
        """The rows of this page, and the token of the next one where there is one."""
        if len(rows) <= self.size:
            return Cut(rows=rows, next_token=None)
        kept = rows[: self.size]
        return Cut(rows=kept, next_token=_encode(self._scope, key(kept[-1])))


@dataclass(frozen=True, kw_only=True)
class Cut(Generic[T]):
    """One page of rows."""

    rows: Sequence[T]
    next_token: str | None

    def answer(self, name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The members that every list operation answers with."""
        paged: dict[str, Any] = {"NumResults": len(items), name: items}
        if self.next_token is not None:
            paged["NextToken"] = self.next_token
        return paged


def _scope_of(operation: str, request: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in request.items() if name not in _PAGING}
    text = operation + json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _encode(scope: str, key: tuple[int, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *key]).encode()).decode("ascii")


def _decode(token: str, scope: str, keys: int) -> tuple[int, ...]:
    try:
        found, *key = json.loads(base64.urlsafe_b64decode(token.encode("ascii", "replace")))
    except (binascii.Error, ValueError, TypeError):
        raise ParameterValidationError("NextToken", token) from None
    if found != scope or len(key) != keys or not all(type(part) is int for part in key):
        raise ParameterValidationError("NextToken", token)
    return tuple(key)
