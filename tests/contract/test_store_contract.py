"""What every store promises of the study, its Days, rounds and diary, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError
from pixelpatchwork.domain.model import (
    Day,
    Event,
    HitId,
    HitState,
    ImageId,
    RoundId,
    RoundState,
    StudyId,
    Token,
)
from pixelpatchwork.domain.ports import ClosedDay, Store
from tests.support.records import (
    DAY,
    GENERATION,
    MINUTE,
    NOW,
    SEED,
    STUDY,
    TODAY,
    VOTING,
    begin,
    begin_generation,
    hit,
    image,
    paint,
    round_,
)
from tests.support.stores import DATABASES, fresh_store

DAY_2 = Day(date=TODAY + timedelta(days=1), number=2, seed_image_id=ImageId("boat"))
CLOSING = ClosedDay(
    number=1, winner_image_id=ImageId("boat"), total_votes=7, total_participants=4, next_day=DAY_2
)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


def kinds(store: Store) -> list[str]:
    return [event.kind for event in store.events()]


def test_the_store_keeps_the_port(store: SqlStore) -> None:
    port: Store = store
    assert port.events() == ()


# The study and its Days


def test_before_init_there_is_no_study_and_no_day(store: SqlStore) -> None:
    assert (store.study(), store.current_day(), store.days(), store.images()) == (None, None, (), ())


def test_a_study_comes_back_as_it_was_recorded(store: SqlStore) -> None:
    store.create_study(STUDY)
    assert store.study() == STUDY


@pytest.mark.parametrize("study_id", ["study", "another"])
def test_a_database_holds_one_study(store: SqlStore, study_id: str) -> None:
    store.create_study(STUDY)
    with pytest.raises(AlreadyRecorded):
        store.create_study(replace(STUDY, study_id=StudyId(study_id), name="Dusk"))
    assert store.study() == STUDY


def test_the_first_day_opens_with_its_seed(store: SqlStore) -> None:
    begin(store)
    assert store.current_day() == DAY
    assert store.days() == (DAY,)
    assert store.image(SEED) == image("seed")


def test_the_first_day_opens_once(store: SqlStore) -> None:
    begin(store)
    with pytest.raises(AlreadyRecorded):
        store.open_first_day(replace(DAY, date=date(2026, 4, 1)), image("other"))
    assert store.days() == (DAY,)
    assert store.image(ImageId("other")) is None


def test_advancing_closes_a_day_and_opens_the_next(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    store.advance(CLOSING, at=NOW)
    closed = replace(
        DAY, winner_image_id=ImageId("boat"), total_votes=7, total_participants=4, is_current=False
    )
    assert store.days() == (closed, DAY_2)
    assert store.current_day() == DAY_2
    assert kinds(store)[-2:] == ["day_closed", "day_opened"]


def test_a_day_is_closed_once_and_the_first_winner_stands(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    paint(store, "cat", by=2)
    store.advance(CLOSING, at=NOW)
    after = store.days()
    with pytest.raises(AlreadyRecorded):
        store.advance(replace(CLOSING, winner_image_id=ImageId("cat")), at=NOW)
    assert store.days() == after


def test_where_the_next_day_cannot_be_opened_the_old_one_stays_open(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    with pytest.raises(AlreadyRecorded):
        store.advance(replace(CLOSING, next_day=replace(DAY_2, date=TODAY)), at=NOW)
    assert store.days() == (DAY,)


def test_a_day_that_never_was_cannot_be_closed(store: SqlStore) -> None:
    begin(store)
    with pytest.raises(StoreError, match="no Day 5"):
        store.advance(replace(CLOSING, number=5), at=NOW)


def test_a_winner_that_is_no_image_is_refused(store: SqlStore) -> None:
    begin(store)
    with pytest.raises(StoreError, match="names another one that is not there"):
        store.advance(CLOSING, at=NOW)
    assert store.days() == (DAY,)


# Publishing


def test_a_round_is_recorded_with_its_hits_before_anything_is_published(store: SqlStore) -> None:
    begin(store)
    hits = [hit(GENERATION, index, ballot=("seed", "b", "a")) for index in (0, 1, 2)]
    store.add_round(round_(GENERATION), list(reversed(hits)))
    assert store.round(GENERATION) == round_(GENERATION)
    assert store.hits(GENERATION) == tuple(hits)


def test_a_round_of_no_hits_can_be_recorded(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [])
    assert store.hits(GENERATION) == ()


def test_a_round_is_planned_once_and_the_first_plan_stands(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [hit(GENERATION, 0)])
    with pytest.raises(AlreadyRecorded):
        store.add_round(round_(GENERATION), [hit(GENERATION, 0), hit(GENERATION, 1)])
    assert len(store.hits(GENERATION)) == 1


def test_a_round_whose_hits_cannot_be_recorded_is_not_recorded_either(store: SqlStore) -> None:
    begin(store)
    twice = [hit(GENERATION, 0), replace(hit(GENERATION, 0), token=Token("other"))]
    with pytest.raises(AlreadyRecorded):
        store.add_round(round_(GENERATION), twice)
    assert store.round(GENERATION) is None


def test_a_day_has_one_round_of_each_kind(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [])
    with pytest.raises(AlreadyRecorded):
        store.add_round(round_(RoundId("again-generation")), [])


def test_rounds_come_by_day_and_generation_before_voting(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    store.advance(CLOSING, at=NOW)
    store.add_round(round_(RoundId("a-voting"), day_number=2), [])
    store.add_round(round_(RoundId("b-generation"), day_number=2), [])
    store.add_round(round_(RoundId("z-voting")), [])
    found = [one.round_id for one in store.rounds()]
    assert found == [GENERATION, "z-voting", "b-generation", "a-voting"]


def test_an_unknown_round_is_none_and_has_no_hits(store: SqlStore) -> None:
    assert (store.round(GENERATION), store.hits(GENERATION)) == (None, ())


def test_a_published_hit_keeps_its_id_and_expiry(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_hit_open(hit(GENERATION, 0).token, HitId("H1"), expires_at=NOW + MINUTE, at=NOW)
    expected = replace(hit(GENERATION, 0), state=HitState.OPEN, hit_id=HitId("H1"), expires_at=NOW + MINUTE)
    assert store.hits(GENERATION) == (expected,)


def test_marking_a_hit_open_again_with_the_same_id_does_nothing(store: SqlStore) -> None:
    begin_generation(store)
    token = hit(GENERATION, 0).token
    store.mark_hit_open(token, HitId("H1"), expires_at=NOW, at=NOW)
    store.mark_hit_open(token, HitId("H1"), expires_at=NOW + MINUTE, at=NOW)
    store.mark_hits_closed([token], at=NOW)
    store.mark_hit_open(token, HitId("H1"), expires_at=NOW, at=NOW)
    (found,) = store.hits(GENERATION)
    assert (found.state, found.expires_at) == (HitState.CLOSED, NOW)
    assert kinds(store).count("hit_opened") == 1


def test_a_hit_published_twice_is_reported(store: SqlStore) -> None:
    begin_generation(store)
    token = hit(GENERATION, 0).token
    store.mark_hit_open(token, HitId("H1"), expires_at=NOW, at=NOW)
    with pytest.raises(AlreadyRecorded, match="as H1"):
        store.mark_hit_open(token, HitId("H2"), expires_at=NOW, at=NOW)


def test_two_hits_never_share_an_id(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [hit(GENERATION, 0), hit(GENERATION, 1)])
    store.mark_hit_open(hit(GENERATION, 0).token, HitId("H1"), expires_at=NOW, at=NOW)
    with pytest.raises(AlreadyRecorded):
        store.mark_hit_open(hit(GENERATION, 1).token, HitId("H1"), expires_at=NOW, at=NOW)


def test_a_hit_that_was_never_planned_cannot_be_open(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="has been planned"):
        store.mark_hit_open(Token("none"), HitId("H1"), expires_at=NOW, at=NOW)


def test_hits_are_closed_together_and_once(store: SqlStore) -> None:
    begin(store)
    hits = [hit(GENERATION, index) for index in range(3)]
    store.add_round(round_(GENERATION), hits)
    store.mark_hits_closed([hits[2].token, hits[0].token], at=NOW)
    store.mark_hits_closed([hits[0].token, Token("unknown")], at=NOW)
    states = [found.state for found in store.hits(GENERATION)]
    assert states == [HitState.CLOSED, HitState.PLANNED, HitState.CLOSED]
    assert kinds(store).count("hit_closed") == 2


def test_closing_no_hits_does_nothing(store: SqlStore) -> None:
    store.mark_hits_closed([], at=NOW)
    assert store.events() == ()


def test_a_round_goes_from_planned_to_open_to_closed(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_open(GENERATION, at=NOW)
    opened = store.round(GENERATION)
    store.mark_round_closed(GENERATION, at=NOW + MINUTE)
    closed = store.round(GENERATION)
    assert opened == replace(round_(GENERATION), state=RoundState.OPEN)
    assert closed == replace(round_(GENERATION), state=RoundState.CLOSED, closed_at=NOW + MINUTE)


def test_repeating_the_steps_of_a_round_changes_nothing(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_round_closed(GENERATION, at=NOW)
    store.mark_round_closed(GENERATION, at=NOW + MINUTE)
    store.mark_round_open(GENERATION, at=NOW)
    assert store.round(GENERATION) == replace(round_(GENERATION), state=RoundState.CLOSED, closed_at=NOW)
    assert kinds(store).count("round_closed") == 1


def test_a_round_that_was_never_planned_cannot_be_opened_or_closed(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="No round 1-voting"):
        store.mark_round_open(VOTING, at=NOW)
    with pytest.raises(StoreError, match="No round 1-voting"):
        store.mark_round_closed(VOTING, at=NOW)


# The diary


def test_events_come_back_oldest_first_and_in_the_order_of_one_moment(store: SqlStore) -> None:
    late, first, second = (
        Event(at=NOW + offset, kind=kind, subject="x", detail="d")
        for kind, offset in (("late", MINUTE), ("first", timedelta()), ("second", timedelta()))
    )
    for event in (late, first, second):
        store.add_event(event)
    assert store.events() == (first, second, late)


def test_the_diary_tells_the_steps_of_a_round(store: SqlStore) -> None:
    begin_generation(store)
    store.mark_hit_open(hit(GENERATION, 0).token, HitId("H1"), expires_at=NOW, at=NOW)
    store.mark_round_open(GENERATION, at=NOW)
    paint(store, "boat", by=1)
    store.mark_hits_closed([hit(GENERATION, 0).token], at=NOW)
    store.mark_round_closed(GENERATION, at=NOW)
    assert kinds(store) == [
        "study_created",
        "day_opened",
        "round_planned",
        "hit_opened",
        "round_opened",
        "assignment_judged",
        "edit_planned",
        "image_made",
        "hit_closed",
        "round_closed",
    ]


def test_the_diary_names_no_worker(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    assert "A001" not in "".join(event.subject + event.detail for event in store.events())


def test_of_some_hits_those_are_named_that_are_open(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [hit(GENERATION, index) for index in range(3)])
    planned, opened, closed = (one.token for one in store.hits(GENERATION))
    for number, token in enumerate((opened, closed)):
        store.mark_hit_open(token, HitId(f"H{number}"), expires_at=NOW, at=NOW)
    store.mark_hits_closed([closed], at=NOW)
    assert store.open_hits([planned, opened, closed, Token("unknown")]) == {opened}
