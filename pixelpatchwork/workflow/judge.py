"""Judging: each raw answer becomes an edit to make, votes to count, or a reason why it is left out or held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pixelpatchwork.domain.answers import (
    LENIENT,
    Ballot,
    GenerationRules,
    Unusable,
    parse_ballot,
    parse_generation,
)
from pixelpatchwork.domain.attention import failures
from pixelpatchwork.domain.edits import plan_edit
from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.judging import Policy
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentState,
    Day,
    Event,
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
from pixelpatchwork.domain.store import ROUND_CANCELLED
from pixelpatchwork.domain.voting import banned
from pixelpatchwork.workflow.parallel import batches
from pixelpatchwork.workflow.services import Services

SECOND_BALLOT = "This worker had already voted on every image of this ballot."
BANNED = "This worker is banned."

AT_ONCE = 200
"""Answers whose texts are in memory together: 3 MB of masks, as a rule."""

Judge = Callable[[Assignment], Judgement]


def judge_round(round_: Round, services: Services) -> list[Verdict]:
    """Judges every answer of a round that waits for it, and records the judgements. Gives the verdicts.

    The answers of banned users and of cancelled rounds are paid and left out, whatever they say. The texts of a large
    round would fill the memory, so they are read and judged a few at a time.
    """
    store, rules, now = services.store, services.rules.judgement, services.clock.now()
    waiting = store.assignments(round_.round_id, with_answers=False, state=AssignmentState.STORED)
    if not waiting:
        return []
    judge = _judge_of(round_, services, now, rules.policy, GenerationRules.from_text)
    verdicts: list[Verdict] = []
    for some in batches(waiting, AT_ONCE):
        texts = store.raw_answers([answer.assignment_id for answer in some])
        judgements = [judge(replace(answer, raw_answer=texts[answer.assignment_id])) for answer in some]
        store.record_judgements(judgements, at=now, hide_at_flags=rules.hide_at_flags)
        verdicts += [judgement.verdict for judgement in judgements]
    return verdicts


def judge_leniently(round_: Round, answers: Iterable[Assignment], services: Services) -> list[Judgement]:
    """What answers come to where the requester wants them used: bounds and failed checks count no more.

    One that cannot be read at all is left out even so. Records nothing.
    """
    judge = _judge_of(
        round_, services, services.clock.now(), Policy.APPROVE_ALL, lambda _rules_of_round: LENIENT
    )
    return [judge(answer) for answer in answers]


def _judge_of(
    round_: Round,
    services: Services,
    now: datetime,
    policy: Policy,
    read_rules: Callable[[str], GenerationRules],
) -> Judge:
    if services.is_cancelled(round_):
        return lambda answer: _left_out(answer, ROUND_CANCELLED)
    judge = _judge_of_kind(round_, services, now, policy, read_rules)
    outcasts = banned(services.store.users())
    return lambda answer: _left_out(answer, BANNED) if answer.user_id in outcasts else judge(answer)


def _judge_of_kind(
    round_: Round,
    services: Services,
    now: datetime,
    policy: Policy,
    read_rules: Callable[[str], GenerationRules],
) -> Judge:
    if round_.kind is RoundKind.VOTING:
        return _ballot_box(round_, services, now, policy).judge
    seed = services.store.image(_day(round_, services).seed_image_id)
    if seed is None:
        raise StoreError("The database has lost the Day's seed. Restore it from a backup.")
    rules = read_rules(round_.rules)
    return lambda answer: _judge_prompt(answer, seed, rules, services, now, policy)


def _day(round_: Round, services: Services) -> Day:
    return next(day for day in services.store.days() if day.number == round_.day_number)


def _judge_prompt(
    answer: Assignment,
    seed: Image,
    rules: GenerationRules,
    services: Services,
    now: datetime,
    policy: Policy,
) -> Judgement:
    parsed = parse_generation(answer.raw_answer, size=(seed.width, seed.height), rules=rules)
    if isinstance(parsed, Unusable):
        return _not_usable(answer, parsed.reason, policy)
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


def _ballot_box(round_: Round, services: Services, now: datetime, policy: Policy) -> _BallotBox:
    store = services.store
    return _BallotBox(
        ballots={hit.token: hit for hit in store.hits(round_.round_id)},
        creators={image.image_id: image.creator_id for image in store.images()},
        seen={(vote.user_id, vote.image_id) for vote in store.votes(round_.round_id)},
        now=now,
        policy=policy,
    )


@dataclass(frozen=True, kw_only=True)
class _BallotBox:
    """The ballots of one round, and who has voted on what so far: the first vote on an image counts."""

    ballots: Mapping[Token, Hit]
    creators: Mapping[ImageId, UserId | None]
    now: datetime
    policy: Policy
    seen: set[tuple[UserId, ImageId]] = field(default_factory=set)

    def judge(self, answer: Assignment) -> Judgement:
        hit = self.ballots[answer.token]
        checks = [check.shown_as for check in hit.checks]
        parsed = parse_ballot(answer.raw_answer, ballot=hit.images, checks=checks)
        if isinstance(parsed, Unusable):
            return _not_usable(answer, parsed.reason, self.policy)
        failed = failures(
            hit.checks, {one.image_id: one.choice for one in (*parsed.opinions, *parsed.checks)}
        )
        noted = self._noted(answer, hit, failed)
        if failed and self.policy is not Policy.APPROVE_ALL:
            return _not_usable(answer, " ".join(failed), self.policy, parsed, noted)
        votes = tuple(vote for vote in self._votes(answer, hit, parsed) if self._is_first(vote))
        if not votes:
            # Nothing that a requester could decide otherwise, and no fault of the worker's.
            return _left_out(answer, SECOND_BALLOT, parsed, noted)
        return Judgement(
            assignment_id=answer.assignment_id,
            verdict=Verdict.USABLE,
            reason=" ".join(failed) or None,
            language=parsed.language or None,
            seconds=parsed.seconds,
            votes=votes,
            events=noted,
        )

    def _noted(self, answer: Assignment, hit: Hit, failed: tuple[str, ...]) -> tuple[Event, ...]:
        """How the ballot's attention checks ended, for the diary."""
        if not hit.checks:
            return ()
        kind = "attention_failed" if failed else "attention_passed"
        detail = " ".join(failed) or ", ".join(check.kind for check in hit.checks)
        return (Event(at=self.now, kind=kind, subject=answer.assignment_id, detail=detail),)

    def _votes(self, answer: Assignment, hit: Hit, ballot: Ballot) -> Iterable[Vote]:
        places = {image_id: place for place, image_id in enumerate(hit.ballot)}
        for opinion in ballot.opinions:
            yield Vote(
                round_id=hit.round_id,
                user_id=answer.user_id,
                image_id=opinion.image_id,
                assignment_id=answer.assignment_id,
                choice=opinion.choice,
                flagged=opinion.flagged,
                position=places[opinion.image_id],
                is_own=self.creators.get(opinion.image_id) == answer.user_id,
                created_at=self.now,
            )

    def _is_first(self, vote: Vote) -> bool:
        key = (vote.user_id, vote.image_id)
        is_first = key not in self.seen
        self.seen.add(key)
        return is_first


def _left_out(
    answer: Assignment, reason: str, ballot: Ballot | None = None, events: tuple[Event, ...] = ()
) -> Judgement:
    return _not_usable(answer, reason, Policy.SOFT_REJECT, ballot, events)


def _not_usable(
    answer: Assignment,
    reason: str,
    policy: Policy,
    ballot: Ballot | None = None,
    events: tuple[Event, ...] = (),
) -> Judgement:
    """An answer that is left out, or held, as the policy has it."""
    return Judgement(
        assignment_id=answer.assignment_id,
        verdict=policy.verdict,
        decision=policy.decision,
        reason=reason,
        language=(ballot.language or None) if ballot else None,
        seconds=ballot.seconds if ballot else None,
        events=events,
    )
