"""How an operation becomes known under its name in the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pixelpatchwork.marketplace.records import Moment


@dataclass(frozen=True, kw_only=True)
class Call:
    """One API call: who calls, with which checked request, in which transaction."""

    moment: Moment
    requester_id: str
    request: Mapping[str, Any]


Act = Callable[[Call], dict[str, Any]]
Check = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What to run, and whether it may change anything.

    `check` refuses what the request alone shows to be wrong: before a transaction begins, so that nobody waits for it.
    """

    act: Act
    writes: bool
    check: Check


_OFFERED: dict[str, Operation] = {}


def offered(name: str) -> Operation:
    """The operation of that name in the service model: every one of them is offered."""
    return _OFFERED[name]


def nothing_to_check(_request: Mapping[str, Any]) -> None:
    """The check of an operation whose input the service model describes in full."""


def operation(name: str, *, writes: bool, check: Check = nothing_to_check) -> Callable[[Act], Act]:
    """Registers a function as the API's operation of that name."""

    def register(act: Act) -> Act:
        _OFFERED[name] = Operation(act=act, writes=writes, check=check)
        return act

    return register
