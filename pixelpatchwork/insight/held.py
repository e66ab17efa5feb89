"""The answers that are held for the requester, as far as they can be read: what he decides on with `ppw review`.

People appear by their artist names. What a worker wrote is shown on one line and without control characters, and
nothing of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pixelpatchwork.domain.answers import opinion_of, read_fields
from pixelpatchwork.domain.attention import caption
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    CheckKind,
    Choice,
    Hit,
    Image,
    ImageId,
    Round,
    RoundKind,
    RoundState,
    User,
    UserId,
    Verdict,
)
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.insight.figures import shown


@dataclass(frozen=True, kw_only=True)
class HeldVote:
    """One place of a held ballot. `image_id` is the image that stood there, or from which the check was made."""

    shown_as: ImageId
    image_id: ImageId
    check: CheckKind | None
    choice: Choice
    is_flagged: bool
    words: str


@dataclass(frozen=True, kw_only=True)
class HeldAnswer:
    """One answer that is held, with why.

    `pays_itself_at` is when the marketplace approves it by itself, by today's settings. `prompt` and `mask` (run-length
    text as it came) are those of a generation answer, `votes` those of a ballot.
    """

    assignment_id: AssignmentId
    artist: str
    day: int
    round: RoundKind
    reason: str
    submitted_at: datetime
    pays_itself_at: datetime
    prompt: str
    mask: str
    votes: tuple[HeldVote, ...]


def read_held(store: Store, *, pays_itself_after: Mapping[RoundKind, timedelta]) -> tuple[HeldAnswer, ...]:
    """Every held answer, by round and then the earliest first."""
    users = {user.user_id: user for user in store.users()}
    images = {image.image_id: image for image in store.images()}
    return tuple(
        held
        for one in store.rounds()
        if one.state is not RoundState.CLOSED
        for held in _of_round(one, store, users, images, pays_itself_after[one.kind])
    )


def _of_round(
    round_: Round,
    store: Store,
    users: Mapping[UserId, User],
    images: Mapping[ImageId, Image],
    delay: timedelta,
) -> Iterator[HeldAnswer]:
    hits = {hit.token: hit for hit in store.hits(round_.round_id)}
    for answer in store.assignments(round_.round_id, state=AssignmentState.JUDGED):
        if answer.verdict is Verdict.HELD:
            artist = users[answer.user_id].username
            yield _held(answer, round_, hits[answer.token], artist, images, delay)


def _held(
    answer: Assignment,
    round_: Round,
    hit: Hit,
    artist: str,
    images: Mapping[ImageId, Image],
    delay: timedelta,
) -> HeldAnswer:
    fields = read_fields(answer.raw_answer)
    return HeldAnswer(
        assignment_id=answer.assignment_id,
        artist=shown(artist),
        day=round_.day_number,
        round=round_.kind,
        reason=shown(answer.reason or ""),
        submitted_at=answer.submitted_at,
        pays_itself_at=answer.submitted_at + delay,
        prompt=shown(fields.get("prompt", "")),
        mask=fields.get("mask", ""),
        votes=tuple(_votes(hit, fields, images)),
    )


def _votes(hit: Hit, fields: Mapping[str, str], images: Mapping[ImageId, Image]) -> Iterator[HeldVote]:
    checks = {check.shown_as: check for check in hit.checks}
    for place in hit.ballot:
        check = checks.get(place)
        image_id = check.image_id if check else place
        is_broken = check is not None and check.kind is CheckKind.BROKEN
        opinion = opinion_of(fields, place)
        yield HeldVote(
            shown_as=place,
            image_id=image_id,
            check=check.kind if check else None,
            choice=opinion.choice,
            is_flagged=opinion.flagged,
            words=caption(check) if check and is_broken else shown(images[image_id].prompt_text),
        )
