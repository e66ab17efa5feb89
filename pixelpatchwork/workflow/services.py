"""What every workflow is handed: the ports, and the study's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.bonuses import NO_BONUSES, BonusRules
from pixelpatchwork.domain.budget import NO_BUDGET, Budget
from pixelpatchwork.domain.errors import ConfigurationError, NothingToDo
from pixelpatchwork.domain.judging import USUAL, JudgementRules
from pixelpatchwork.domain.model import Day, Round, RoundKind, Study
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.plan import RoundRules
from pixelpatchwork.domain.ports import Clock, Crowd, Editor, ImageStore, Pages, Store
from pixelpatchwork.domain.wording import DAY_NAME

Progress = Callable[[str, int, int], None]
"""Called as work goes on with what is being done, how many are done, and of how many."""

MaySpend = Callable[[Usd, str], bool]
"""Asked before money is spent, with the most it can be and what for."""

Stops = Callable[[], bool]
"""Asked between calls, edits and pages: whether nothing new is to be begun, because the program is to end."""


@dataclass(frozen=True, kw_only=True)
class StudyRules:
    """The settings of a study, as the workflows need them. `edit_lease` is kept alive while an edit is made."""

    generation: RoundRules
    voting: RoundRules
    answers: GenerationRules
    ballot_size: int
    has_incumbent: bool
    past_winners: int
    timezone: ZoneInfo
    parallel_calls: int
    edit_lease: timedelta
    budget: Budget = NO_BUDGET
    bonuses: BonusRules = NO_BONUSES
    judgement: JudgementRules = USUAL
    day_name: str = DAY_NAME

    def of(self, kind: RoundKind) -> RoundRules:
        """The rules of one kind of round."""
        return self.generation if kind is RoundKind.GENERATION else self.voting


@dataclass(frozen=True, kw_only=True)
class Exhibition:
    """What it takes to read a study and to show it: neither a marketplace nor an editor, and no key of either."""

    store: Store
    images: ImageStore
    pages: Pages
    rules: StudyRules

    def study(self) -> Study:
        """The study. Raises NothingToDo before `ppw init`."""
        study = self.store.study()
        if study is None:
            raise NothingToDo("There is no study in this database yet. Run: ppw init")
        return study

    def current_day(self) -> Day:
        """The Day that is going on. Raises NothingToDo before `ppw init`."""
        day = self.store.current_day()
        if day is None:
            raise NothingToDo("This study has no Day yet. Run: ppw init")
        return day


@dataclass(frozen=True, kw_only=True)
class Services(Exhibition):
    """The ports and the rules of one study. `market` names the marketplace behind `crowd`."""

    crowd: Crowd
    market: str
    editor: Editor
    clock: Clock

    def is_cancelled(self, round_: Round) -> bool:
        """Whether a round has been cancelled by now, since it was read."""
        now = self.store.round(round_.round_id)
        return now is not None and now.is_cancelled

    def require_market(self, round_: Round) -> None:
        """Raises ConfigurationError where the settings name another marketplace than the round was published on."""
        if round_.market != self.market:
            raise ConfigurationError(
                f"The {round_.kind} round of Day {round_.day_number} was published on {round_.market}, "
                f"and the settings say {self.market}. Set `marketplace` back until the round is closed."
            )


def never() -> bool:
    """For callers that nobody tells to stop."""
    return False


def no_progress(_what: str, _done: int, _total: int) -> None:
    """For callers that show nothing."""
