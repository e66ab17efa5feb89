"""Advancing: count the Day's votes, name the winner, open the next Day with it. One transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pixelpatchwork.domain.errors import AlreadyRecorded, NothingToDo
from pixelpatchwork.domain.model import Day, Image, ImageId, Round, RoundKind
from pixelpatchwork.domain.plan import current_round
from pixelpatchwork.domain.ports import ClosedDay
from pixelpatchwork.domain.standing import standing
from pixelpatchwork.domain.steps import Step
from pixelpatchwork.domain.voting import Tally, candidates, fallback, tally, winner
from pixelpatchwork.workflow.services import Services


@dataclass(frozen=True, kw_only=True)
class Advanced:
    """How a Day ended. `tallies` holds everything that was on the ballots, best first."""

    day: Day
    next_day: Day
    winner_image_id: ImageId
    tallies: tuple[Tally, ...]

    @property
    def winning(self) -> Tally | None:
        """The winner's votes; None where it is the winner for want of another."""
        return next((one for one in self.tallies if one.image_id == self.winner_image_id), None)


def advance_day(services: Services) -> Advanced:
    """Closes the current Day and opens the next.

    Raises:
        NothingToDo: a step of the Day comes first; the message says which.
    """
    day = services.current_day()
    store = services.store
    stands = standing(store, day)
    if stands.step is not Step.ADVANCE:
        raise NothingToDo(f"Day {day.number}: the next step is to {stands.step}. Run: {stands.step.command}")
    images = {image.image_id: image for image in store.images()}
    tallies = tallies_of(stands.rounds, candidates(images.values(), banned=stands.banned), services)
    won = winner(tallies, otherwise=fallback(day.seed_image_id, images, banned=stands.banned))
    advanced = Advanced(day=day, next_day=_next_day(day, won, services), winner_image_id=won, tallies=tallies)
    _record(advanced, participants=_participants(stands.rounds, services), services=services)
    return advanced


def next_date(day: Day, *, now: datetime, timezone: ZoneInfo) -> date:
    """The date of the Day that follows: today in the study's time zone, and never a date twice."""
    return max(now.astimezone(timezone).date(), day.date + timedelta(days=1))


def tallies_of(rounds: Iterable[Round], candidates: Iterable[Image], services: Services) -> tuple[Tally, ...]:
    """Those of the candidates that stood on the voting round's ballots, best first; nothing without such a round."""
    store = services.store
    voting = current_round(rounds, RoundKind.VOTING)
    if voting is None:
        return ()
    stood = {image_id for hit in store.hits(voting.round_id) for image_id in hit.images}
    return tally([image for image in candidates if image.image_id in stood], store.votes(voting.round_id))


def _next_day(day: Day, seed_image_id: ImageId, services: Services) -> Day:
    return Day(
        date=next_date(day, now=services.clock.now(), timezone=services.rules.timezone),
        number=day.number + 1,
        seed_image_id=seed_image_id,
    )


def _participants(rounds: Iterable[Round], services: Services) -> int:
    """How many different users handed in anything on this Day."""
    return len(
        {
            answer.user_id
            for one in rounds
            if not one.is_cancelled
            for answer in services.store.assignments(one.round_id, with_answers=False)
        }
    )


def _record(advanced: Advanced, *, participants: int, services: Services) -> None:
    closed = ClosedDay(
        number=advanced.day.number,
        winner_image_id=advanced.winner_image_id,
        total_votes=sum(one.upvotes + one.downvotes for one in advanced.tallies),
        total_participants=participants,
        next_day=advanced.next_day,
    )
    try:
        services.store.advance(closed, at=services.clock.now())
    except AlreadyRecorded:
        raise NothingToDo(
            f"Day {advanced.day.number} has just been closed by another run. Run: ppw status"
        ) from None
