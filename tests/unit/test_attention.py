"""Attention checks: where they stand on a ballot, what tells them from images (nothing), and who fails them."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pixelpatchwork.domain.attention import (
    BROKEN_LIKED,
    TWO_MINDS,
    caption,
    failures,
    picture_key,
    with_checks,
)
from pixelpatchwork.domain.broken import broken_picture
from pixelpatchwork.domain.image_keys import checked_key
from pixelpatchwork.domain.model import CheckKind, Choice, Hit, HitState, ImageId, RoundId, Token

SEED = ImageId("5eed" * 5)
BOTH = (CheckKind.REPEAT, CheckKind.BROKEN)
KINDS = st.sampled_from([(CheckKind.REPEAT,), (CheckKind.BROKEN,), BOTH])


def image_id(number: int) -> ImageId:
    return ImageId(sha256(str(number).encode()).hexdigest()[:20])


def hit(size: int, *, token: str = "token", index: int = 0) -> Hit:
    return Hit(
        token=Token(token),
        round_id=RoundId("day-1-voting"),
        index=index,
        annotation="",
        max_assignments=1,
        ballot=tuple(image_id(number) for number in range(size)),
        state=HitState.PLANNED,
    )


def checked(size: int, kinds: tuple[CheckKind, ...], token: str = "token") -> Hit:
    (found,) = with_checks([hit(size, token=token)], kinds, seed_image_id=SEED)
    return found


@given(size=st.integers(1, 20), kinds=KINDS, token=st.text(min_size=1, max_size=64))
@settings(max_examples=150)
def test_a_ballot_keeps_its_images_in_order_and_gets_one_place_for_each_check(
    size: int, kinds: tuple[CheckKind, ...], token: str
) -> None:
    plain, found = hit(size, token=token), checked(size, kinds, token)
    assert found.images == plain.ballot
    assert len(found.ballot) == size + len(kinds) == len(set(found.ballot))
    assert {check.kind for check in found.checks} == set(kinds)
    assert replace(found, ballot=plain.ballot, checks=()) == plain


@given(size=st.integers(1, 20), kinds=KINDS, token=st.text(min_size=1, max_size=64))
@settings(max_examples=150)
def test_a_repeat_comes_later_and_never_beside_its_image_where_that_can_be_avoided(
    size: int, kinds: tuple[CheckKind, ...], token: str
) -> None:
    found = checked(size, kinds, token)
    for check in found.checks:
        if check.kind is CheckKind.REPEAT:
            apart = found.ballot.index(check.shown_as) - found.ballot.index(check.image_id)
            assert apart >= 2 or (size == 1 and kinds == (CheckKind.REPEAT,) and apart == 1)


@given(size=st.integers(1, 20), kinds=KINDS)
@settings(max_examples=50)
def test_planning_again_draws_the_same_checks(size: int, kinds: tuple[CheckKind, ...]) -> None:
    assert checked(size, kinds) == checked(size, kinds)


def test_different_hits_have_their_checks_at_different_places() -> None:
    hits = [hit(8, token=f"t{number}", index=number) for number in range(40)]
    found = with_checks(hits, BOTH, seed_image_id=SEED)
    places = [one.ballot.index(check.shown_as) for one in found for check in one.checks]
    assert len(set(places)) >= 8


def test_every_image_is_repeated_now_and_then() -> None:
    found = with_checks([hit(5, token=f"t{n}") for n in range(100)], BOTH, seed_image_id=SEED)
    repeated = {check.image_id for one in found for check in one.checks if check.kind is CheckKind.REPEAT}
    assert len(repeated) >= 4  # the last image of a ballot has no place behind it


def test_all_ballots_of_a_round_show_one_broken_picture() -> None:
    hits = [hit(4, token=f"t{number}", index=number) for number in range(5)]
    found = with_checks(hits, (CheckKind.BROKEN,), seed_image_id=SEED)
    assert len({check for one in found for check in one.checks}) == 1


def test_ids_and_addresses_of_checks_look_like_those_of_images() -> None:
    for check in checked(4, BOTH).checks:
        assert re.fullmatch("[0-9a-f]{20}", check.shown_as)
        assert checked_key(picture_key(check)) == f"full/{check.shown_as}.png"
        assert caption(check)


@pytest.mark.parametrize("kinds", [(), BOTH])
def test_a_hit_without_a_ballot_has_no_checks(kinds: tuple[CheckKind, ...]) -> None:
    assert with_checks([hit(0)], kinds, seed_image_id=SEED) == (hit(0),)


def test_without_checks_asked_for_ballots_stay_as_they_are() -> None:
    assert with_checks([hit(3)], (), seed_image_id=SEED) == (hit(3),)


# ---- who fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "again", "fails"),
    [
        (Choice.UP, Choice.DOWN, True),
        (Choice.DOWN, Choice.UP, True),
        (Choice.UP, Choice.UP, False),
        (Choice.DOWN, Choice.DOWN, False),
        (Choice.UP, Choice.SKIP, False),
        (Choice.SKIP, Choice.DOWN, False),
    ],
)
def test_a_repeat_is_failed_by_up_and_down_on_the_same_picture(
    first: Choice, again: Choice, fails: bool
) -> None:
    found = checked(4, (CheckKind.REPEAT,))
    (check,) = found.checks
    expected = (TWO_MINDS,) if fails else ()
    assert failures(found.checks, {check.image_id: first, check.shown_as: again}) == expected


@pytest.mark.parametrize(("choice", "fails"), [(Choice.UP, True), (Choice.DOWN, False), (Choice.SKIP, False)])
def test_a_broken_picture_is_failed_by_who_votes_it_up(choice: Choice, fails: bool) -> None:
    found = checked(4, (CheckKind.BROKEN,))
    (check,) = found.checks
    assert failures(found.checks, {check.shown_as: choice}) == ((BROKEN_LIKED,) if fails else ())


def test_whoever_says_nothing_of_the_checks_passes() -> None:
    assert failures(checked(4, BOTH).checks, {}) == ()


# ---- the broken picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(96, 80), (640, 427), (31, 53), (5, 3), (1, 1)])
def test_most_of_a_broken_picture_is_lost_and_it_is_the_same_each_time(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    seed = Pillow.fromarray(noise)
    broken = broken_picture(seed, draw="x")
    assert (broken.size, broken.mode) == (size, "RGB")
    assert broken.tobytes() == broken_picture(seed, draw="x").tobytes()
    pixels = np.asarray(broken)
    assert (pixels == 128).all(axis=-1).mean() > 0.5
    assert np.asarray(seed).tobytes() == noise.tobytes()  # the seed is left alone
