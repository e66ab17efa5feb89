"""Judging: each raw answer becomes an edit to make, votes to count, or a reason why it is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pixelpatchwork.domain.answers import Ballot, GenerationRules, Unusable, parse_ballot, parse_generation
from pixelpatchwork.domain.edits import plan_edit
from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentState,
    Day,
    Hit,
    Image,
    ImageId,
    Round,
    RoundKind,
    Token,
    UserId,
    Verdict,
    Vote,
)
from pixelpatchwork.domain.ports import Judgement
from pixelpatchwork.workflow.services import Services

SECOND_BALLOT = "This worker had already voted on every image of this ballot."


def judge_round(round_: Round, services: Services) -> list[Verdict]:
    """Judges every answer of a round that waits for it, and records the judgements as one. Gives the verdicts."""
    waiting = services.store.assignments(round_.round_id, state=AssignmentState.STORED)
    if not waiting:
        return []
    now = services.clock.now()
    if round_.kind is RoundKind.GENERATION:
        judgements = _judge_generation(round_, waiting, services, now)
    else:
        judgements = _judge_voting(round_, waiting, services, now)
    services.store.record_judgements(judgements, at=now)
    return [judgement.verdict for judgement in judgements]


def _day(round_: Round, services: Services) -> Day:
    return next(day for day in services.store.days() if day.number == round_.day_number)


def _judge_generation(
    round_: Round, waiting: Iterable[Assignment], services: Services, now: datetime
) -> list[Judgement]:
    seed = services.store.image(_day(round_, services).seed_image_id)
    if seed is None:
        raise StoreError("The database has lost the Day's seed. Restore it from a backup.")
    rules = GenerationRules.from_text(round_.rules)
    return [_judge_prompt(answer, seed, rules, services, now) for answer in waiting]


def _judge_prompt(
    answer: Assignment, seed: Image, rules: GenerationRules, services: Services, now: datetime
) -> Judgement:
    parsed = parse_generation(answer.raw_answer, size=(seed.width, seed.height), rules=rules)
    if isinstance(parsed, Unusable):
        return _left_out(answer, parsed.reason)
    editor = services.editor
    edit = plan_edit(
        assignment_id=answer.assignment_id,
        creator_id=answer.user_id,
        seed=seed,
        mask_rle=parsed.mask.to_rle(),
        prompt=parsed.prompt,
        editor=editor.name,
        model=editor.model,
        parameters=editor.parameters,
        attempt=1,
        at=now,
    )
    return Judgement(
        assignment_id=answer.assignment_id,
        verdict=Verdict.USABLE,
        language=parsed.language or None,
        seconds=parsed.seconds,
        edit=edit,
    )


def _judge_voting(
    round_: Round, waiting: Iterable[Assignment], services: Services, now: datetime
) -> list[Judgement]:
    store = services.store
    box = _BallotBox(
        ballots={hit.token: hit for hit in store.hits(round_.round_id)},
        creators={image.image_id: image.creator_id for image in store.images()},
        seen={(vote.user_id, vote.image_id) for vote in store.votes(round_.round_id)},
        now=now,
    )
    return [box.judge(answer) for answer in waiting]


@dataclass(frozen=True, kw_only=True)
class _BallotBox:
    """The ballots of one round, and who has voted on what so far: the first vote on an image counts."""

    ballots: Mapping[Token, Hit]
    creators: Mapping[ImageId, UserId | None]
    now: datetime
    seen: set[tuple[UserId, ImageId]] = field(default_factory=set)

    def judge(self, answer: Assignment) -> Judgement:
        hit = self.ballots[answer.token]
        parsed = parse_ballot(answer.raw_answer, ballot=hit.ballot)
        if isinstance(parsed, Unusable):
            return _left_out(answer, parsed.reason)
        votes = tuple(vote for vote in self._votes(answer, hit, parsed) if self._is_first(vote))
        if not votes:
            return _left_out(answer, SECOND_BALLOT)
        return Judgement(
            assignment_id=answer.assignment_id,
            verdict=Verdict.USABLE,
            language=parsed.language or None,
            seconds=parsed.seconds,
            votes=votes,
        )

    def _votes(self, answer: Assignment, hit: Hit, ballot: Ballot) -> Iterable[Vote]:
        for position, opinion in enumerate(ballot.opinions):
            yield Vote(
                round_id=hit.round_id,
                user_id=answer.user_id,
                image_id=opinion.image_id,
                assignment_id=answer.assignment_id,
                choice=opinion.choice,
                flagged=opinion.flagged,
                position=position,
                is_own=self.creators.get(opinion.image_id) == answer.user_id,
                created_at=self.now,
            )

    def _is_first(self, vote: Vote) -> bool:
        key = (vote.user_id, vote.image_id)
        is_first = key not in self.seen
        self.seen.add(key)
        return is_first


def _left_out(answer: Assignment, reason: str) -> Judgement:
    return Judgement(assignment_id=answer.assignment_id, verdict=Verdict.UNUSABLE, reason=reason)
