"""How people become workers: by choosing a name, by a password, by an invitation, or through a recruiting panel."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pixelpatchwork.marketplace.limits import DEFAULT_LIMITS, UNLIMITED, Attempt, Limit

MAX_EXTERNAL_ID = 128


class SignUp(StrEnum):
    """Who may come in.

    NAME: anybody, under any name, without a password; for one machine or a room where everybody trusts everybody.
    PASSWORD: anybody who chooses a name that is free, and a password. INVITE: the same with an invitation link.
    CLOSED: only who is in already. A panel's links work in each of them.
    """

    NAME = "name"
    PASSWORD = "password"  # noqa: S105 - the name of a way in
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A recruiting panel whose participants come through `/join/NAME?PARAMETER=their-id`.

    `complete_url` is where they are sent at the end. `pattern` is what an id looks like, as a regular expression
    for all of it; it comes from the operator's settings and meets texts of at most 128 characters. With a `secret`,
    links must carry `sig`: the HMAC-SHA256 of the id under it, in hexadecimal digits. Without one, whoever knows an
    id can come under it, so what happened before he came is not shown to him.
    """

    parameter: str
    complete_url: str
    pattern: str = "[A-Za-z0-9_-]{1,64}"
    secret: str = field(default="", repr=False)

    def accepts(self, external_id: str) -> bool:
        """True for an id as this panel gives them."""
        return len(external_id) <= MAX_EXTERNAL_ID and re.fullmatch(self.pattern, external_id) is not None

    def vouches(self, external_id: str, signature: str) -> bool:
        """True where no signature is asked for, or this is the panel's own of this id."""
        right = hmac.new(self.secret.encode(), external_id.encode(), hashlib.sha256).hexdigest()
        return not self.secret or hmac.compare_digest(
            right.encode(), signature.lower().encode("utf-8", "replace")
        )


@dataclass(frozen=True, kw_only=True)
class WaysIn:
    """What the operator decided. `local_only`: nothing yet, so only browsers on this machine are let in."""

    signup: SignUp = SignUp.NAME
    local_only: bool = False
    panels: Mapping[str, Panel] = field(default_factory=dict)
    limits: Mapping[Attempt, Limit] = field(default_factory=lambda: UNLIMITED)


OPEN_TO_ALL = WaysIn()
"""For one machine, rehearsals and tests."""

__all__ = ["DEFAULT_LIMITS", "OPEN_TO_ALL", "UNLIMITED", "Panel", "SignUp", "WaysIn"]
