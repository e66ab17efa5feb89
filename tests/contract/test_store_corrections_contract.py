"""What every store promises of corrections, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.model import AssignmentId, HitId, HitState, RoundState, Settlement, Token
from tests.support.records import GENERATION, MINUTE, NOW, assignment, begin_generation, usable
from tests.support.stores import DATABASES, fresh_store

TOKEN = Token("1-generation-0")
ANSWER = AssignmentId("a1")


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        begin_generation(fresh)
        yield fresh


def test_a_hit_is_opened_again_and_its_round_with_it(store: SqlStore) -> None:
    store.mark_hit_open(TOKEN, HitId("H1"), expires_at=NOW, at=NOW)
    store.mark_hits_closed([TOKEN], at=NOW)
    store.mark_round_closed(GENERATION, at=NOW)

    store.reopen_hits([TOKEN], at=NOW + MINUTE)

    (hit,), round_ = store.hits(GENERATION), store.round(GENERATION)
    assert (hit.state, hit.hit_id) == (HitState.OPEN, "H1")
    assert round_ is not None
    assert (round_.state, round_.closed_at) == (RoundState.OPEN, None)


def test_a_hit_that_was_never_published_stays_closed(store: SqlStore) -> None:
    store.mark_hits_closed([TOKEN], at=NOW)
    store.reopen_hits([TOKEN], at=NOW)
    assert [hit.state for hit in store.hits(GENERATION)] == [HitState.CLOSED]


def test_a_settlement_is_corrected_once_and_the_diary_says_so(store: SqlStore) -> None:
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([usable("a1")], at=NOW)
    assert not store.correct_settlement(ANSWER, Settlement.REJECTED, instead_of=Settlement.APPROVED, at=NOW)
    store.mark_settled([ANSWER], settlement=Settlement.APPROVED, at=NOW)

    assert store.correct_settlement(ANSWER, Settlement.REJECTED, instead_of=Settlement.APPROVED, at=NOW)
    assert not store.correct_settlement(ANSWER, Settlement.LOST, instead_of=Settlement.APPROVED, at=NOW)

    assert [one.settlement for one in store.assignments(GENERATION)] == [Settlement.REJECTED]
    assert [one.detail for one in store.events() if one.kind == "settlement_corrected"] == [
        "rejected instead of approved"
    ]
