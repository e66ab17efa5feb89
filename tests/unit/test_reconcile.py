"""The records beside the marketplace and the image store: every difference is said, and mended where it can be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.differences import Difference, Kind
from pixelpatchwork.domain.model import (
    AssignmentState,
    Bonus,
    HitState,
    Image,
    RoundId,
    RoundState,
    Settlement,
    Token,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.workflow.cancel import cancel_round, plan_cancel
from pixelpatchwork.workflow.reconcile import Repaired, compare, repair
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage

GENERATION = RoundId("day-1-generation")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def found(stage: Stage) -> list[Difference]:
    return list(compare(stage.services).differences)


def kinds(stage: Stage) -> list[Kind]:
    return [one.kind for one in found(stage)]


def mend(stage: Stage) -> Repaired:
    return repair(found(stage), stage.services, owner="test")


def painted_image(stage: Stage) -> Image:
    """The image of a round that is over."""
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect(close=True)
    (image,) = stage.services.store.images(day_number=1)
    return image


def file(stage: Stage, key: str) -> Path:
    return Path(stage.services.images._root, key)  # type: ignore[attr-defined]  # the folder below the port


# ---- the marketplace ------------------------------------------------------------------------------------


def test_a_study_in_order_agrees_at_every_step(stage: Stage) -> None:
    assert found(stage) == []
    stage.publish()
    assert found(stage) == []
    stage.paint("Ann", "a moon")
    stage.collect()
    assert found(stage) == []
    stage.collect(close=True)
    assert found(stage) == []
    cancel_round_of_voting(stage)
    assert found(stage) == []


def cancel_round_of_voting(stage: Stage) -> None:
    stage.publish()
    stage.vote("Bob", lambda _image_id: "up")
    cancel_round(plan_cancel(stage.services), stage.services, owner="test")


def test_work_that_was_not_collected_is_taken_in(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    (difference,) = found(stage)
    assert (difference.kind, difference.repair) == (Kind.ANSWER_LACKED, "takes it in, judges it and pays it")

    done = mend(stage)

    (answer,) = stage.services.store.assignments(GENERATION)
    assert (len(done.mended), done.remaining, done.failures) == (1, (), ())
    assert answer.settlement is Settlement.APPROVED


def test_work_on_a_hit_that_was_closed_too_early_is_taken_in_and_paid(stage: Stage) -> None:
    stage.publish()
    at_work = stage.accept("Ann")
    stage.collect(close=True)
    store = stage.services.store
    store.mark_hits_closed([hit.token for hit in store.hits(GENERATION)], at=stage.clock.now())
    stage.collect()
    assert store.rounds()[0].state is RoundState.CLOSED
    at_work.submit({"mask": "", "prompt": "late", "consent": "yes"})

    done = mend(stage)

    assert [one.kind for one in done.mended] == [Kind.ANSWER_LACKED]
    assert [one.settlement for one in store.assignments(GENERATION)] == [Settlement.APPROVED]
    assert store.rounds()[0].state is RoundState.CLOSED
    assert mend(stage).mended == ()


def test_a_hit_that_was_published_and_not_noted_is_noted(stage: Stage) -> None:
    kill = failing_on(2, Killed())
    with pytest.raises(Killed):
        stage.with_services(crowd=Interposed(stage.services.crowd, "create_hit", after=kill)).publish()
    assert kinds(stage) == [Kind.HIT_NOT_NOTED]

    assert mend(stage).remaining == ()

    hits = stage.services.store.hits(GENERATION)
    assert {hit.hit_id for hit in hits} == {hit.hit_id for hit in stage.services.crowd.hits("pixelpatchwork")}


def test_a_hit_that_was_made_after_its_round_was_cancelled_and_closed_is_taken_off_the_market(
    stage: Stage,
) -> None:
    """Who publishes is killed before he notes it, and nothing on record tells of it."""

    def cancelled_meanwhile() -> None:
        cancel_round(plan_cancel(stage.services), stage.services, owner="test")

    late = Interposed(
        stage.services.crowd, "create_hit", before=cancelled_meanwhile, after=failing_on(1, Killed())
    )
    with pytest.raises(Killed):
        stage.with_services(crowd=late).publish()
    assert [one.state for one in stage.services.store.rounds()] == [RoundState.CLOSED]
    stage.paint("Ann", "a moon")
    (difference,) = found(stage)
    assert difference.repair == "notes it and takes it off the market, and takes in what came of it"

    assert mend(stage).remaining == ()

    assert [
        hit for hit in stage.services.crowd.hits("pixelpatchwork") if hit.expires_at > stage.clock.now()
    ] == []
    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.APPROVED]
    assert [one.state for one in stage.services.store.rounds()] == [RoundState.CLOSED]


def test_an_answer_that_was_rejected_by_hand_is_taken_in_as_rejected_at_once(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    hit_id = stage.services.store.hits(GENERATION)[0].hit_id
    assert hit_id is not None
    (answer,) = stage.services.crowd.assignments(hit_id)
    stage.services.crowd.reject(answer.assignment_id, feedback="by hand")

    assert mend(stage).remaining == ()

    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.REJECTED]


def test_hits_of_a_restored_database_are_named_and_left(tmp_path: Path, stage: Stage) -> None:
    stage.publish()
    restored = open_stage(tmp_path / "restored").with_services(crowd=stage.services.crowd)
    assert kinds(restored) == [Kind.HIT_UNKNOWN] * 2
    assert [one.kind for one in mend(restored).remaining] == [Kind.HIT_UNKNOWN] * 2
    restored.publish()
    assert found(restored) == []
    restored.services.store.close()  # type: ignore[attr-defined]


def test_a_hit_that_is_gone_is_noted_as_closed(stage: Stage) -> None:
    stage.publish()
    stage.clock.advance(timedelta(hours=25))
    gone = stage.services.store.hits(GENERATION)[0]
    assert gone.hit_id is not None
    without = [one for one in stage.services.crowd.hits("pixelpatchwork") if one.hit_id != gone.hit_id]

    class Forgetful(Interposed):
        def hits(self, annotation_prefix: str) -> object:
            return iter([one for one in without if one.annotation.startswith(annotation_prefix)])

    forgetful = stage.with_services(crowd=Forgetful(stage.services.crowd, "none"))
    assert kinds(forgetful) == [Kind.HIT_GONE]
    assert [one.kind for one in mend(forgetful).remaining] == [Kind.HIT_GONE]  # a second look finds it there
    assert stage.services.store.hits(GENERATION)[0].state is HitState.OPEN


def test_a_hit_that_is_closed_here_and_still_offered_is_taken_off_the_market(stage: Stage) -> None:
    stage.publish()
    hit = stage.services.store.hits(GENERATION)[0]
    stage.services.store.mark_hits_closed([hit.token], at=stage.clock.now())
    assert kinds(stage) == [Kind.HIT_STILL_OFFERED]

    assert mend(stage).remaining == ()

    offered = [one for one in stage.services.crowd.hits(hit.annotation) if one.expires_at > stage.clock.now()]
    assert offered == []
    assert "hit_reopened" in [event.kind for event in stage.services.store.events()]


def test_pay_that_was_not_noted_is_noted_and_not_paid_again(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    killed = Interposed(stage.services.crowd, "approve", after=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(crowd=killed).collect()
    before = stage.services.crowd.balance()
    assert kinds(stage) == [Kind.PAY_NOT_NOTED]

    assert mend(stage).remaining == ()

    assert stage.services.crowd.balance() == before
    assert [one.state for one in stage.services.store.assignments(GENERATION)] == [AssignmentState.SETTLED]


@pytest.mark.parametrize(
    ("settlement", "kind", "becomes"),
    [
        (Settlement.APPROVED, Kind.PAY_NOT_DONE, Settlement.APPROVED),
        (Settlement.LOST, Kind.PAY_NOT_DONE, Settlement.LOST),
    ],
)
def test_pay_on_record_that_was_never_made_is_made_where_it_is_due(
    stage: Stage, settlement: Settlement, kind: Kind, becomes: Settlement
) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    refused = Interposed(stage.services.crowd, "approve", before=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(crowd=refused).collect()
    store = stage.services.store
    (answer,) = store.assignments(GENERATION)
    store.mark_settled([answer.assignment_id], settlement=settlement, at=stage.clock.now())
    assert kinds(stage) == [kind]

    done = mend(stage)

    is_due = settlement is Settlement.APPROVED
    assert [one.kind for one in done.remaining] == ([] if is_due else [kind])
    paid = stage.services.crowd.settlement(answer.assignment_id)
    assert (paid is Settlement.APPROVED) == is_due
    assert [one.settlement for one in store.assignments(GENERATION)] == [becomes]


def test_a_record_that_says_otherwise_than_the_marketplace_is_corrected(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    killed = Interposed(stage.services.crowd, "approve", after=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(crowd=killed).collect()
    store = stage.services.store
    (answer,) = store.assignments(GENERATION)
    store.mark_settled([answer.assignment_id], settlement=Settlement.LOST, at=stage.clock.now())
    assert kinds(stage) == [Kind.PAY_DIFFERS]

    assert mend(stage).remaining == ()

    assert [one.settlement for one in store.assignments(GENERATION)] == [Settlement.APPROVED]


def test_a_balance_that_does_not_cover_what_is_begun_is_said(stage: Stage) -> None:
    kill = Interposed(stage.services.crowd, "create_hit", before=failing_on(1, Killed()))
    with pytest.raises(Killed):
        stage.with_services(crowd=kill).publish()

    class Poor(Interposed):
        def balance(self) -> Usd:
            return Usd("1.00")

    (difference,) = found(stage.with_services(crowd=Poor(stage.services.crowd, "none")))
    assert (difference.kind, difference.repair) == (Kind.BALANCE_SHORT, None)
    assert "balance is $1.00" in difference.text
    assert "needs $1.20" in difference.text


def test_what_only_one_reading_shows_is_not_reported(stage: Stage) -> None:
    """A collector settles an answer between the two."""
    stage.publish()
    stage.paint("Ann", "a moon")
    meanwhile = iter([stage.collect])

    class Busy(Interposed):
        def balance(self) -> Usd:
            for deed in meanwhile:
                deed()
            return stage.services.crowd.balance()

    assert found(stage.with_services(crowd=Busy(stage.services.crowd, "none"))) == []


def test_rounds_of_another_marketplace_are_counted_and_not_compared(stage: Stage) -> None:
    stage.publish()
    comparison = compare(replace(stage.services, market="another"))
    assert (comparison.elsewhere, {one.kind for one in comparison.differences}) == (1, {Kind.HIT_UNKNOWN})


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

    done = mend(stage)

    assert [one.kind for one in done.remaining] == [Kind.PICTURE_ALTERED, Kind.THUMBNAIL_MISSING]


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


def test_mending_beside_a_collector_pays_once_and_leaves_nothing(stage: Stage) -> None:
    stage.publish()
    for worker in ("Ann", "Bob", "Cem"):
        stage.paint(worker, f"a moon by {worker}")
    before = stage.services.crowd.balance()
    differences = found(stage)

    with ThreadPoolExecutor(max_workers=3) as pool:
        repaired = [pool.submit(repair, differences, stage.services, owner=owner) for owner in ("one", "two")]
        pool.submit(stage.collect).result()
        assert all(deed.result().failures == () for deed in repaired)

    assert found(stage) == []
    answers = stage.services.store.assignments(GENERATION)
    assert [one.settlement for one in answers] == [Settlement.APPROVED] * 3
    assert stage.services.crowd.balance() == before  # it was held when the HITs were made
