"""What a HIT's page shows: gathered from the records, handed to the port that renders it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.attention import caption, picture_key
from pixelpatchwork.domain.broken import broken_picture
from pixelpatchwork.domain.errors import ImageMissing, StoreError
from pixelpatchwork.domain.model import (
    OFFLINE,
    AttentionCheck,
    CheckKind,
    Day,
    Hit,
    Image,
    ImageId,
    Round,
    RoundKind,
    UserId,
)
from pixelpatchwork.domain.pictures import png_bytes, read_png
from pixelpatchwork.domain.plan import plan_generation
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from pixelpatchwork.domain.voting import banned, candidates
from pixelpatchwork.workflow.services import Exhibition

Ballot = tuple[ImageId, ...]
Checks = tuple[AttentionCheck, ...]


def render_questions(round_: Round, hits: Iterable[Hit], services: Exhibition, day: Day) -> dict[Ballot, str]:
    """The HTMLQuestion of each ballot; generation HITs share the one of the empty ballot.

    All of them before the first is published, so that a page that is too large, or shows a picture that is lost, stops
    the round while nothing has been spent. Raises PageTooLarge, ImageMissing.
    """
    gallery = _gallery(round_, services, day)
    checks = {hit.ballot: hit.checks for hit in hits}
    return {ballot: gallery.question(ballot, checks[ballot]) for ballot in checks}


def store_check_pictures(hits: Iterable[Hit], services: Exhibition) -> None:
    """Makes the broken pictures that attention checks show, and keeps each under its key. Safe to repeat."""
    broken = {check for hit in hits for check in hit.checks if check.kind is CheckKind.BROKEN}
    for check in sorted(broken, key=lambda one: one.shown_as):
        if services.images.exists(picture_key(check)):
            continue
        seed = services.store.image(check.image_id)
        if seed is None:
            raise StoreError(f"The database has no image {check.image_id}. Restore it from a backup.")
        picture = broken_picture(read_png(services.images.get(seed.s3_path)), draw=check.shown_as)
        services.images.put(picture_key(check), png_bytes(picture), content_type="image/png")


def generation_question(services: Exhibition) -> str:
    """The HTMLQuestion that a generation HIT of the current Day has. Raises PageTooLarge, ImageMissing."""
    study, day, rules = services.study(), services.current_day(), services.rules
    plan = plan_generation(
        study.study_id, day, rules.generation, answers=rules.answers, market="", now=study.created_at
    )
    return _gallery(plan.round, services, day).question((), ())


def _gallery(round_: Round, services: Exhibition, day: Day) -> _Gallery:
    images = {image.image_id: image for image in services.store.images()}
    outcasts = banned(services.store.users())
    return _Gallery(services=services, day=day, round=round_, images=images, banned=outcasts)


@dataclass(frozen=True, kw_only=True)
class _Gallery:
    """What the pages of one round draw on. What they promise (pay, bounds of the mask) is the round's own."""

    services: Exhibition
    day: Day
    round: Round
    images: Mapping[ImageId, Image]
    banned: Collection[UserId]
    there: set[str] = field(default_factory=set)
    urls: dict[str, str] = field(default_factory=dict)

    def question(self, ballot: Ballot, checks: Checks) -> str:
        if self.round.kind is RoundKind.VOTING:
            return self.services.pages.voting(self.voting_page(ballot, checks))
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

    def voting_page(self, ballot: Ballot, checks: Checks) -> VotingPage:
        rules = self.services.rules.voting
        by_place = {check.shown_as: check for check in checks}
        return VotingPage(
            study_name=self.services.study().name,
            day_number=self.day.number,
            reward_usd=self.round.reward_usd,
            seed=self.show(self.image(self.day.seed_image_id)),
            ballot=tuple(
                self.check(by_place[place], ballot)
                if place in by_place
                else (self.show(self.image(place)), self.image(place).prompt_text)
                for place in ballot
            ),
            consent=rules.consent,
            instructions=rules.instructions,
        )

    def check(self, check: AttentionCheck, ballot: Ballot) -> tuple[ShownImage, str]:
        """An attention check, as any other picture looks: with the badge that most of its neighbours have, too.

        Its picture need not be there yet, so that a dry run can render the page.
        """
        image = self.image(check.image_id)
        if check.kind is CheckKind.REPEAT:
            return replace(self.show(image), image_id=check.shown_as), image.prompt_text
        others = Counter(_label(self.images[place]) for place in ballot if place in self.images)
        shown = ShownImage(
            image_id=check.shown_as,
            url=self.url(picture_key(check)),
            width=image.width,
            height=image.height,
            label=others.most_common(1)[0][0],
        )
        return shown, caption(check)

    def past_winners(self) -> tuple[PastWinner, ...]:
        """The latest winners that may be shown, newest first."""
        shown = {image.image_id for image in candidates(self.images.values(), banned=self.banned)}
        closed = [day for day in self.services.store.days() if day.winner_image_id in shown]
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
            url=self.url(key),
            width=image.width,
            height=image.height,
            label=_label(image),
        )

    def url(self, key: str) -> str:
        """One address for each picture: those that are signed differ from call to call, and a repeat must not."""
        if key not in self.urls:
            self.urls[key] = self.services.images.url(key)
        return self.urls[key]

    def require(self, key: str) -> None:
        """Looks once for each picture. Raises ImageMissing."""
        if key not in self.there and not self.services.images.exists(key):
            raise ImageMissing(
                f"The picture {key} is not in the image store. Restore it from a backup before workers look for it."
            )
        self.there.add(key)


def _label(image: Image) -> str:
    return OFFLINE if image.editor == OFFLINE else ""
