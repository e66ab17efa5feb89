"""What the requester wants done with answers that are not as they should be: the rules of judgement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pixelpatchwork.domain.model import CheckKind, Decision, Verdict


class Policy(StrEnum):
    """What becomes of an answer that cannot be used, or that fails its attention checks.

    APPROVE_ALL: it is paid; a failed check is noted, and the votes count all the same. SOFT_REJECT: it is paid and left
    out. HOLD: neither, until the requester has looked at it.
    """

    APPROVE_ALL = "approve-all"
    SOFT_REJECT = "soft-reject"
    HOLD = "hold"

    @property
    def verdict(self) -> Verdict:
        """On an answer that cannot be used."""
        return Verdict.HELD if self is Policy.HOLD else Verdict.UNUSABLE

    @property
    def decision(self) -> Decision | None:
        """On the pay for such an answer."""
        return None if self is Policy.HOLD else Decision.APPROVE


@dataclass(frozen=True, kw_only=True)
class JudgementRules:
    """The rules of one study. `hide_at_flags` flags by others hide a picture until it is looked at; 0: none do."""

    policy: Policy = Policy.SOFT_REJECT
    hide_at_flags: int = 3
    attention_checks: tuple[CheckKind, ...] = ()


USUAL = JudgementRules()
"""The rules of a study that says nothing of them."""
