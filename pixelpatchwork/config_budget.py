"""The settings of money: what may be spent at most, and which bonuses are paid on top of the rewards."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from pixelpatchwork.config_sections import TEXTS, Section
from pixelpatchwork.config_types import Line
from pixelpatchwork.domain.bonuses import BonusRule, BonusRules, Grant
from pixelpatchwork.domain.budget import Budget


def _cents(amount: Decimal | None) -> Decimal | None:
    if amount is not None and amount != round(amount, 2):
        raise ValueError("has more than two decimals")
    return amount


Limit = Annotated[
    Decimal | None,
    Field(
        ge=0,
        le=1_000_000,
        json_schema_extra={"allowed": "an amount in US dollars from 0 to 1000000, or empty for no limit"},
    ),
    AfterValidator(_cents),  # after the bounds: rounding a huge number is an error of its own
]
Amount = Annotated[Decimal, Field(ge=0, le=100), AfterValidator(_cents)]
Reason = Annotated[
    Line,
    Field(max_length=200, description="What these workers read with it; the Day's number is put behind it."),
]


class BudgetSettings(Section):
    """What may be spent at most."""

    round_usd: Limit = Field(
        default=None,
        description="What one round may cost at most: rewards, fees, bonuses and image edits together. A round reserves"
        " its edits at their worst when it is published, so edits of paid work seldom stand still for want of budget:"
        " only a second try of one whose outcome was lost, or a dearer editor, may need more.",
    )
    day_usd: Limit = Field(default=None, description="What a Day's two rounds may cost at most, together.")
    study_usd: Limit = Field(default=None, description="What the whole study may cost at most.")

    def rules(self) -> Budget:
        """The limits."""
        return Budget(round_usd=self.round_usd, day_usd=self.day_usd, study_usd=self.study_usd)


class BonusSettings(Section):
    """What `ppw bonus` pays for a closed Day, each rule once."""

    winner_usd: Amount = Field(
        default=Decimal(0),
        description="For the maker of the Day's winner. Nobody gets it where the Day's seed wins again. 0: none.",
    )
    winner_reason: Reason = TEXTS["bonus.winner_reason"]
    runner_up_usd: Amount = Field(
        default=Decimal(0), description="For the maker of the second picture. 0: none."
    )
    runner_up_reason: Reason = TEXTS["bonus.runner_up_reason"]
    third_usd: Amount = Field(default=Decimal(0), description="For the maker of the third picture. 0: none.")
    third_reason: Reason = TEXTS["bonus.third_reason"]
    voter_usd: Amount = Field(
        default=Decimal(0),
        description="For each voter who voted the winner up; a vote for one's own picture does not count. 0: none.",
    )
    voter_reason: Reason = TEXTS["bonus.voter_reason"]

    def rules(self) -> BonusRules:
        """What each rule pays, and the words that go with it."""
        return BonusRules(
            grants={
                BonusRule.WINNER: Grant(amount_usd=self.winner_usd, reason=self.winner_reason),
                BonusRule.RUNNER_UP: Grant(amount_usd=self.runner_up_usd, reason=self.runner_up_reason),
                BonusRule.THIRD: Grant(amount_usd=self.third_usd, reason=self.third_reason),
                BonusRule.VOTER: Grant(amount_usd=self.voter_usd, reason=self.voter_reason),
            }
        )
