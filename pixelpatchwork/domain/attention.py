"""Attention checks on ballots: which place is one, and what a ballot's votes say of the attention behind them.

A repeat shows an image of the ballot once more, later on and not beside itself; a worker who votes it up and down has
not looked. A broken picture is plainly none; who votes it up has not looked either. Nothing on a page tells the two
from images: their ids have the same shape, and their pictures stand under keys of the same shape. Both are drawn from
the HIT's own identity, so that planning again draws the same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from random import Random

from pixelpatchwork.domain import image_keys
from pixelpatchwork.domain.model import AttentionCheck, CheckKind, Choice, Hit, ImageId, Token

FAILED = "Failed an attention check: "
TWO_MINDS = FAILED + "a picture that stood on the ballot twice was voted up once and down once."
BROKEN_LIKED = FAILED + "a picture that was plainly broken was voted up."

_CAPTIONS = ("something nice", "a beautiful picture", "more colours", "a little surprise", "make it better")


def with_checks(
    hits: Sequence[Hit], kinds: Collection[CheckKind], *, seed_image_id: ImageId
) -> tuple[Hit, ...]:
    """The HITs of one round, in order, each with a check of each kind on its ballot.

    All ballots of a round show the same broken picture, made from the seed. A HIT without a ballot stays as it is.
    """
    if not hits or not kinds:
        return tuple(hits)
    broken = AttentionCheck(
        kind=CheckKind.BROKEN, shown_as=_id(hits[0].token, CheckKind.BROKEN), image_id=seed_image_id
    )
    return tuple(_checked(hit, kinds, broken) if hit.ballot else hit for hit in hits)


def failures(checks: Sequence[AttentionCheck], choices: Mapping[ImageId, Choice]) -> tuple[str, ...]:
    """What a ballot's choices, by the id under which each picture was shown, say against its voter."""
    reasons = (_failure(check, choices) for check in checks)
    return tuple(reason for reason in reasons if reason is not None)


def picture_key(check: AttentionCheck) -> str:
    """Where a broken picture stands in the image store: as any image does, so that its address tells nothing."""
    return image_keys.picture_key(check.shown_as)


def caption(check: AttentionCheck) -> str:
    """What a broken picture has for a prompt: as little as many a worker writes."""
    return _CAPTIONS[int(check.shown_as, 16) % len(_CAPTIONS)]


def _checked(hit: Hit, kinds: Collection[CheckKind], broken: AttentionCheck) -> Hit:
    random = Random(f"{hit.token}:attention")  # noqa: S311  # a draw, no secret
    ballot = list(hit.ballot)
    checks: list[AttentionCheck] = []
    middle: int | None = None
    if CheckKind.REPEAT in kinds:
        original, place = _draw_repeat(len(ballot), random)
        shown_as = _id(hit.token, CheckKind.REPEAT)
        checks.append(AttentionCheck(kind=CheckKind.REPEAT, shown_as=shown_as, image_id=hit.ballot[original]))
        ballot.insert(place, shown_as)
        middle = place if place == original + 1 else None
    if CheckKind.BROKEN in kinds:
        checks.append(broken)
        ballot.insert(random.randint(0, len(ballot)) if middle is None else middle, broken.shown_as)
    return replace(hit, ballot=tuple(ballot), checks=tuple(checks))


def _draw_repeat(size: int, random: Random) -> tuple[int, int]:
    """Which image is repeated, and before which place: later, with one picture between where there are two images."""
    if size == 1:
        return 0, 1
    original = random.randrange(size - 1)
    return original, random.randint(original + 2, size)


def _failure(check: AttentionCheck, choices: Mapping[ImageId, Choice]) -> str | None:
    choice = choices.get(check.shown_as, Choice.SKIP)
    if check.kind is CheckKind.BROKEN:
        return BROKEN_LIKED if choice is Choice.UP else None
    both = {choice, choices.get(check.image_id, Choice.SKIP)}
    return TWO_MINDS if both == {Choice.UP, Choice.DOWN} else None


def _id(token: Token, kind: CheckKind) -> ImageId:
    return image_keys.image_id_from(sha256(f"{token}:{kind}".encode()).hexdigest())
