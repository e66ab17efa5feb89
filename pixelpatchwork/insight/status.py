"""Where the study stands, and which command comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pixelpatchwork.domain.bonuses import NO_BONUSES, BonusRules
from pixelpatchwork.domain.budget import NO_BUDGET, Budget, Room
from pixelpatchwork.domain.model import (
    OPEN_EDITS,
    Assignment,
    AssignmentState,
    Day,
    EditState,
    Hit,
    HitState,
    ImageId,
    ImageState,
    Round,
    RoundKind,
    RoundState,
    StudyId,
    Verdict,
)
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.domain.standing import standing
from pixelpatchwork.insight.money import BonusStatus, Purse, bonus_statuses


@dataclass(frozen=True, kw_only=True)
class RoundStatus:
    """How far one round has come. `answers` of `wanted` are in; `edits` counts them by state.

    `held` answers wait for the requester's decision; `unpaid` are the others that are not settled yet.
    """

    kind: RoundKind
    state: RoundState
    hits: int
    hits_open: int
    wanted: int
    answers: int
    unpaid: int
    unusable: int
    edits: dict[EditState, int]
    expires_at: datetime | None
    money: Room
    held: int = 0
    is_cancelled: bool = False


@dataclass(frozen=True, kw_only=True)
class DayStatus:
    """One Day. `images` counts those painted on it; `winner_image_id` is None while it goes on."""

    number: int
    date: date
    is_current: bool
    seed_image_id: ImageId
    winner_image_id: ImageId | None
    winner_prompt: str | None
    images: int
    total_votes: int
    total_participants: int
    rounds: tuple[RoundStatus, ...]
    money: Room


@dataclass(frozen=True, kw_only=True)
class Status:
    """The study as it stands. `next_command` takes the step that `next_step` describes.

    `flagged` are the pictures that workers' flags have hidden until the requester looks at them.
    """

    study: str
    study_id: StudyId
    days: tuple[DayStatus, ...]
    next_step: str
    next_command: str
    edits_waiting: int
    edits_unknown: int
    money: Room
    bonuses: tuple[BonusStatus, ...]
    flagged: tuple[ImageId, ...] = ()


def study_status(
    store: Store, *, budget: Budget = NO_BUDGET, bonuses: BonusRules = NO_BONUSES
) -> Status | None:
    """The study's status by the settings' budgets and bonuses, or None where this database holds no study yet."""
    study, current = store.study(), store.current_day()
    if study is None or current is None:
        return None
    rounds, purse = store.rounds(), Purse(budget=budget, books=store.books())
    days = tuple(_day_status(day, rounds, store, purse) for day in store.days())
    step = standing(store, current).step
    edits = [one.edits for day in days for one in day.rounds]
    return Status(
        study=study.name,
        study_id=study.study_id,
        days=days,
        next_step=step.value,
        next_command=step.command,
        edits_waiting=sum(count for one in edits for state, count in one.items() if state in OPEN_EDITS),
        edits_unknown=sum(one.get(EditState.UNKNOWN, 0) for one in edits),
        money=purse.of_study(),
        bonuses=tuple(bonus_statuses(store.days(), store.bonuses(), bonuses)),
        flagged=tuple(image.image_id for image in store.images() if image.state is ImageState.FLAGGED),
    )


def _day_status(day: Day, rounds: Sequence[Round], store: Store, purse: Purse) -> DayStatus:
    winner = store.image(day.winner_image_id) if day.winner_image_id else None
    return DayStatus(
        number=day.number,
        date=day.date,
        is_current=day.is_current,
        seed_image_id=day.seed_image_id,
        winner_image_id=day.winner_image_id,
        winner_prompt=winner.prompt_text if winner else None,
        images=len(store.images(day_number=day.number)),
        total_votes=day.total_votes,
        total_participants=day.total_participants,
        rounds=tuple(_round_status(one, store, purse) for one in rounds if one.day_number == day.number),
        money=purse.of_day(day.number),
    )


def _round_status(round_: Round, store: Store, purse: Purse) -> RoundStatus:
    hits = store.hits(round_.round_id)
    answers = store.assignments(round_.round_id, with_answers=False)
    return RoundStatus(
        kind=round_.kind,
        state=round_.state,
        hits=len(hits),
        hits_open=sum(hit.state is HitState.OPEN for hit in hits),
        wanted=sum(hit.max_assignments for hit in hits),
        answers=len(answers),
        unpaid=_count_unpaid(answers),
        unusable=sum(answer.verdict is Verdict.UNUSABLE for answer in answers),
        edits=dict(Counter(edit.state for edit in store.edits(round_.round_id))),
        expires_at=None if round_.is_cancelled else _last_expiry(hits),
        money=purse.of_round(round_.round_id),
        held=sum(answer.verdict is Verdict.HELD for answer in answers),
        is_cancelled=round_.is_cancelled,
    )


def _count_unpaid(answers: Sequence[Assignment]) -> int:
    return sum(
        answer.state is not AssignmentState.SETTLED and answer.verdict is not Verdict.HELD
        for answer in answers
    )


def _last_expiry(hits: Sequence[Hit]) -> datetime | None:
    """When the last open HIT leaves the market."""
    ends = [hit.expires_at for hit in hits if hit.state is HitState.OPEN and hit.expires_at is not None]
    return max(ends, default=None)
