"""Where a Day stands by the records: what publishing, advancing, the status and a study on its own all go by."""

from __future__ import annotations

from dataclasses import dataclass

from pixelpatchwork.domain.model import Day, Image, Round, UserId
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.domain.steps import Step, next_step
from pixelpatchwork.domain.voting import banned, candidates


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A Day's rounds, those of its own pictures that may be voted on and win, and the step that is due.

    `banned` are the users whose pictures and votes count nowhere.
    """

    rounds: tuple[Round, ...]
    painted: tuple[Image, ...]
    banned: frozenset[UserId]
    step: Step


def standing(store: Store, day: Day) -> Standing:
    """Reads where `day` stands."""
    rounds = tuple(one for one in store.rounds() if one.day_number == day.number)
    outcasts = banned(store.users())
    painted = candidates(store.images(day_number=day.number), banned=outcasts)
    return Standing(
        rounds=rounds,
        painted=painted,
        banned=outcasts,
        step=next_step(rounds, has_new_images=bool(painted)),
    )
