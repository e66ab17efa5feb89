"""Pictures and bonuses on record beside what was kept and paid: what is mended, and what is only said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.differences import Kind
from pixelpatchwork.domain.model import Bonus, Image, Token
from pixelpatchwork.domain.money import Usd
from tests.support.differences import GENERATION, found, kinds, mend
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def painted_image(stage: Stage) -> Image:
    """The image of a round that is over."""
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect(close=True)
    (image,) = stage.services.store.images(day_number=1)
    return image


def file(stage: Stage, key: str) -> Path:
    return Path(stage.services.images._root, key)  # type: ignore[attr-defined]  # the folder below the port


# ---- pictures -------------------------------------------------------------------------------------------


def test_a_lost_picture_is_made_again_byte_for_byte(stage: Stage) -> None:
    image = painted_image(stage)
    before = file(stage, image.s3_path).read_bytes()
    file(stage, image.s3_path).unlink()
    file(stage, image.thumbnail_path).unlink()
    assert kinds(stage) == [Kind.PICTURE_MISSING, Kind.THUMBNAIL_MISSING]

    done = mend(stage)

    assert (done.remaining, done.failures) == ((), ())
    assert file(stage, image.s3_path).read_bytes() == before
    assert len(stage.editor.requests) == 1


def test_a_picture_that_comes_out_differently_is_not_kept(stage: Stage) -> None:
    image = painted_image(stage)
    assert image.raw_path is not None
    file(stage, image.s3_path).unlink()
    seed = stage.services.store.images()[0]
    file(stage, image.raw_path).write_bytes(file(stage, seed.s3_path).read_bytes())

    done = mend(stage)

    assert [one.kind for one in done.remaining] == [Kind.PICTURE_MISSING]
    assert done.failures
    assert not file(stage, image.s3_path).exists()


def test_an_altered_picture_and_a_lost_one_of_the_editors_are_said_and_left(stage: Stage) -> None:
    image = painted_image(stage)
    assert image.raw_path is not None
    file(stage, image.s3_path).write_bytes(b"not a picture")
    file(stage, image.raw_path).unlink()

    done = mend(stage)

    assert [one.kind for one in done.remaining] == [Kind.PICTURE_ALTERED, Kind.RAW_MISSING]
    assert file(stage, image.s3_path).read_bytes() == b"not a picture"


def test_no_thumbnail_is_made_from_an_altered_picture(stage: Stage) -> None:
    image = painted_image(stage)
    seed = stage.services.store.images()[0]
    file(stage, image.s3_path).write_bytes(file(stage, seed.s3_path).read_bytes())
    file(stage, image.thumbnail_path).unlink()
    assert image.raw_path is not None
    file(stage, image.raw_path).write_bytes(b"junk")

    done = mend(stage)

    assert [one.kind for one in done.remaining] == [Kind.PICTURE_ALTERED, Kind.THUMBNAIL_MISSING]
    assert done.failures[0] == f"{image.raw_path} is no picture that can be read. Restore it from a backup."


def test_an_altered_picture_is_made_again_and_what_was_there_is_kept(stage: Stage) -> None:
    image = painted_image(stage)
    before = file(stage, image.s3_path).read_bytes()
    file(stage, image.s3_path).write_bytes(b"altered")

    done = mend(stage)

    assert (done.remaining, done.failures) == ((), ())
    assert file(stage, image.s3_path).read_bytes() == before
    (kept,) = stage.services.images.keys("altered/")
    assert (kept.endswith(image.s3_path), file(stage, kept).read_bytes()) == (True, b"altered")


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_damaged_thumbnail_is_made_again(stage: Stage, content: bytes) -> None:
    image = painted_image(stage)
    before = file(stage, image.thumbnail_path).read_bytes()
    file(stage, image.thumbnail_path).write_bytes(content)
    assert kinds(stage) == [Kind.THUMBNAIL_DAMAGED]

    assert mend(stage).remaining == ()

    assert file(stage, image.thumbnail_path).read_bytes() == before


def test_an_image_that_the_records_have_lost_is_said(stage: Stage) -> None:
    image = painted_image(stage)
    engine = stage.services.store.database.engine  # type: ignore[attr-defined]  # the database below the port
    connection = engine.raw_connection()
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DELETE FROM Image WHERE image_id = ?", [image.image_id])
    connection.commit()
    connection.execute("PRAGMA foreign_keys = ON")
    connection.close()

    done = mend(stage)

    assert [(one.kind, one.subject) for one in done.remaining] == [(Kind.IMAGE_FORGOTTEN, image.image_id)]


def test_a_picture_that_nobody_asked_for_is_named_and_never_deleted(stage: Stage) -> None:
    painted_image(stage)
    stage.services.images.put("full/stray.png", b"x", content_type="image/png")
    stage.services.images.put("elsewhere/other.png", b"x", content_type="image/png")

    done = mend(stage)

    assert [(one.kind, one.subject) for one in done.remaining] == [(Kind.ORPHAN, "full/stray.png")]
    assert stage.services.images.exists("full/stray.png")


def test_pictures_of_edits_that_are_not_at_their_end_are_no_orphans(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    killed = Interposed(stage.services.store, "finish_edit", before=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(store=killed).collect()
    assert found(stage) == []


# ---- bonuses --------------------------------------------------------------------------------------------


def planned_bonus(stage: Stage) -> Bonus:
    """A bonus that is recorded and not sent."""
    painted_image(stage)
    (answer,) = stage.services.store.assignments(GENERATION)
    bonus = Bonus(
        token=Token("b" * 64),
        day_number=1,
        rule="winner",
        assignment_id=answer.assignment_id,
        user_id=answer.user_id,
        amount_usd=Usd("1.00"),
        reason="Your picture won.",
        planned_at=stage.clock.now(),
    )
    stage.services.store.plan_bonuses([bonus], at=stage.clock.now())
    return bonus


def send(stage: Stage, bonus: Bonus, *, token: str) -> None:
    user = stage.services.store.user_by_id(bonus.user_id)
    assert user is not None
    stage.services.crowd.send_bonus(
        bonus.assignment_id,
        user.worker_id,
        token=Token(token),
        amount_usd=bonus.amount_usd,
        reason=bonus.reason,
    )


def test_a_bonus_that_is_planned_is_no_difference(stage: Stage) -> None:
    planned_bonus(stage)
    assert found(stage) == []


def test_a_bonus_that_was_paid_and_not_noted_is_noted_and_not_paid_again(stage: Stage) -> None:
    bonus = planned_bonus(stage)
    send(stage, bonus, token=bonus.token)
    balance = stage.services.crowd.balance()
    assert kinds(stage) == [Kind.BONUS_NOT_NOTED]

    assert mend(stage).remaining == ()

    assert [one.paid_at is not None for one in stage.services.store.bonuses()] == [True]
    assert stage.services.crowd.balance() == balance


def test_a_bonus_on_record_that_was_never_paid_and_one_paid_twice_are_said_and_left(stage: Stage) -> None:
    bonus = planned_bonus(stage)
    stage.services.store.mark_bonus_paid(bonus.token, paid_at=stage.clock.now(), at=stage.clock.now())
    assert [one.kind for one in mend(stage).remaining] == [Kind.BONUS_NOT_PAID]
    for token in ("first", "second"):
        send(stage, bonus, token=token)
    assert [one.kind for one in mend(stage).remaining] == [Kind.BONUS_TWICE]


def test_a_bonus_that_was_paid_outside_the_program_is_said_and_left(stage: Stage) -> None:
    bonus = planned_bonus(stage)
    send(stage, replace(bonus, amount_usd=Usd("2.00"), reason="Thank you!"), token="by hand")
    (told,) = mend(stage).remaining
    assert told.kind is Kind.BONUS_UNKNOWN
    assert told.text.startswith(
        f"A bonus of $2.00 was paid for the answer {bonus.assignment_id}, which is not on"
    )


def test_a_bonus_of_an_answer_that_is_gone_from_the_marketplace_is_not_compared(stage: Stage) -> None:
    bonus = planned_bonus(stage)
    send(stage, bonus, token=bonus.token)
    stage.services.store.mark_bonus_paid(bonus.token, paid_at=stage.clock.now(), at=stage.clock.now())
    for hit in stage.services.store.hits(GENERATION):
        assert hit.hit_id is not None
        stage.services.crowd.delete(hit.hit_id)
    stage.clock.advance(timedelta(days=200))
    assert found(stage) == []
