"""Votes -> tallies -> the winner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixelpatchwork.domain.model import Choice, Image, ImageId, ImageState, Vote


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one round's votes say of one image. Own votes are counted nowhere."""

    image_id: ImageId
    upvotes: int
    downvotes: int
    created_at: datetime

    @property
    def rank(self) -> tuple[int, int, datetime, ImageId]:
        """Sorts the best first: most upvotes, then fewest downvotes, then the earliest, then by image id."""
        return (-self.upvotes, self.downvotes, self.created_at, self.image_id)


def tally(candidates: Iterable[Image], votes: Iterable[Vote]) -> tuple[Tally, ...]:
    """The visible candidates with their votes, best first."""
    counted = [vote for vote in votes if not vote.is_own]
    ups = _count(counted, Choice.UP)
    downs = _count(counted, Choice.DOWN)
    tallies = [
        Tally(
            image_id=image.image_id,
            upvotes=ups.get(image.image_id, 0),
            downvotes=downs.get(image.image_id, 0),
            created_at=image.created_at,
        )
        for image in candidates
        if image.state is ImageState.VISIBLE
    ]
    return tuple(sorted(tallies, key=lambda one: one.rank))


def winner(tallies: Sequence[Tally], *, otherwise: ImageId) -> ImageId:
    """The image at the head of `tallies`; the seed (`otherwise`) stays where there was nothing to vote on."""
    return tallies[0].image_id if tallies else otherwise


def _count(votes: Iterable[Vote], choice: Choice) -> dict[ImageId, int]:
    counts: dict[ImageId, int] = {}
    for vote in votes:
        if vote.choice is choice:
            counts[vote.image_id] = counts.get(vote.image_id, 0) + 1
    return counts
