"""Who took part, and where the votes fell: plain counts over a study's records.

Pure functions on the domain's values, so that a report, an export and a test count alike. People appear here
by their pseudonym (`username`) only. A vote on an own image is counted nowhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from pixelpatchwork.domain.model import (
    Assignment,
    Choice,
    Day,
    Edit,
    EditState,
    Hit,
    Image,
    ImageId,
    Round,
    RoundId,
    RoundKind,
    User,
    UserId,
    Verdict,
    Vote,
)
from pixelpatchwork.domain.money import Usd, assignment_fee

MAX_BINS = 20
"""Bars that a histogram has at most."""

_BILLED = frozenset({EditState.DONE, EditState.RAW_STORED, EditState.UNKNOWN})
"""The edits for which the image service may have asked for money."""


# ---- participation --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RoundParticipation:
    """One round's answers: `answers` = `usable` + `unusable` + `waiting` (not judged yet).

    `reasons` says why answers were unusable, with how many, the most frequent first.
    """

    workers: int
    answers: int
    usable: int
    unusable: int
    waiting: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class DayParticipation:
    """One Day's people and what they made.

    Attributes:
        workers: people with an answer in either round.
        returning: those of them with an answer on an earlier Day too.
        images: pictures painted on this Day.
        votes, skips: opinions (up or down), and the times a voter had none.
    """

    number: int
    date: date
    generation: RoundParticipation | None
    voting: RoundParticipation | None
    workers: int
    returning: int
    images: int
    votes: int
    skips: int

    @property
    def returning_share(self) -> float | None:
        """`returning` of `workers`, 0 to 1; None where nobody came."""
        return self.returning / self.workers if self.workers else None


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one participant did: usable answers, pictures, opinions, and the upvotes that his pictures got."""

    username: str
    days: int
    answers: int
    images: int
    votes: int
    upvotes_received: int


def participation(
    days: Sequence[Day],
    rounds: Iterable[Round],
    assignments: Mapping[RoundId, Sequence[Assignment]],
    images: Iterable[Image],
    votes: Iterable[Vote],
) -> tuple[DayParticipation, ...]:
    """Counts each Day's people, answers, pictures and votes; Days by number.

    `assignments` holds each round's answers; a round that is not in it has none.
    """
    of_day = {(one.day_number, one.kind): one for one in rounds}
    painted = Counter(image.day for image in images if image.creator_id is not None)
    choices = _choices(votes)
    counted: list[DayParticipation] = []
    seen: set[UserId] = set()
    for day in sorted(days, key=lambda one: one.number):
        generation = of_day.get((day.number, RoundKind.GENERATION))
        voting = of_day.get((day.number, RoundKind.VOTING))
        present = _people(generation, assignments) | _people(voting, assignments)
        chosen = choices[voting.round_id] if voting is not None else Counter()
        counted.append(
            DayParticipation(
                number=day.number,
                date=day.date,
                generation=_round_participation(generation, assignments),
                voting=_round_participation(voting, assignments),
                workers=len(present),
                returning=len(present & seen),
                images=painted[day.date],
                votes=chosen[Choice.UP] + chosen[Choice.DOWN],
                skips=chosen[Choice.SKIP],
            )
        )
        seen |= present
    return tuple(counted)


def contributions(
    rounds: Iterable[Round],
    assignments: Mapping[RoundId, Sequence[Assignment]],
    users: Iterable[User],
    images: Iterable[Image],
    votes: Iterable[Vote],
) -> tuple[Contribution, ...]:
    """What everybody did who sent an answer: most usable answers first, then by username."""
    days: dict[UserId, set[int]] = defaultdict(set)
    usable: Counter[UserId] = Counter()
    for one in rounds:
        for answer in assignments.get(one.round_id, ()):
            days[answer.user_id].add(one.day_number)
            usable[answer.user_id] += answer.verdict is Verdict.USABLE
    makers = {image.image_id: image.creator_id for image in images}
    opinions = [vote for vote in votes if vote.counts and vote.choice is not Choice.SKIP]
    given = Counter(vote.user_id for vote in opinions)
    received = Counter(makers.get(vote.image_id) for vote in opinions if vote.choice is Choice.UP)
    painted = Counter(makers.values())
    everybody = (
        Contribution(
            username=user.username,
            days=len(days[user.user_id]),
            answers=usable[user.user_id],
            images=painted[user.user_id],
            votes=given[user.user_id],
            upvotes_received=received[user.user_id],
        )
        for user in users
        if user.user_id in days
    )
    return tuple(sorted(everybody, key=lambda one: (-one.answers, one.username)))


def gini(amounts: Collection[int]) -> float | None:
    """How unevenly amounts (0 or more) are spread: 0 where all are alike, towards 1 where one has everything.

    None where there is nothing to share out.
    Half the mean absolute difference over the mean, computed from the sorted amounts: C. Gini, "Variabilita e
    mutabilita", 1912; A. Sen, "On Economic Inequality", 1973, section 2.8.
    """
    n, total = len(amounts), sum(amounts)
    if not total:
        return None
    weighted = sum(rank * amount for rank, amount in enumerate(sorted(amounts), start=1))
    return 2 * weighted / (n * total) - (n + 1) / n


def _people(round_: Round | None, assignments: Mapping[RoundId, Sequence[Assignment]]) -> set[UserId]:
    answers = assignments.get(round_.round_id, ()) if round_ is not None else ()
    return {answer.user_id for answer in answers}


def _round_participation(
    round_: Round | None, assignments: Mapping[RoundId, Sequence[Assignment]]
) -> RoundParticipation | None:
    if round_ is None:
        return None
    answers = assignments.get(round_.round_id, ())
    verdicts = Counter(answer.verdict for answer in answers)
    reasons = Counter(
        answer.reason or "no reason recorded" for answer in answers if answer.verdict is Verdict.UNUSABLE
    )
    return RoundParticipation(
        workers=len(_people(round_, assignments)),
        answers=len(answers),
        usable=verdicts[Verdict.USABLE],
        unusable=verdicts[Verdict.UNUSABLE],
        waiting=verdicts[None],
        reasons=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
    )


def _choices(votes: Iterable[Vote]) -> dict[RoundId, Counter[Choice]]:
    choices: dict[RoundId, Counter[Choice]] = defaultdict(Counter)
    for vote in votes:
        if vote.counts:
            choices[vote.round_id][vote.choice] += 1
    return choices


# ---- votes ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ImageVotes:
    """What one image got in one round. An image that stands on two Days' ballots has two of these."""

    round_id: RoundId
    image_id: ImageId
    ups: int
    downs: int
    skips: int


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A histogram's bar: `count` values from `low` to `high`, both included."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, kw_only=True)
class VoteDistribution:
    """Every image's votes, and how many images got how many ups, and downs."""

    images: tuple[ImageVotes, ...]
    ups: tuple[Bin, ...]
    downs: tuple[Bin, ...]


def vote_distribution(votes: Iterable[Vote], hits: Iterable[Hit]) -> VoteDistribution:
    """Counts the votes of each image on a ballot of `hits`, or voted on; by round and image id.

    Both histograms have bars of the same width, so that they can be read side by side.
    """
    counts: dict[tuple[RoundId, ImageId], Counter[Choice]] = defaultdict(Counter)
    for hit in hits:
        for image_id in hit.images:
            counts[hit.round_id, image_id].update(())
    for vote in votes:
        if vote.counts:
            counts[vote.round_id, vote.image_id][vote.choice] += 1
    images = tuple(
        ImageVotes(
            round_id=round_id,
            image_id=image_id,
            ups=chosen[Choice.UP],
            downs=chosen[Choice.DOWN],
            skips=chosen[Choice.SKIP],
        )
        for (round_id, image_id), chosen in sorted(counts.items())
    )
    highest = max((max(one.ups, one.downs) for one in images), default=0)
    return VoteDistribution(
        images=images,
        ups=histogram([one.ups for one in images], highest=highest),
        downs=histogram([one.downs for one in images], highest=highest),
    )


def histogram(values: Sequence[int], *, highest: int) -> tuple[Bin, ...]:
    """Bars from 0 to `highest`, at most `MAX_BINS`, each as wide as that takes; none for no values.

    Every value lies within 0 to `highest`.
    """
    if not values:
        return ()
    width = -(-(highest + 1) // MAX_BINS)
    counts = Counter(value // width for value in values)
    edges = range(0, highest + width + 1, width)
    return tuple(
        Bin(low=low, high=following - 1, count=counts[low // width]) for low, following in pairwise(edges)
    )


# ---- money ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What the records say was spent, in USD.

    `settled` answers are paid and `unsettled` ones are owed; `unpriced` edits may have cost something that
    the image service did not name.
    """

    rewards_usd: Usd
    fees_usd: Usd
    edits_usd: Usd
    settled: int
    unsettled: int
    unpriced: int

    @property
    def total_usd(self) -> Usd:
        """Rewards, fees and edits together."""
        return self.rewards_usd + self.fees_usd + self.edits_usd


def spending(
    rounds: Iterable[Round],
    hits: Iterable[Hit],
    assignments: Mapping[RoundId, Sequence[Assignment]],
    edits: Iterable[Edit],
) -> Spending:
    """Adds up rewards and fees (`assignment_fee`) of settled answers, and the edits that have a price."""
    sizes = {hit.token: hit.max_assignments for hit in hits}
    paid: list[tuple[Usd, Usd]] = []
    unsettled = 0
    for one in rounds:
        for answer in assignments.get(one.round_id, ()):
            if answer.settled_at is None:
                unsettled += 1
                continue
            fee = assignment_fee(one.reward_usd, max_assignments=sizes[answer.token])
            paid.append((one.reward_usd, fee))
    edits = tuple(edits)
    return Spending(
        rewards_usd=sum((reward for reward, _ in paid), Usd(0)),
        fees_usd=sum((fee for _, fee in paid), Usd(0)),
        edits_usd=sum((edit.cost_usd for edit in edits if edit.cost_usd is not None), Usd(0)),
        settled=len(paid),
        unsettled=unsettled,
        unpriced=sum(1 for edit in edits if edit.cost_usd is None and edit.state in _BILLED),
    )
