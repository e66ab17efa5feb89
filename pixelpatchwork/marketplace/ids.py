"""Identifiers that look like Mechanical Turk's, because tools check them against `^[A-Z0-9]+$`.

An assignment's id is also the ticket with which the sandboxed page of a HIT submits its answer, so outside a
rehearsal all ids come from the operating system's random source (30 characters, about 150 bits).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import secrets
from collections.abc import Callable, Sequence

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LENGTH = 30

Choose = Callable[[Sequence[str]], str]


class Ids:
    """Mints ids: unguessable by default, repeatable when a rehearsal brings its own randomness.

    `salt` says how far the database already is, so that a second process with the same random seed continues
    the sequence instead of repeating ids that exist.
    """

    def __init__(self, source: random.Random | None = None, *, salt: str = "") -> None:
        self._choose: Choose | None = None
        if source is not None:
            seed = f"{source.getrandbits(128)}:{salt}"
            self._choose = random.Random(seed).choice  # noqa: S311 - repeatable on purpose, in rehearsals only

    def mint(self) -> str:
        """A new id of a HIT, HIT type, group, assignment or qualification type."""
        if self._choose is None:
            return "3" + _unguessable()
        return "3" + "".join(self._choose(_ALPHABET) for _ in range(_LENGTH - 1))


def _unguessable() -> str:
    """All characters but the first, out of one draw: to ask the operating system for each one takes long."""
    drawn, chars = secrets.randbelow(len(_ALPHABET) ** (_LENGTH - 1)), []
    for _ in range(_LENGTH - 1):
        drawn, place = divmod(drawn, len(_ALPHABET))
        chars.append(_ALPHABET[place])
    return "".join(chars)


def worker_id(secret_key: str, name: str) -> str:
    """The worker id that belongs to a name on this marketplace: a keyed hash, so that it tells nobody the name.

    The name is compared without regard to case and outer space, as people type it.
    """
    return _keyed_id(secret_key, f"worker:{name_key(name)}")


def participant_id(secret_key: str, panel: str, external_id: str) -> str:
    """The worker id of a panel's participant; the panel's own id is taken to the letter."""
    return _keyed_id(secret_key, f"participant:{panel}:{external_id}")


def requester_id(secret_key: str, name: str) -> str:
    """The id of the requester of that name, made as a worker's is: there cannot be two of one name."""
    return _keyed_id(secret_key, f"requester:{name_key(name)}")


def name_key(name: str) -> str:
    """The form of a name under which it is unique."""
    return " ".join(name.casefold().split())


def _keyed_id(secret_key: str, message: str) -> str:
    digest = hmac.new(secret_key.encode(), message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return "A" + base64.b32encode(digest).decode("ascii")[:20]
