"""A study's records, read once, so that everything on a page speaks of the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pixelpatchwork.domain.errors import NothingToDo
from pixelpatchwork.domain.model import (
    Assignment,
    Day,
    Edit,
    Hit,
    Image,
    ImageId,
    Round,
    RoundId,
    RoundKind,
    Study,
    User,
    UserId,
    Vote,
)


class Records(Protocol):
    """The part of `domain.ports.Store` that is read here; each method as it is described there."""

    def study(self) -> Study | None:
        """The study, or None before there is one."""
        ...

    def days(self) -> tuple[Day, ...]:
        """All Days, by number."""
        ...

    def rounds(self) -> tuple[Round, ...]:
        """All rounds."""
        ...

    def hits(self, round_id: RoundId) -> tuple[Hit, ...]:
        """The HITs of a round."""
        ...

    def assignments(self, round_id: RoundId, *, with_answers: bool = True) -> tuple[Assignment, ...]:
        """The answers of a round."""
        ...

    def edits(self, round_id: RoundId) -> tuple[Edit, ...]:
        """The edits that a round's answers asked for."""
        ...

    def images(self, *, day_number: int | None = None) -> tuple[Image, ...]:
        """All images."""
        ...

    def votes(self, round_id: RoundId | None = None) -> tuple[Vote, ...]:
        """All votes."""
        ...

    def users(self) -> tuple[User, ...]:
        """Everybody who took part."""
        ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The records of one study. `assignments` are by round, without their raw answers.

    A cancelled round counts for nothing but pay: it stands in `paid_rounds` only, its HITs in `paid_hits`, its votes
    nowhere.
    """

    study: Study
    days: tuple[Day, ...]
    rounds: tuple[Round, ...]
    hits: tuple[Hit, ...]
    paid_rounds: tuple[Round, ...]
    paid_hits: tuple[Hit, ...]
    assignments: Mapping[RoundId, tuple[Assignment, ...]]
    edits: tuple[Edit, ...]
    images: Mapping[ImageId, Image]
    votes: tuple[Vote, ...]
    users: Mapping[UserId, User]

    def voting_round(self, day_number: int) -> Round | None:
        """The voting round of a Day, or None before it is planned."""
        for one in self.rounds:
            if one.day_number == day_number and one.kind is RoundKind.VOTING:
                return one
        return None


def read_facts(store: Records) -> Facts:
    """Reads everything that statistics and pages speak of.

    Raises:
        NothingToDo: there is no study in this database yet.
    """
    study = store.study()
    if study is None:
        raise NothingToDo("There is no study in this database yet. Run: ppw init")
    paid = store.rounds()
    counting = tuple(one for one in paid if not one.is_cancelled)
    cancelled = {one.round_id for one in paid if one.is_cancelled}
    hits = {one.round_id: store.hits(one.round_id) for one in paid}
    return Facts(
        study=study,
        days=store.days(),
        rounds=counting,
        hits=tuple(hit for one in counting for hit in hits[one.round_id]),
        paid_rounds=paid,
        paid_hits=tuple(hit for one in paid for hit in hits[one.round_id]),
        assignments={one.round_id: store.assignments(one.round_id, with_answers=False) for one in paid},
        edits=tuple(edit for one in paid for edit in store.edits(one.round_id)),
        images={image.image_id: image for image in store.images()},
        votes=tuple(vote for vote in store.votes() if vote.round_id not in cancelled),
        users={user.user_id: user for user in store.users()},
    )
