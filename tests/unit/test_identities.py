"""Users and edits have identities that never depend on when or where the program runs."""

from dataclasses import replace
from datetime import UTC, date, datetime

from pixelpatchwork.domain.edits import image_id_of, next_attempt, plan_edit
from pixelpatchwork.domain.model import AssignmentId, Edit, EditState, Image, ImageId, UserId, WorkerId
from pixelpatchwork.domain.users import new_user

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = datetime(2026, 11, 22, tzinfo=UTC)
KEY, OTHER_KEY = "ab" * 32, "cd" * 32
SEED = Image(
    image_id=ImageId("seed"),
    s3_path="full/seed.png",
    thumbnail_path="thumbnails/seed.jpg",
    raw_path=None,
    sha256="0" * 64,
    prompt_text="",
    created_at=NOW,
    creator_id=None,
    day=date(2026, 11, 21),
    seed_image_id=None,
    mask_rle=None,
    width=64,
    height=64,
    editor="photograph",
)


def edit(*, prompt: str = "a moon", mask_rle: str = "m", attempt: int = 1, at: datetime = NOW) -> Edit:
    return plan_edit(
        assignment_id=AssignmentId("3ABC"),
        creator_id=UserId("u-1"),
        seed=SEED,
        mask_rle=mask_rle,
        prompt=prompt,
        editor="offline",
        model="fill",
        parameters="{}",
        attempt=attempt,
        at=at,
    )


def test_a_worker_is_the_same_user_on_every_day_of_a_study() -> None:
    first = new_user(WorkerId("A1EXAMPLE"), pseudonym_key=KEY, at=NOW)
    second = new_user(WorkerId("A1EXAMPLE"), pseudonym_key=KEY, at=LATER)
    assert (first.user_id, first.username) == (second.user_id, second.username)


def test_another_study_does_not_know_the_worker_again() -> None:
    here = new_user(WorkerId("A1EXAMPLE"), pseudonym_key=KEY, at=NOW)
    there = new_user(WorkerId("A1EXAMPLE"), pseudonym_key=OTHER_KEY, at=NOW)
    assert here.user_id != there.user_id


def test_the_pseudonym_does_not_contain_the_worker_id() -> None:
    user = new_user(WorkerId("A1EXAMPLE"), pseudonym_key=KEY, at=NOW)
    assert "A1EXAMPLE" not in user.user_id + user.username


def test_different_workers_are_different_users() -> None:
    users = {new_user(WorkerId(f"A{number}"), pseudonym_key=KEY, at=NOW).user_id for number in range(1000)}
    assert len(users) == 1000


def test_an_edit_key_depends_on_everything_that_shapes_the_picture() -> None:
    keys = {
        edit().edit_key,
        edit(prompt="a sun").edit_key,
        edit(mask_rle="n").edit_key,
        edit(attempt=2).edit_key,
        edit(prompt="a moo", mask_rle="nm").edit_key,  # fields do not run into one another
    }
    assert len(keys) == 5


def test_an_edit_key_does_not_depend_on_the_time() -> None:
    assert edit(at=NOW).edit_key == edit(at=LATER).edit_key
    assert len(image_id_of(edit())) == 20


def test_an_unknown_outcome_is_tried_once_more_and_never_twice() -> None:
    unknown = replace(edit(), state=EditState.UNKNOWN, message="lost")
    again = next_attempt(unknown, at=LATER)
    assert again is not None
    assert (again.attempt, again.state, again.message) == (2, EditState.PLANNED, None)
    assert again.edit_key == edit(attempt=2).edit_key
    assert next_attempt(again, at=LATER) is None
