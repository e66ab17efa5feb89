"""How far voters agree: each one with the rest, and all of them together.

A study that crowns winners by vote should say whether the votes carry a common judgement. Two questions are
kept apart here. Of one voter: does he side with the others, his own vote left out of what he is compared
with? Of all: do they agree more than their habits of voting up and down would make them by chance?

One *unit* is one image in one round: an image that stands on two Days' ballots meets two fields of rivals. A
skip is no judgement, and an own vote (of the image's maker) counts nowhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import fsum, sqrt

import numpy as np

from pixelpatchwork.domain.model import Choice, ImageId, RoundId, UserId, Vote

Unit = tuple[RoundId, ImageId]

MIN_CORRELATED = 3
"""Units below which a correlation is not given: through two points there is always a line."""

_SCORE = {Choice.UP: 1, Choice.DOWN: -1}
_Z_95 = 1.959964
"""The standard normal distribution's 97.5% point."""


@dataclass(frozen=True, kw_only=True)
class VoterAgreement:
    """One voter against the rest.

    Attributes:
        votes: his ups and downs on other people's images.
        compared: those of them on which the others have a majority to side with.
        sided: those of `compared` on the side of that majority.
        correlation: Pearson's r between his votes (up 1, down -1) and the mean of the others' votes on the
            same unit, -1 to 1; None below `MIN_CORRELATED` units, or where either side never varies.
    """

    user_id: UserId
    votes: int
    compared: int
    sided: int
    correlation: float | None

    @property
    def share(self) -> float | None:
        """`sided` of `compared`, 0 to 1; None where there is nothing to compare."""
        return self.sided / self.compared if self.compared else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of `share` by Wilson's score method; None where there is no share."""
        return wilson_interval(self.sided, self.compared) if self.compared else None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """All voters, by user id.

    `alpha` is Krippendorff's, None where it is not defined. `pairable` counts the votes it rests on: those on
    units with two votes or more.
    """

    voters: tuple[VoterAgreement, ...]
    alpha: float | None
    pairable: int


def agreement(votes: Iterable[Vote]) -> Agreement:
    """Compares every voter with the rest, and all of them together.

    The comparison leaves a voter's own vote out of the sum he is compared with, as the corrected item-total
    correlation does: S. Henrysson, "Correction of item-total correlations in item analysis", Psychometrika
    28 (1963), 211-218.
    """
    scores = _scores(votes)
    totals = {unit: sum(by_voter.values()) for unit, by_voter in scores.items()}
    by_voter: dict[UserId, list[tuple[int, int, int]]] = defaultdict(list)
    for unit, given in scores.items():
        for user_id, score in given.items():
            by_voter[user_id].append((score, totals[unit] - score, len(given) - 1))
    return Agreement(
        voters=tuple(_compare(user_id, by_voter[user_id]) for user_id in sorted(by_voter)),
        alpha=krippendorff_alpha([tuple(given.values()) for given in scores.values()]),
        pairable=sum(len(given) for given in scores.values() if len(given) > 1),
    )


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal values, 1 at most; 0 is what chance gives.

    Args:
        units: for each judged thing the values it was given, in any order; a missing value is left out, and
            units with fewer than two values count for nothing.

    Returns:
        1 - observed / expected disagreement; None without a pair of values, or where all values are the
        same, because then no disagreement could be expected.

    Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania, 2011,
    section C (nominal data, any number of observers, missing data).
    """
    counts = [Counter(values) for values in units if len(values) > 1]
    totals = Counter(chain.from_iterable(count.elements() for count in counts))
    n = totals.total()
    expected = n * n - sum(size * size for size in totals.values())
    if not expected:
        return None
    # fsum, because the figure must not depend on the order in which votes are read.
    observed = fsum(_disagreeing_pairs(count) / (count.total() - 1) for count in counts)
    return 1 - (n - 1) * observed / expected


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95% interval of a share, 0 to 1; `trials` is 1 or more.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927), 209-212.
    """
    share, z2 = successes / trials, _Z_95**2
    centre = share + z2 / (2 * trials)
    spread = _Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    # Rounding must not put the share itself (0 or 1) just outside.
    return max(0.0, min(share, (centre - spread) / scale)), min(1.0, max(share, (centre + spread) / scale))


def _scores(votes: Iterable[Vote]) -> dict[Unit, dict[UserId, int]]:
    scores: dict[Unit, dict[UserId, int]] = defaultdict(dict)
    for vote in votes:
        if vote.counts and vote.choice in _SCORE:
            scores[vote.round_id, vote.image_id][vote.user_id] = _SCORE[vote.choice]
    return scores


def _compare(user_id: UserId, given: Sequence[tuple[int, int, int]]) -> VoterAgreement:
    """`given`: for each unit the voter's score, the sum of the others' scores, and the number of others."""
    return VoterAgreement(
        user_id=user_id,
        votes=len(given),
        compared=sum(1 for _, rest, _ in given if rest),
        sided=sum(1 for score, rest, _ in given if score * rest > 0),
        correlation=_correlation(sorted((score, rest / others) for score, rest, others in given if others)),
    )


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < MIN_CORRELATED:
        return None
    own, rest = np.array(pairs, dtype=np.float64).T
    # The range, not the variance, says whether a side varies: rounding leaves no exact zero in a variance.
    if np.ptp(own) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.clip(np.corrcoef(own, rest)[0, 1], -1, 1))


def _disagreeing_pairs(count: Counter[Hashable]) -> int:
    """Ordered pairs of unequal values within one unit."""
    return count.total() ** 2 - sum(size * size for size in count.values())
