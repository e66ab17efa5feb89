"""The review page: each held answer with its mask, its words and its pictures side by side, as one HTML document.

It stands alone, as the report does: nothing outside it is loaded, and what workers wrote is escaped. Assignment ids are
on it, because decisions are made by them; no worker id is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixelpatchwork import __version__
from pixelpatchwork.domain.attention import picture_key
from pixelpatchwork.domain.model import OFFLINE, AttentionCheck, CheckKind, Day, Image, ImageId
from pixelpatchwork.domain.ports import ImageStore
from pixelpatchwork.insight.held import HeldAnswer, HeldVote
from pixelpatchwork.insight.pictures import Patch, Picture, Pictures, patch_from
from pixelpatchwork.insight.records import Records
from pixelpatchwork.insight.report import page_environment

SEED_WIDTH = 480
CARD_WIDTH = 240


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A picture on the page, as the report's macros want it, and what was said of it."""

    picture: Picture | None
    width: int
    height: int
    patch: Patch | None
    is_offline: bool
    vote: HeldVote | None = None
    is_hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One held answer: the seed, and the painted mask on it or the ballot's pictures."""

    held: HeldAnswer
    seed: Exhibit
    masked: Exhibit
    ballot: tuple[Exhibit, ...]


@dataclass(frozen=True, kw_only=True)
class ReviewPage:
    """Everything on the page. `command` is how `ppw review` is typed for this study."""

    study_name: str
    command: str
    version: str
    generated_at: datetime
    cases: tuple[Case, ...]


def build_review(
    held: Sequence[HeldAnswer],
    store: Records,
    images: ImageStore,
    *,
    study_name: str,
    generated_at: datetime,
    command: str = "ppw review",
) -> ReviewPage:
    """Reads what the page shows of the answers; a lost picture is an empty frame.

    Raises StoreError, ImageStoreError where the records or the pictures cannot be reached.
    """
    table = _Table(
        images={image.image_id: image for image in store.images()},
        days={day.number: day for day in store.days()},
        pictures=Pictures(images),
    )
    return ReviewPage(
        study_name=study_name,
        command=command,
        version=__version__,
        generated_at=generated_at,
        cases=tuple(table.case(one) for one in held),
    )


def render_review(page: ReviewPage) -> str:
    """The page as one HTML document without scripts, links to resources, or anything else outside it."""
    return page_environment().get_template("review.html.j2").render(page=page)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Where the cases are laid out."""

    images: Mapping[ImageId, Image]
    days: Mapping[int, Day]
    pictures: Pictures

    def case(self, held: HeldAnswer) -> Case:
        seed = self.images[self.days[held.day].seed_image_id]
        patch = patch_from(held.mask, size=(seed.width, seed.height)) if held.mask else None
        return Case(
            held=held,
            seed=self._exhibit(seed, width=SEED_WIDTH),
            masked=self._exhibit(seed, width=SEED_WIDTH, patch=patch),
            ballot=tuple(self._on_ballot(vote) for vote in held.votes),
        )

    def _on_ballot(self, vote: HeldVote) -> Exhibit:
        image = self.images[vote.image_id]
        if vote.check is not CheckKind.BROKEN:
            return self._exhibit(image, width=CARD_WIDTH, vote=vote)
        check = AttentionCheck(kind=vote.check, shown_as=vote.shown_as, image_id=vote.image_id)
        return self._exhibit(image, width=CARD_WIDTH, vote=vote, key=picture_key(check))

    def _exhibit(
        self,
        image: Image,
        *,
        width: int,
        patch: Patch | None = None,
        vote: HeldVote | None = None,
        key: str | None = None,
    ) -> Exhibit:
        return Exhibit(
            picture=self.pictures.fit(key or image.s3_path, width=width),
            width=image.width,
            height=image.height,
            patch=patch,
            is_offline=image.editor == OFFLINE and key is None,
            vote=vote,
        )
