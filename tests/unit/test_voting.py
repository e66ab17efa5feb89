"""The winner: most upvotes, then fewest downvotes, then the earliest, then by image id."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.domain.model import (
    AssignmentId,
    Choice,
    Image,
    ImageId,
    ImageState,
    RoundId,
    User,
    UserId,
    Vote,
    WorkerId,
)
from pixelpatchwork.domain.voting import banned, candidates, fallback, tally, winner

START = datetime(2026, 11, 21, tzinfo=UTC)
SEED = ImageId("seed")


def image(name: str, *, minutes: int = 0, state: ImageState = ImageState.VISIBLE) -> Image:
    return Image(
        image_id=ImageId(name),
        s3_path=name,
        thumbnail_path=name,
        raw_path=None,
        sha256="0" * 64,
        prompt_text="",
        created_at=START + timedelta(minutes=minutes),
        creator_id=None,
        day=date(2026, 11, 21),
        seed_image_id=SEED,
        mask_rle=None,
        width=64,
        height=64,
        editor="offline",
        state=state,
    )


def votes(name: str, choices: str, *, own: bool = False) -> list[Vote]:
    words = {"u": Choice.UP, "d": Choice.DOWN, "s": Choice.SKIP}
    return [
        Vote(
            round_id=RoundId("day-1-voting"),
            user_id=UserId(f"user-{index}"),
            image_id=ImageId(name),
            assignment_id=AssignmentId(f"A{index}"),
            choice=words[choice],
            flagged=False,
            position=0,
            is_own=own,
            created_at=START,
        )
        for index, choice in enumerate(choices)
    ]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("uuu", "uu", "a"),
        ("uu", "uuudddd", "b"),  # downvotes matter only between equals
        ("uud", "uu", "b"),
        ("uus", "uu", "b"),  # equal votes: b is the earlier one
    ],
)
def test_upvotes_decide_then_downvotes_then_the_earlier(a: str, b: str, expected: str) -> None:
    images = [image("a", minutes=5), image("b", minutes=1)]
    tallies = tally(images, votes("a", a) + votes("b", b))
    assert winner(tallies, otherwise=SEED) == expected


def test_at_the_same_time_the_image_id_decides() -> None:
    tallies = tally([image("b"), image("a")], votes("a", "u") + votes("b", "u"))
    assert winner(tallies, otherwise=SEED) == "a"


def test_own_votes_count_nowhere() -> None:
    tallies = tally([image("a"), image("b", minutes=1)], votes("a", "uu", own=True) + votes("b", "u"))
    assert winner(tallies, otherwise=SEED) == "b"
    assert [(one.upvotes, one.downvotes) for one in tallies] == [(1, 0), (0, 0)]


def test_a_hidden_image_cannot_win() -> None:
    tallies = tally([image("a", state=ImageState.HIDDEN), image("b")], votes("a", "uuu"))
    assert winner(tallies, otherwise=SEED) == "b"


def test_void_votes_count_nowhere() -> None:
    void = [replace(vote, is_void=True) for vote in votes("a", "uuu")]
    tallies = tally([image("a"), image("b", minutes=1)], [*void, *votes("b", "u")])
    assert winner(tallies, otherwise=SEED) == "b"


@pytest.mark.parametrize("state", [ImageState.HIDDEN, ImageState.FLAGGED])
def test_only_visible_images_stand_for_election(state: ImageState) -> None:
    images = [image("a", state=state), image("b")]
    assert [one.image_id for one in candidates(images, banned=())] == ["b"]


def test_the_images_of_banned_users_do_not_stand() -> None:
    mine, others = replace(image("a"), creator_id=UserId("u1")), replace(image("b"), creator_id=UserId("u2"))
    assert candidates([mine, others, image("c")], banned={UserId("u1")}) == (others, image("c"))


def test_the_banned_are_those_whose_record_says_so() -> None:
    people = [
        User(
            user_id=UserId(f"u{n}"),
            username="",
            created_at=START,
            is_banned=n == 1,
            worker_id=WorkerId(f"A{n}"),
        )
        for n in range(3)
    ]
    assert banned(people) == {"u1"}


def test_where_nothing_can_win_the_seed_stays() -> None:
    images = {ImageId("seed"): image("seed")}
    assert fallback(SEED, images, banned=()) == SEED


def test_a_hidden_seed_gives_way_to_the_latest_picture_behind_it_that_may_be_shown() -> None:
    first = replace(image("first"), seed_image_id=None)
    second = replace(image("second"), seed_image_id=ImageId("first"), creator_id=UserId("u1"))
    seed = replace(image("seed", state=ImageState.FLAGGED), seed_image_id=ImageId("second"))
    images = {one.image_id: one for one in (first, second, seed)}
    assert fallback(SEED, images, banned=()) == "second"
    assert fallback(SEED, images, banned={UserId("u1")}) == "first"
    hidden = {key: replace(one, state=ImageState.HIDDEN) for key, one in images.items()}
    assert fallback(SEED, hidden, banned=()) == SEED


def test_the_seed_stays_where_nothing_was_painted() -> None:
    assert winner(tally([], []), otherwise=SEED) == SEED


@given(st.lists(st.text("uds", max_size=6), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_changes_the_result(choices: list[str], random: Random) -> None:
    images = [image(f"image-{index}", minutes=index % 2) for index in range(len(choices))]
    cast = [vote for index, text in enumerate(choices) for vote in votes(f"image-{index}", text)]
    expected = tally(images, cast)
    random.shuffle(images)
    random.shuffle(cast)
    assert tally(images, cast) == expected
