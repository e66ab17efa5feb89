"""HITs, answers and pay on record beside the marketplace: every difference is said, and mended if it can be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.differences import Kind
from pixelpatchwork.domain.errors import RecordsTooOld
from pixelpatchwork.domain.model import AssignmentState, HitState, RoundId, RoundState, Settlement
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.plan import is_later
from pixelpatchwork.workflow.cancel import cancel_round, plan_cancel
from pixelpatchwork.workflow.reconcile import compare, repair
from tests.support.differences import GENERATION, found, kinds, mend
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1))
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


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
    (difference,) = found(stage)
    assert difference.repair == "takes it in and notes that it was rejected; it is not paid"

    assert mend(stage).remaining == ()

    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.REJECTED]


def test_a_database_older_than_a_second_attempt_takes_nothing_over_and_publishes_nothing(
    tmp_path: Path, stage: Stage
) -> None:
    stage.publish()
    cancel_round(plan_cancel(stage.services), stage.services, owner="test")
    stage.publish()
    restored = open_stage(tmp_path / "restored").with_services(crowd=stage.services.crowd)
    there = list(stage.services.crowd.hits(""))

    with pytest.raises(RecordsTooOld, match=r"day-1-generation-2.* newer backup"):
        restored.publish()

    assert restored.services.store.rounds() == ()
    assert list(stage.services.crowd.hits("")) == there
    assert {one.text.rpartition(": ")[2] for one in found(restored)} == {
        "restore the database from a newer backup."
    }
    restored.services.store.close()  # type: ignore[attr-defined]


def test_a_round_is_later_by_its_day_or_its_attempt() -> None:
    assert is_later(RoundId("day-10-generation"), RoundId("day-9-voting-2"))
    assert not is_later(RoundId("day-1-voting"), RoundId("day-1-generation"))
    assert not is_later(RoundId("day-1-voting-2"), RoundId("day-2-voting"))


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
