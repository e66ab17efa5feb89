"""What a HIT's page shows: gathered from the records, handed to the port that renders it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.model import Day, Hit, Image, ImageId
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from pixelpatchwork.workflow.services import Exhibition

OFFLINE = "offline"
"""Pictures of this editor are labelled wherever they are shown: it does not read prompts as a model does."""

Ballot = tuple[ImageId, ...]


def render_questions(hits: Iterable[Hit], study: Exhibition, day: Day) -> dict[Ballot, str]:
    """The HTMLQuestion of each ballot; generation HITs share the one of the empty ballot.

    All of them before the first is published, so that a page that is too large stops the round while nothing
    has been spent. Raises PageTooLarge.
    """
    gallery = _gallery(study, day)
    return {ballot: gallery.question(ballot) for ballot in {hit.ballot for hit in hits}}


def generation_question(study: Exhibition) -> str:
    """The HTMLQuestion that a generation HIT of the current Day has. Raises PageTooLarge."""
    return _gallery(study, study.current_day()).question(())


def _gallery(study: Exhibition, day: Day) -> _Gallery:
    images = {image.image_id: image for image in study.store.images()}
    return _Gallery(exhibition=study, day=day, images=images)


@dataclass(frozen=True, kw_only=True)
class _Gallery:
    exhibition: Exhibition
    day: Day
    images: Mapping[ImageId, Image]

    def question(self, ballot: Ballot) -> str:
        if ballot:
            return self.exhibition.pages.voting(self.voting_page(ballot))
        return self.exhibition.pages.generation(self.generation_page())

    def generation_page(self) -> GenerationPage:
        rules = self.exhibition.rules
        return GenerationPage(
            study_name=self.exhibition.study().name,
            day_number=self.day.number,
            reward_usd=rules.generation.reward_usd,
            seed=self.show(self.image(self.day.seed_image_id)),
            past_winners=self.past_winners(),
            min_coverage=rules.answers.min_coverage,
            max_coverage=rules.answers.max_coverage,
            max_prompt=rules.answers.max_prompt,
            consent=rules.generation.consent,
            instructions=rules.generation.instructions,
        )

    def voting_page(self, ballot: Ballot) -> VotingPage:
        rules = self.exhibition.rules.voting
        images = [self.image(image_id) for image_id in ballot]
        return VotingPage(
            study_name=self.exhibition.study().name,
            day_number=self.day.number,
            reward_usd=rules.reward_usd,
            seed=self.show(self.image(self.day.seed_image_id)),
            ballot=tuple((self.show(image), image.prompt_text) for image in images),
            consent=rules.consent,
            instructions=rules.instructions,
        )

    def past_winners(self) -> tuple[PastWinner, ...]:
        """The latest winners, newest first."""
        closed = [day for day in self.exhibition.store.days() if day.winner_image_id is not None]
        return tuple(self.past_winner(day) for day in closed[::-1][: self.exhibition.rules.past_winners])

    def past_winner(self, day: Day) -> PastWinner:
        image = self.image(day.winner_image_id or day.seed_image_id)
        creator = self.exhibition.store.user_by_id(image.creator_id) if image.creator_id else None
        return PastWinner(
            day_number=day.number,
            image=self.show(image, key=image.thumbnail_path),
            prompt=image.prompt_text,
            username=creator.username if creator else "",
        )

    def image(self, image_id: ImageId) -> Image:
        try:
            return self.images[image_id]
        except KeyError:
            raise StoreError(f"The database has no image {image_id}. Restore it from a backup.") from None

    def show(self, image: Image, *, key: str | None = None) -> ShownImage:
        return ShownImage(
            image_id=image.image_id,
            url=self.exhibition.images.url(key or image.s3_path),
            width=image.width,
            height=image.height,
            label=OFFLINE if image.editor == OFFLINE else "",
        )
