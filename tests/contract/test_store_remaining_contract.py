"""What every store promises of what is still to be done in a round, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.model import AssignmentId, EditState, HitId, RoundId, Settlement
from pixelpatchwork.domain.ports import Remaining
from tests.support.records import (
    GENERATION,
    MINUTE,
    NOW,
    VOTING,
    assignment,
    begin_generation,
    begin_voting,
    claimed,
    edit,
    hit,
    unusable,
    usable,
)
from tests.support.stores import DATABASES, fresh_store

PLACES = hit(GENERATION, 0).max_assignments


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


def remaining(store: SqlStore, round_id: RoundId = GENERATION) -> tuple[int, int, int, int]:
    found = store.remaining(round_id)
    return found.hits, found.answers, found.edits, found.room


def test_of_a_round_that_begins_its_hits_remain_with_room_for_every_answer(store: SqlStore) -> None:
    begin_generation(store)
    planned = remaining(store)
    store.mark_hit_open(hit(GENERATION, 0).token, HitId("H1"), expires_at=NOW + MINUTE, at=NOW)
    assert planned == remaining(store) == (1, 0, 0, PLACES)


def test_an_answer_takes_room_and_remains_until_it_is_settled(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1), assignment("a2", 2)])
    stored = remaining(store)
    store.record_judgements([unusable("a1", "empty"), unusable("a2", "empty")], at=NOW)
    judged = remaining(store)
    store.mark_settled([AssignmentId("a1")], settlement=Settlement.APPROVED, at=NOW)
    assert (stored, judged) == ((1, 2, 0, PLACES - 2),) * 2
    assert remaining(store) == (1, 1, 0, PLACES - 2)


@pytest.mark.parametrize(
    ("state", "open_edits"),
    [
        (EditState.SUBMITTED, 1),
        (EditState.RAW_STORED, 1),
        (EditState.UNKNOWN, 0),
        (EditState.FAILED, 0),
    ],
)
def test_an_edit_remains_while_it_wants_work(store: SqlStore, state: EditState, open_edits: int) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([usable("a1", edit=edit("waits", of="a1"))], at=NOW)
    assert remaining(store) == (1, 1, 1, PLACES - 1)
    store.claim_edit(owner="me", now=NOW, lease=MINUTE)
    claimed(store, "moves", state)
    assert remaining(store) == (1, 2, 1 + open_edits, PLACES - 2)


def test_closed_hits_have_no_room_and_a_settled_round_is_at_its_end(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.mark_hits_closed([hit(GENERATION, 0).token], at=NOW)
    answered = store.remaining(GENERATION)
    store.record_judgements([unusable("a1", "empty")], at=NOW)
    store.mark_settled([AssignmentId("a1")], settlement=Settlement.APPROVED, at=NOW)
    assert answered == Remaining(hits=0, answers=1, edits=0, room=0)
    assert not answered.is_nothing
    assert store.remaining(GENERATION).is_nothing


def test_what_remains_of_one_round_is_not_counted_in_another(store: SqlStore) -> None:
    begin_voting(store, "boat", "kite", users=3)
    assert remaining(store, GENERATION) == (1, 2, 0, PLACES - 2)
    assert remaining(store, VOTING) == (1, 3, 0, PLACES - 3)
    assert store.remaining(RoundId("unknown")).is_nothing
