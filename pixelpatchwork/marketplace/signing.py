"""What signs sessions, invitations and the addresses of submits: one key signs, and older ones are still believed.

So the key can be changed while people work: what the older key signed goes on until that key is taken from the list.
The marketplace's secret key, from which worker ids and access keys are derived, cannot be changed; it signs where
there is no other.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SigningKeys:
    """`current` signs. What `current` or any of `older` signed is believed."""

    current: str = field(repr=False)
    older: tuple[str, ...] = field(default=(), repr=False)

    def sign(self, message: str, length: int) -> str:
        """The first `length` hexadecimal digits of the message's HMAC-SHA256."""
        return _signature(self.current, message, length)

    def accepts(self, message: str, signature: str, length: int) -> bool:
        """True where one of the keys signed the message so; takes as long whichever it was."""
        sent = signature.encode("utf-8", "replace")
        right = [
            hmac.compare_digest(_signature(key, message, length).encode(), sent)
            for key in (self.current, *self.older)
        ]
        return any(right)


def _signature(key: str, message: str, length: int) -> str:
    return hmac.new(key.encode(), message.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:length]
