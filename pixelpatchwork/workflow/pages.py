"""What a HIT's page shows: gathered from the records, handed to the port that renders it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.errors import ImageMissing, StoreError
from pixelpatchwork.domain.model import OFFLINE, Day, Hit, Image, ImageId, Round, RoundKind
from pixelpatchwork.domain.plan import plan_generation
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from pixelpatchwork.workflow.services import Exhibition

Ballot = tuple[ImageId, ...]


def render_questions(round_: Round, hits: Iterable[Hit], services: Exhibition, day: Day) -> dict[Ballot, str]:
    """The HTMLQuestion of each ballot; generation HITs share the one of the empty ballot.

    All of them before the first is published, so that a page that is too large, or shows a picture that is lost, stops
    the round while nothing has been spent. Raises PageTooLarge, ImageMissing.
    """
    gallery = _gallery(round_, services, day)
    return {ballot: gallery.question(ballot) for ballot in {hit.ballot for hit in hits}}


def generation_question(services: Exhibition) -> str:
    """The HTMLQuestion that a generation HIT of the current Day has. Raises PageTooLarge, ImageMissing."""
    study, day, rules = services.study(), services.current_day(), services.rules
    plan = plan_generation(
        study.study_id, day, rules.generation, answers=rules.answers, market="", now=study.created_at
    )
    return _gallery(plan.round, services, day).question(())


def _gallery(round_: Round, services: Exhibition, day: Day) -> _Gallery:
    images = {image.image_id: image for image in services.store.images()}
    return _Gallery(services=services, day=day, round=round_, images=images)


@dataclass(frozen=True, kw_only=True)
class _Gallery:
    """What the pages of one round draw on. What they promise (pay, bounds of the mask) is the round's own."""

    services: Exhibition
    day: Day
    round: Round
    images: Mapping[ImageId, Image]
    there: set[str] = field(default_factory=set)

    def question(self, ballot: Ballot) -> str:
        if self.round.kind is RoundKind.VOTING:
            return self.services.pages.voting(self.voting_page(ballot))
        return self.services.pages.generation(self.generation_page())

    def generation_page(self) -> GenerationPage:
        rules, answers = self.services.rules.generation, GenerationRules.from_text(self.round.rules)
        return GenerationPage(
            study_name=self.services.study().name,
            day_number=self.day.number,
            reward_usd=self.round.reward_usd,
            seed=self.show(self.image(self.day.seed_image_id)),
            past_winners=self.past_winners(),
            min_coverage=answers.min_coverage,
            max_coverage=answers.max_coverage,
            max_prompt=answers.max_prompt,
            consent=rules.consent,
            instructions=rules.instructions,
        )

    def voting_page(self, ballot: Ballot) -> VotingPage:
        rules = self.services.rules.voting
        images = [self.image(image_id) for image_id in ballot]
        return VotingPage(
            study_name=self.services.study().name,
            day_number=self.day.number,
            reward_usd=self.round.reward_usd,
            seed=self.show(self.image(self.day.seed_image_id)),
            ballot=tuple((self.show(image), image.prompt_text) for image in images),
            consent=rules.consent,
            instructions=rules.instructions,
        )

    def past_winners(self) -> tuple[PastWinner, ...]:
        """The latest winners, newest first."""
        closed = [day for day in self.services.store.days() if day.winner_image_id is not None]
        return tuple(self.past_winner(day) for day in closed[::-1][: self.services.rules.past_winners])

    def past_winner(self, day: Day) -> PastWinner:
        image = self.image(day.winner_image_id or day.seed_image_id)
        creator = self.services.store.user_by_id(image.creator_id) if image.creator_id else None
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
        key = key or image.s3_path
        self.require(key)
        return ShownImage(
            image_id=image.image_id,
            url=self.services.images.url(key),
            width=image.width,
            height=image.height,
            label=OFFLINE if image.editor == OFFLINE else "",
        )

    def require(self, key: str) -> None:
        """Looks once for each picture. Raises ImageMissing."""
        if key not in self.there and not self.services.images.exists(key):
            raise ImageMissing(
                f"The picture {key} is not in the image store. Restore it from a backup before workers look for it."
            )
        self.there.add(key)
