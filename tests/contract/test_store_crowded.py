"""Many threads on one database: what is claimed once, recorded once and counted right, on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.domain.errors import AlreadyRecorded
from pixelpatchwork.domain.model import Day, Edit, ImageId, Settlement
from pixelpatchwork.domain.ports import ClosedDay
from tests.support.records import (
    GENERATION,
    NOW,
    TODAY,
    VOTING,
    assignment,
    ballot_id,
    begin_generation,
    begin_voting,
    edit,
    paint,
    usable,
    user,
    vote,
)
from tests.support.stores import DATABASES, fresh_store

_T = TypeVar("_T")

THREADS = 8
LEASE = timedelta(minutes=10)


@pytest.fixture(params=[*DATABASES, "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "memory":
        fresh = open_store("sqlite://")
        yield fresh
        fresh.close()
        return
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


def at_once(work: Callable[[int], _T]) -> list[_T]:
    """What `work` gives in each of the threads, all of which set out together."""
    barrier = Barrier(THREADS)

    def start(number: int) -> _T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


def test_every_edit_is_claimed_by_one_and_no_claimer_leaves_while_there_is_work(store: SqlStore) -> None:
    begin_generation(store)
    names = [f"{number:02}" for number in range(40)]
    store.add_assignments([assignment(f"a{name}", 1) for name in names])
    store.record_judgements(
        [usable(f"a{name}", edit=edit(f"e{name}", of=f"a{name}")) for name in names], at=NOW
    )

    def claim_some(number: int) -> list[Edit | None]:
        return [store.claim_edit(owner=f"t{number}", now=NOW, lease=LEASE) for _ in range(5)]

    claimed = [one for some in at_once(claim_some) for one in some]
    assert sorted(one.edit_key for one in claimed if one is not None) == [f"e{name}" for name in names]


def test_votes_that_arrive_at_once_are_all_counted(store: SqlStore) -> None:
    ballots = 5
    begin_voting(store, "boat", "cat", "sea", users=THREADS * ballots)

    def judge(number: int) -> None:
        mine = range(number * ballots + 1, (number + 1) * ballots + 1)
        for voter in mine:
            names = ["boat", "cat", "sea"] if voter % 2 else ["sea", "cat", "boat"]
            votes = [vote(voter, name) for name in names]
            store.record_judgements([usable(ballot_id(voter), votes=votes)], at=NOW)

    at_once(judge)
    images = [store.image(ImageId(name)) for name in ("boat", "cat", "sea")]
    assert [image.upvotes for image in images if image] == [THREADS * ballots] * 3


def test_an_answer_judged_by_several_is_judged_once(store: SqlStore) -> None:
    begin_voting(store, "boat", users=THREADS)
    everything = [usable(ballot_id(n), votes=[vote(n, "boat")]) for n in range(1, THREADS + 1)]
    at_once(lambda number: store.record_judgements(everything[number:] + everything[:number], at=NOW))
    paid = [one.assignment_id for one in everything]
    at_once(lambda _: store.mark_settled(paid, settlement=Settlement.APPROVED, at=NOW))
    judged = [one.subject for one in store.events() if one.kind == "assignment_judged"]
    settled = [one.subject for one in store.events() if one.kind == "assignment_settled"]
    expected = sorted(one.assignment_id for one in everything)
    assert [key for key in sorted(judged) if key.startswith("ballot")] == expected
    assert sorted(settled) == expected


def test_an_answer_found_by_several_is_new_to_one(store: SqlStore) -> None:
    begin_generation(store, users=THREADS)
    answers = [assignment(f"a{number}", number) for number in range(1, THREADS + 1)]
    new = at_once(lambda number: store.add_assignments(answers[number:] + answers[:number]))
    assert sorted(key for some in new for key in some) == sorted(one.assignment_id for one in answers)
    assert len(store.assignments(GENERATION)) == THREADS


def test_a_user_met_by_several_is_recorded_once(store: SqlStore) -> None:
    begin_generation(store, users=0)
    people = [user(number) for number in range(20)]
    found = at_once(
        lambda number: store.ensure_users([replace(one, username=f"by {number}") for one in people])
    )
    assert len(store.users()) == len(people)
    assert all(some == found[0] for some in found)


def test_a_day_closed_by_several_is_closed_by_one(store: SqlStore) -> None:
    begin_generation(store, users=1)
    paint(store, "boat", by=1)
    boat = ImageId("boat")
    next_day = Day(date=TODAY + timedelta(days=1), number=2, seed_image_id=boat)
    closing = ClosedDay(
        number=1, winner_image_id=boat, total_votes=0, total_participants=1, next_day=next_day
    )

    def advance(_number: int) -> bool:
        try:
            store.advance(closing, at=NOW)
        except AlreadyRecorded:
            return False
        return True

    assert sorted(at_once(advance)) == [False] * (THREADS - 1) + [True]
    assert [day.is_current for day in store.days()] == [False, True]
    assert store.votes(VOTING) == ()


@pytest.mark.parametrize("kind", DATABASES)
def test_several_programs_on_one_database_take_turns(kind: str, tmp_path: Path) -> None:
    """Each thread has a store of its own, as a process has: only the database keeps them apart."""
    with fresh_store(kind, tmp_path) as first:
        begin_voting(first, "boat", users=THREADS * 3)
        url = first.database.engine.url.render_as_string(hide_password=False)

        def judge(number: int) -> None:
            own = open_store(url)
            for voter in range(number * 3 + 1, number * 3 + 4):
                own.record_judgements([usable(ballot_id(voter), votes=[vote(voter, "boat")])], at=NOW)
            own.close()

        at_once(judge)
        boat = first.image(ImageId("boat"))
    assert boat is not None
    assert boat.upvotes == THREADS * 3
