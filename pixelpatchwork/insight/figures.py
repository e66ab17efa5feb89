"""A study's images as a page shows them: with a picture, who painted it where, and one round's votes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pixelpatchwork.domain.model import OFFLINE, Day, Image, ImageId, ImageState, RoundId
from pixelpatchwork.domain.voting import tally
from pixelpatchwork.insight.pictures import Patch, Picture, Pictures, patch_of
from pixelpatchwork.insight.records import Facts
from pixelpatchwork.insight.stats import ImageVotes

FEW_DAYS = 12
MAX_ENTRIES = 240
"""Images shown on ballots, over all Days: what bounds the page."""
MIN_ENTRIES_A_DAY = 3
MAX_TEXT = 400
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (Unicode Standard Annex #9)."""
"""Characters of a prompt, a name or a reason that are shown."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One image as the page shows it.

    Attributes:
        picture: None where the image is hidden, missing or unreadable; an empty frame of `width` x `height`
            stands for it.
        prompt: on the first seed its caption; empty where the image is hidden.
        username: None on the first seed.
        patch: where this image differs from the seed it was painted on.
        ups, downs, skips: the votes of one Day's voting round.
        is_seed: it stands on the ballot of the Day that began with it.
    """

    picture: Picture | None
    width: int
    height: int
    prompt: str
    username: str | None
    patch: Patch | None
    ups: int
    downs: int
    skips: int
    is_offline: bool
    is_hidden: bool
    is_seed: bool
    is_winner: bool


@dataclass(frozen=True, kw_only=True)
class DayStory:
    """One Day: where it began, what won, and all that was painted or stood on the ballot, best first.

    `winner` is None while the Day goes on. `painted` counts the images of this Day, as `ppw status` does: without the
    seed, which may stand on the ballot (`has_incumbent`), and with those that the page does not show. `unshown` counts
    entries left out to bound the page, `hidden` those that the requester hid.
    """

    number: int
    date: date
    seed: Figure
    winner: Figure | None
    entries: tuple[Figure, ...]
    painted: int
    has_incumbent: bool
    unshown: int
    hidden: int
    votes: int


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    """Widths of pictures in pixels, and how many entries a Day shows."""

    winner: int
    seed: int
    entries: int
    entry: int = 320


def day_stories(facts: Facts, votes: Sequence[ImageVotes], pictures: Pictures) -> tuple[DayStory, ...]:
    """Every Day by number, with the pictures that a page of bounded size can show."""
    sizes = _sizes(len(facts.days))
    of_round: dict[RoundId, dict[ImageId, ImageVotes]] = {}
    for one in votes:
        of_round.setdefault(one.round_id, {})[one.image_id] = one
    stories = []
    for day in sorted(facts.days, key=lambda one: one.number):
        voting = facts.voting_round(day.number)
        counted = of_round.get(voting.round_id, {}) if voting is not None else {}
        stories.append(_DayTeller(facts, day, counted, pictures, sizes).tell())
    return tuple(stories)


def shown(text: str) -> str:
    """Untrusted text on one line, at most `MAX_TEXT` long.

    Without control characters and lone surrogates, and without those that turn the direction of what follows: on a
    terminal that would be the rest of the line, which is ours.
    """
    head = text[: 4 * MAX_TEXT]
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in head)
    line = " ".join(_DIRECTIONS.sub("", kept).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


class _DayTeller:
    """Makes one Day's figures; it holds what each of them needs."""

    def __init__(
        self,
        facts: Facts,
        day: Day,
        votes: Mapping[ImageId, ImageVotes],
        pictures: Pictures,
        sizes: _Sizes,
    ) -> None:
        self._facts = facts
        self._day = day
        self._votes = votes
        self._pictures = pictures
        self._sizes = sizes

    def tell(self) -> DayStory:
        images, day = self._facts.images, self._day
        standing = tuple(self._standing())
        ranked = self._ranked(standing)
        return DayStory(
            number=day.number,
            date=day.date,
            seed=self._figure(images[day.seed_image_id], width=self._sizes.seed),
            winner=(
                self._figure(images[day.winner_image_id], width=self._sizes.winner)
                if day.winner_image_id is not None
                else None
            ),
            entries=tuple(
                self._figure(image, width=self._sizes.entry) for image in ranked[: self._sizes.entries]
            ),
            painted=sum(1 for image in standing if self._is_painted(image)),
            has_incumbent=day.seed_image_id in self._votes,
            unshown=max(0, len(ranked) - self._sizes.entries),
            hidden=sum(1 for image in standing if image.state is not ImageState.VISIBLE),
            votes=sum(one.ups + one.downs for one in self._votes.values()),
        )

    def _standing(self) -> Iterator[Image]:
        """What was painted on this Day, and the seed where it stood on the ballot."""
        for image in self._facts.images.values():
            if self._is_painted(image) or image.image_id in self._votes:
                yield image

    def _is_painted(self, image: Image) -> bool:
        return image.creator_id is not None and image.day == self._day.date

    def _ranked(self, standing: Sequence[Image]) -> list[Image]:
        """The visible ones, best first, by the rule that finds the winner."""
        voting = self._facts.voting_round(self._day.number)
        votes = [
            vote for vote in self._facts.votes if voting is not None and vote.round_id == voting.round_id
        ]
        return [self._facts.images[one.image_id] for one in tally(standing, votes)]

    def _figure(self, image: Image, *, width: int) -> Figure:
        votes = self._votes.get(image.image_id)
        is_hidden = image.state is not ImageState.VISIBLE
        key = image.thumbnail_path if width <= self._sizes.entry else image.s3_path
        creator = self._facts.users.get(image.creator_id) if image.creator_id is not None else None
        return Figure(
            picture=None if is_hidden else self._pictures.fit(key, width=width),
            width=image.width,
            height=image.height,
            prompt="" if is_hidden else shown(image.prompt_text),
            username=shown(creator.username) if creator is not None else None,
            patch=None if is_hidden else patch_of(image),
            ups=votes.ups if votes else 0,
            downs=votes.downs if votes else 0,
            skips=votes.skips if votes else 0,
            is_offline=image.editor == OFFLINE,
            is_hidden=is_hidden,
            is_seed=image.image_id == self._day.seed_image_id,
            is_winner=image.image_id == self._day.winner_image_id,
        )


def _sizes(days: int) -> _Sizes:
    entries = max(MIN_ENTRIES_A_DAY, MAX_ENTRIES // max(1, days))
    if days <= FEW_DAYS:
        return _Sizes(winner=900, seed=480, entries=entries)
    return _Sizes(winner=560, seed=320, entries=entries)
