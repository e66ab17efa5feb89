"""The section `judgement` of the settings: what becomes of answers and pictures that are not as they should be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pixelpatchwork.config_sections import Section
from pixelpatchwork.domain.judging import JudgementRules, Policy
from pixelpatchwork.domain.model import CheckKind

_CHECKS = {
    "none": (),
    "repeat": (CheckKind.REPEAT,),
    "broken": (CheckKind.BROKEN,),
    "both": (CheckKind.REPEAT, CheckKind.BROKEN),
}


class JudgementSettings(Section):
    """How answers are judged."""

    policy: Literal["approve-all", "soft-reject", "hold"] = Field(
        default="soft-reject",
        description="What becomes of an answer that cannot be used or fails its attention checks. `approve-all`: it is"
        " paid, and votes count even so. `soft-reject`: it is paid and left out. `hold`: neither, until you decide with"
        " `ppw review`; decide before `auto_approval_days` are over, for then the marketplace pays it by itself.",
    )
    attention_checks: Literal["none", "repeat", "broken", "both"] = Field(
        default="none",
        description="What shows on each ballot whether somebody looked: an image a second time (`repeat`; it may not be"
        " voted up and down), a picture that is plainly broken (`broken`; it may not be voted up), or both. Rounds that"
        " are planned keep what they were planned with.",
    )
    hide_at_flags: int = Field(
        default=3,
        ge=0,
        le=10_000,
        description="How many flags by others hide a picture until you have looked at it (`ppw images`); 0: no number.",
    )

    def rules(self) -> JudgementRules:
        """These settings as the workflows need them."""
        return JudgementRules(
            policy=Policy(self.policy),
            hide_at_flags=self.hide_at_flags,
            attention_checks=_CHECKS[self.attention_checks],
        )
