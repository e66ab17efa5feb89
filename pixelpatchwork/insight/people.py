"""Who took part, for the requester's eyes: under pseudonyms, with what each of them did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pixelpatchwork.domain.model import UserId
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.insight.figures import shown


@dataclass(frozen=True, kw_only=True)
class Person:
    """One participant. `votes` are those that are counted."""

    user_id: UserId
    username: str
    answers: int
    images: int
    votes: int
    is_banned: bool


def read_people(store: Store) -> tuple[Person, ...]:
    """Everybody who took part, by artist name."""
    answers = Counter(
        answer.user_id
        for one in store.rounds()
        for answer in store.assignments(one.round_id, with_answers=False)
    )
    images = Counter(image.creator_id for image in store.images() if image.creator_id is not None)
    votes = Counter(vote.user_id for vote in store.votes() if vote.counts)
    people = [
        Person(
            user_id=user.user_id,
            username=shown(user.username),
            answers=answers[user.user_id],
            images=images[user.user_id],
            votes=votes[user.user_id],
            is_banned=user.is_banned,
        )
        for user in store.users()
    ]
    return tuple(sorted(people, key=lambda one: (one.username, one.user_id)))
