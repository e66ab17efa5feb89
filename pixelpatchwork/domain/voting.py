"""Who stands for election, and votes -> tallies -> the winner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixelpatchwork.domain.model import Choice, Image, ImageId, ImageState, User, UserId, Vote


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


def banned(users: Iterable[User]) -> frozenset[UserId]:
    """Those of the users whose pictures and votes count nowhere."""
    return frozenset(user.user_id for user in users if user.is_banned)


def candidates(images: Iterable[Image], *, banned: Collection[UserId]) -> tuple[Image, ...]:
    """The images that may stand on a ballot and win: visible ones, not made by anybody who is banned."""
    return tuple(
        image for image in images if image.state is ImageState.VISIBLE and image.creator_id not in banned
    )


def tally(candidates: Iterable[Image], votes: Iterable[Vote]) -> tuple[Tally, ...]:
    """The visible candidates with their votes, best first."""
    counted = [vote for vote in votes if vote.counts]
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
    """The image at the head of `tallies`; `otherwise` (see `fallback`) where there was nothing to vote on."""
    return tallies[0].image_id if tallies else otherwise


def fallback(seed: ImageId, images: Mapping[ImageId, Image], *, banned: Collection[UserId]) -> ImageId:
    """Where the next Day starts if nothing can win: the Day's seed stays.

    Where the seed itself was hidden, or its maker banned, it is the picture that it was painted on, and so on back to
    one that may be shown; the seed after all, where there is none.
    """
    behind: ImageId | None = seed
    while behind is not None and behind in images:
        if candidates([images[behind]], banned=banned):
            return behind
        behind = images[behind].seed_image_id
    return seed


def _count(votes: Iterable[Vote], choice: Choice) -> dict[ImageId, int]:
    counts: dict[ImageId, int] = {}
    for vote in votes:
        if vote.choice is choice:
            counts[vote.image_id] = counts.get(vote.image_id, 0) + 1
    return counts
