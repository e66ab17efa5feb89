"""What a round needs: which HITs, with which identity, and what they cost. Decides; publishes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.ballots import draw_ballots
from pixelpatchwork.domain.model import (
    Day,
    Hit,
    HitState,
    ImageId,
    Round,
    RoundId,
    RoundKind,
    RoundState,
    StudyId,
    Token,
)
from pixelpatchwork.domain.money import NO_COST, Cost, Usd, hit_cost

ANNOTATION_PREFIX = "pixelpatchwork"
_ROUND_ID = re.compile(r"day-(?P<day>\d+)-(?P<kind>[a-z]+)(?:-(?P<attempt>\d+))?")


@dataclass(frozen=True, kw_only=True)
class RoundRules:
    """What the settings say of one kind of round."""

    title: str
    description: str
    keywords: str
    instructions: str
    consent: str
    reward_usd: Usd
    assignments: int
    assignments_per_hit: int
    lifetime: timedelta
    assignment_duration: timedelta
    auto_approval_delay: timedelta


@dataclass(frozen=True, kw_only=True)
class RoundPlan:
    """A round with its HITs, to be recorded and published, and what it costs at most.

    `unseen` counts the images for which the ballots of a new plan have no room.
    """

    round: Round
    hits: tuple[Hit, ...]
    unseen: int = 0

    @property
    def cost(self) -> Cost:
        """Rewards and fees where every assignment is done and approved."""
        return self.cost_of(self.hits)

    def cost_of(self, hits: Iterable[Hit]) -> Cost:
        """The same for some of its HITs."""
        costs = (hit_cost(self.round.reward_usd, max_assignments=hit.max_assignments) for hit in hits)
        return sum(costs, start=NO_COST)

    @property
    def repeats_ballots(self) -> bool:
        """Whether each of several ballots shows the same images, so that a worker's second one counts for nothing."""
        return len(self.hits) > 1 and len({frozenset(hit.ballot) for hit in self.hits if hit.ballot}) == 1

    @property
    def assignments(self) -> int:
        """How many answers it asks for."""
        return sum(hit.max_assignments for hit in self.hits)


def round_id(day_number: int, kind: RoundKind, attempt: int = 1) -> RoundId:
    """The id of a Day's round within its study: `day-1-generation`, and after a cancelled one `day-1-generation-2`."""
    again = f"-{attempt}" if attempt > 1 else ""
    return RoundId(f"day-{day_number}-{kind}{again}")


def hit_token(study_id: StudyId, day_number: int, kind: RoundKind, index: int, *, attempt: int = 1) -> Token:
    """The UniqueRequestToken of a HIT: the same on every run, 64 hex characters (the most the API takes)."""
    again = (str(attempt),) if attempt > 1 else ()
    identity = "\x1f".join((study_id, str(day_number), kind, str(index), *again))
    return Token(sha256(identity.encode()).hexdigest())


def annotation_prefix(study_id: StudyId, round_id_: RoundId) -> str:
    """How the RequesterAnnotation of each of a round's HITs begins, and no other round's."""
    return f"{study_prefix(study_id)}{round_id_}:"


def study_prefix(study_id: StudyId) -> str:
    """How the RequesterAnnotation of each of a study's HITs begins."""
    return f"{ANNOTATION_PREFIX}:{study_id}:"


def round_of(annotation: str) -> RoundId:
    """The round of one of our HITs, by its RequesterAnnotation."""
    return RoundId(annotation.rsplit(":", 2)[-2])


def is_later(one: RoundId, than: RoundId) -> bool:
    """Whether a round is of a later Day, or a later attempt at the same round."""
    this, other = _ROUND_ID.fullmatch(one), _ROUND_ID.fullmatch(than)
    if this is None or other is None:
        return False
    if this["day"] != other["day"]:
        return int(this["day"]) > int(other["day"])
    return this["kind"] == other["kind"] and int(this["attempt"] or 1) > int(other["attempt"] or 1)


def current_round(rounds: Iterable[Round], kind: RoundKind) -> Round | None:
    """Of one Day's rounds the one of this kind that counts: the one that is not cancelled."""
    return next((one for one in rounds if one.kind is kind and not one.is_cancelled), None)


def next_attempt(rounds: Iterable[Round], kind: RoundKind) -> int:
    """Of one Day's rounds: which attempt at this kind comes next."""
    return 1 + max((one.attempt for one in rounds if one.kind is kind), default=0)


def split_assignments(total: int, *, per_hit: int) -> tuple[int, ...]:
    """`total` assignments over as few HITs as `per_hit` allows, as evenly as they go: 12 by 9 -> (6, 6)."""
    hits = -(-total // per_hit)
    fewest, more = divmod(total, hits)
    return tuple(fewest + (index < more) for index in range(hits))


def plan_generation(
    study_id: StudyId,
    day: Day,
    rules: RoundRules,
    *,
    answers: GenerationRules,
    market: str,
    now: datetime,
    attempt: int = 1,
) -> RoundPlan:
    """The HITs of a Day's generation round."""
    this = _round(day, RoundKind.GENERATION, rules, market=market, now=now, attempt=attempt)
    return _plan(study_id, replace(this, rules=answers.to_text()), rules, ballots=None)


def plan_voting(
    study_id: StudyId,
    day: Day,
    rules: RoundRules,
    *,
    candidates: Sequence[ImageId],
    ballot_size: int,
    market: str,
    now: datetime,
    attempt: int = 1,
) -> RoundPlan:
    """The HITs of a Day's voting round, each with a ballot of its own.

    The draw is seeded with the round's identity, so that planning again gives the same ballots.
    """
    count = len(split_assignments(rules.assignments, per_hit=rules.assignments_per_hit))
    identity = hit_token(study_id, day.number, RoundKind.VOTING, 0, attempt=attempt)
    random = Random(identity)  # noqa: S311  # a draw, no secret
    ballots = draw_ballots(candidates, count=count, size=ballot_size, random=random)
    this = _round(day, RoundKind.VOTING, rules, market=market, now=now, attempt=attempt)
    shown = {image_id for ballot in ballots for image_id in ballot}
    return replace(_plan(study_id, this, rules, ballots=ballots), unseen=len(set(candidates) - shown))


def _round(
    day: Day, kind: RoundKind, rules: RoundRules, *, market: str, now: datetime, attempt: int
) -> Round:
    return Round(
        round_id=round_id(day.number, kind, attempt),
        day_number=day.number,
        kind=kind,
        state=RoundState.PLANNED,
        reward_usd=rules.reward_usd,
        planned_at=now,
        market=market,
        attempt=attempt,
    )


def _plan(
    study_id: StudyId, this: Round, rules: RoundRules, *, ballots: Sequence[tuple[ImageId, ...]] | None
) -> RoundPlan:
    prefix = annotation_prefix(study_id, this.round_id)
    sizes = split_assignments(rules.assignments, per_hit=rules.assignments_per_hit)
    hits = tuple(
        Hit(
            token=hit_token(study_id, this.day_number, this.kind, index, attempt=this.attempt),
            round_id=this.round_id,
            index=index,
            annotation=f"{prefix}{index}",
            max_assignments=size,
            ballot=ballots[index] if ballots else (),
            state=HitState.PLANNED,
        )
        for index, size in enumerate(sizes)
    )
    return RoundPlan(round=this, hits=hits)
