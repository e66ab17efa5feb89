"""What every store promises of cancelled rounds, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.errors import AlreadyRecorded, LeaseLost, StoreError
from pixelpatchwork.domain.model import (
    Choice,
    Day,
    EditState,
    HitId,
    HitState,
    ImageId,
    ImageState,
    RoundId,
    RoundState,
    Token,
)
from pixelpatchwork.domain.ports import ClosedDay
from pixelpatchwork.domain.store import ROUND_CANCELLED
from tests.support.records import (
    GENERATION,
    LEASE,
    MINUTE,
    NOW,
    SEED,
    TODAY,
    VOTING,
    assignment,
    ballot_id,
    begin_generation,
    begin_voting,
    claimed,
    edit,
    ends,
    hit,
    image,
    paint,
    planned,
    round_,
    usable,
    vote,
)
from tests.support.stores import DATABASES, fresh_store

LATER = NOW + MINUTE


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


def test_a_cancelled_round_says_since_when(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_cancelled(GENERATION, at=NOW)
    store.mark_round_cancelled(GENERATION, at=LATER)
    found = store.round(GENERATION)
    assert found == replace(round_(GENERATION), cancelled_at=NOW)
    assert found.is_cancelled
    assert [event.kind for event in store.events()].count("round_cancelled") == 1


def test_a_closed_round_is_not_cancelled_and_an_unknown_one_neither(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_closed(GENERATION, at=NOW)
    with pytest.raises(AlreadyRecorded):
        store.mark_round_cancelled(GENERATION, at=NOW)
    with pytest.raises(StoreError, match="No round"):
        store.mark_round_cancelled(RoundId("nothing"), at=NOW)
    assert [one.is_cancelled for one in store.rounds()] == [False]


def test_another_round_of_the_kind_may_be_planned_beside_a_cancelled_one(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_cancelled(GENERATION, at=NOW)
    again = replace(round_(RoundId("1-generation-2")), attempt=2)
    store.add_round(again, [hit(again.round_id, 0)])
    assert [one.attempt for one in store.rounds()] == [1, 2]


def test_edits_that_were_not_sent_end_with_the_round(store: SqlStore) -> None:
    begin_generation(store)
    submitted = claimed(store, "sent", EditState.SUBMITTED)
    painted = claimed(store, "painted", EditState.SUBMITTED, EditState.RAW_STORED)
    leased = claimed(store, "leased")
    waiting = planned(store, "waiting")

    store.mark_round_cancelled(GENERATION, at=NOW)

    ended = (EditState.FAILED, ROUND_CANCELLED)
    assert ends(store) == {
        submitted: (EditState.SUBMITTED, None),
        painted: (EditState.RAW_STORED, None),
        leased: ended,
        waiting: ended,
    }
    assert store.claim_edit(owner="you", now=NOW, lease=LEASE) is None
    with pytest.raises(LeaseLost):
        store.mark_edit(leased, EditState.SUBMITTED, owner="me", at=NOW)


def test_an_edit_judged_or_planned_again_after_the_cancelling_ends_at_once(store: SqlStore) -> None:
    begin_generation(store)
    lost = claimed(store, "lost", EditState.SUBMITTED)
    busy = claimed(store, "busy", EditState.SUBMITTED)
    store.mark_round_cancelled(GENERATION, at=NOW)

    planned(store, "late")
    again = edit("again", of="for-lost", attempt=2)
    store.give_up_edit(lost, again, state=EditState.UNKNOWN, owner="me", at=NOW, message="Lost.")
    store.mark_edit(busy, EditState.PLANNED, owner="me", at=NOW, message="Busy.")

    ended = (EditState.FAILED, ROUND_CANCELLED)
    assert ends(store) == {"lost": (EditState.UNKNOWN, "Lost."), "again": ended, "late": ended, "busy": ended}
    assert store.claim_edit(owner="you", now=NOW + LEASE, lease=LEASE) is None


def test_images_of_a_cancelled_round_are_hidden_whenever_they_come(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    late = claimed(store, "late", EditState.SUBMITTED, EditState.RAW_STORED)

    store.mark_round_cancelled(GENERATION, at=NOW)
    store.finish_edit(late, image("moon", creator=1), owner="me", drift=0.0, at=NOW)

    states = {one.image_id: one.state for one in store.images()}
    assert states == {"seed": ImageState.VISIBLE, "boat": ImageState.HIDDEN, "moon": ImageState.HIDDEN}


def test_an_image_that_comes_after_its_day_still_belongs_to_it(store: SqlStore) -> None:
    begin_generation(store)
    late = claimed(store, "late", EditState.SUBMITTED, EditState.RAW_STORED)
    tomorrow = TODAY + timedelta(days=1)
    next_day = Day(date=tomorrow, number=2, seed_image_id=SEED)
    closed = ClosedDay(number=1, winner_image_id=SEED, total_votes=0, total_participants=0, next_day=next_day)
    store.advance(closed, at=NOW)

    store.finish_edit(late, image("moon", creator=1, day=tomorrow), owner="me", drift=0.0, at=NOW)

    assert [one.image_id for one in store.images(day_number=1)] == ["moon"]
    assert store.images(day_number=2) == ()


def test_votes_of_a_cancelled_round_are_kept_and_not_counted(store: SqlStore) -> None:
    begin_voting(store, "boat", "cat")
    ballot = [vote(2, "boat"), vote(2, "cat", Choice.DOWN, flagged=True)]
    store.record_judgements([usable(ballot_id(2), votes=ballot)], at=NOW)
    counted = {one.image_id: (one.upvotes, one.downvotes, one.flags) for one in store.images()}
    assert (counted[ImageId("boat")], counted[ImageId("cat")]) == ((1, 0, 0), (0, 1, 1))

    store.mark_round_cancelled(VOTING, at=NOW)
    store.record_judgements([usable(ballot_id(3), votes=[vote(3, "boat")])], at=NOW)

    assert len(store.votes(VOTING)) == 3
    assert {(one.upvotes, one.downvotes, one.flags) for one in store.images()} == {(0, 0, 0)}


def test_a_hit_that_turns_out_to_be_published_opens_its_cancelled_round_again(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_cancelled(GENERATION, at=NOW)
    token = Token("1-generation-0")
    store.mark_hits_closed([token], at=NOW)
    store.mark_round_closed(GENERATION, at=NOW)

    store.mark_hit_open(token, HitId("H1"), expires_at=LATER, at=LATER)

    (found,) = store.hits(GENERATION)
    cancelled = store.round(GENERATION)
    assert (found.state, found.hit_id) == (HitState.OPEN, "H1")
    assert cancelled is not None
    assert (cancelled.state, cancelled.closed_at, cancelled.cancelled_at) == (RoundState.OPEN, None, NOW)


@pytest.mark.parametrize("turn", range(6))
def test_cancelling_and_judging_at_once_leave_nothing_planned_and_nothing_counted(
    store: SqlStore, turn: int
) -> None:
    """In whichever order they commit."""
    begin_voting(store, "boat")
    store.add_assignments([assignment(f"late-{n}", n, minutes=turn) for n in (1, 2, 3)])
    generation = [usable(f"late-{n}", edit=edit(f"e{n}", of=f"late-{n}", by=n)) for n in (1, 2, 3)]
    ballots = [usable(ballot_id(n), votes=[vote(n, "boat")]) for n in (2, 3)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        deeds = [
            pool.submit(store.record_judgements, generation, at=NOW),
            pool.submit(store.mark_round_cancelled, GENERATION, at=NOW),
            pool.submit(store.record_judgements, ballots, at=NOW),
            pool.submit(store.mark_round_cancelled, VOTING, at=NOW),
        ]
        for deed in deeds:
            deed.result()

    late = [one for one in store.edits(GENERATION) if one.edit_key.startswith("e")]
    assert {one.state for one in late if one.edit_key != "edit-boat"} == {EditState.FAILED}
    boat = store.image(ImageId("boat"))
    assert boat is not None
    assert (boat.upvotes, boat.state) == (0, ImageState.HIDDEN)
    assert len(store.votes(VOTING)) == 2


def test_two_cancel_at_once_and_the_diary_says_it_once(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for deed in [pool.submit(store.mark_round_cancelled, GENERATION, at=NOW) for _ in range(2)]:
            deed.result()
    kinds = [event.kind for event in store.events()]
    assert (kinds.count("round_cancelled"), kinds.count("image_hidden")) == (1, 1)
