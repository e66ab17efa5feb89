"""What every store promises of users, answers, verdicts and votes, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.errors import AlreadyRecorded, StoreError
from pixelpatchwork.domain.model import (
    AssignmentId,
    AssignmentState,
    Choice,
    Decision,
    HitId,
    ImageId,
    Settlement,
    Token,
    UserId,
    Verdict,
    WorkerId,
)
from pixelpatchwork.domain.ports import Store
from tests.support.records import (
    GENERATION,
    MINUTE,
    NOW,
    SEED,
    VOTING,
    assignment,
    ballot_id,
    begin,
    begin_generation,
    begin_voting,
    edit,
    hit,
    round_,
    unusable,
    usable,
    user,
    vote,
)
from tests.support.stores import DATABASES, fresh_store


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


@contextmanager
def statements(store: SqlStore) -> Iterator[list[str]]:
    """The statements that are sent meanwhile; a statement with many rows counts once."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.database.engine, "before_cursor_execute", note)


def counts(store: Store, name: str) -> tuple[int, int, int]:
    found = store.image(ImageId(name))
    assert found is not None
    return found.upvotes, found.downvotes, found.flags


# Users


def test_new_users_are_recorded_and_come_back_in_the_order_asked_for(store: SqlStore) -> None:
    asked = [user(2), user(1), user(3), user(1)]
    assert store.ensure_users(asked) == tuple(asked)
    assert store.users() == (user(1), user(2), user(3))


def test_a_user_on_record_stays_as_recorded(store: SqlStore) -> None:
    store.ensure_users([user(1)])
    renamed = replace(user(1), username="Somebody else", created_at=NOW + MINUTE, is_banned=True)
    assert store.ensure_users([renamed, user(2)]) == (user(1), user(2))


def test_no_users_are_no_work(store: SqlStore) -> None:
    assert store.ensure_users([]) == ()


def test_a_worker_has_one_user_id_for_ever(store: SqlStore) -> None:
    store.ensure_users([user(1)])
    with pytest.raises(StoreError):
        store.ensure_users([replace(user(1), user_id=UserId("under another key"))])
    assert store.users() == (user(1),)


def test_a_user_is_found_by_id(store: SqlStore) -> None:
    store.ensure_users([user(1), user(2)])
    assert store.user_by_id(user(2).user_id) == user(2)
    assert store.user_by_id(UserId("nobody")) is None


def test_ids_that_differ_in_case_only_are_two(store: SqlStore) -> None:
    lower = replace(user(1), user_id=UserId("abc"), worker_id=WorkerId("a1"))
    upper = replace(user(1), user_id=UserId("ABC"), worker_id=WorkerId("A1"))
    store.ensure_users([lower, upper])
    assert store.users() == (upper, lower)


# Raw answers


def test_raw_answers_are_kept_as_they_came(store: SqlStore) -> None:
    begin_generation(store)
    hostile = replace(
        assignment("a1", 1), raw_answer="<!DOCTYPE x>\r\n\t'\"; DROP TABLE `User`; -- \\ %s :x 🎨"
    )
    assert store.add_assignments([hostile]) == ("a1",)
    assert store.assignments(GENERATION) == (hostile,)


def test_a_large_answer_is_kept_whole(store: SqlStore) -> None:
    begin_generation(store)
    large = replace(assignment("a1", 1), raw_answer="🖌" * 500_000)
    store.add_assignments([large])
    assert store.assignments(GENERATION) == (large,)


def test_answers_already_kept_stay_and_only_the_new_ones_are_named(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    changed = replace(assignment("a1", 1), raw_answer="changed")
    new = [assignment("a3", 3, minutes=2), changed, assignment("a2", 2, minutes=1), assignment("a2", 2)]
    assert store.add_assignments(new) == ("a3", "a2")
    assert store.add_assignments(new) == ()
    assert store.assignments(GENERATION)[0] == assignment("a1", 1)


def test_answers_come_back_earliest_submitted_first(store: SqlStore) -> None:
    begin_generation(store)
    kept = [assignment("c", 1, minutes=2), assignment("b", 2), assignment("a", 3)]
    store.add_assignments(kept)
    assert [one.assignment_id for one in store.assignments(GENERATION)] == ["a", "b", "c"]


def test_answers_can_be_read_without_their_long_texts(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    with statements(store) as sent:
        found = store.assignments(GENERATION, with_answers=False)
    assert found == (replace(assignment("a1", 1), raw_answer=""),)
    assert not any("Assignment`.raw_answer" in one or '"Assignment".raw_answer' in one for one in sent)


def test_answers_belong_to_their_round(store: SqlStore) -> None:
    begin_voting(store, "boat")
    assert [one.assignment_id for one in store.assignments(GENERATION)] == ["for-boat"]
    assert len(store.assignments(VOTING)) == 3


def test_an_answer_to_a_hit_that_is_not_on_record_is_refused(store: SqlStore) -> None:
    begin_generation(store)
    with pytest.raises(StoreError, match="names another one that is not there"):
        store.add_assignments([replace(assignment("a1", 1), token=Token("unknown"))])


# Verdicts


def test_an_answer_goes_from_stored_to_judged_to_settled(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([unusable("a1", "the mask is empty 🫥")], at=NOW)
    (judged,) = store.assignments(GENERATION)
    store.mark_settled([AssignmentId("a1")], settlement=Settlement.APPROVED, at=NOW + MINUTE)
    (settled,) = store.assignments(GENERATION)
    assert judged == replace(
        assignment("a1", 1),
        state=AssignmentState.JUDGED,
        verdict=Verdict.UNUSABLE,
        reason="the mask is empty 🫥",
        decision=Decision.APPROVE,
    )
    assert settled == replace(
        judged,
        state=AssignmentState.SETTLED,
        settlement=Settlement.APPROVED,
        settled_at=NOW + MINUTE,
    )


def test_an_answer_is_judged_once_and_the_first_verdict_stands(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([unusable("a1", "empty")], at=NOW)
    store.record_judgements([usable("a1", edit=edit("e1", of="a1"))], at=NOW)
    (judged,) = store.assignments(GENERATION)
    assert (judged.verdict, judged.reason) == (Verdict.UNUSABLE, "empty")
    assert store.edits(GENERATION) == ()


def test_of_two_judgements_on_one_answer_in_a_batch_the_first_stands(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([unusable("a1", "first"), unusable("a1", "second")], at=NOW)
    assert store.assignments(GENERATION)[0].reason == "first"


def test_a_judgement_on_nothing_does_nothing(store: SqlStore) -> None:
    begin_generation(store)
    before = store.events()
    store.record_judgements([usable("unknown")], at=NOW)
    store.record_judgements([], at=NOW)
    assert store.events() == before


def test_a_judgement_records_its_edit_with_the_verdict(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1)])
    store.record_judgements([usable("a1", edit=edit("e1", of="a1"))], at=NOW)
    assert store.edits(GENERATION) == (edit("e1", of="a1"),)


def test_a_batch_that_cannot_be_recorded_leaves_no_trace(store: SqlStore) -> None:
    begin_voting(store, "boat")
    good = usable(ballot_id(1), votes=[vote(1, "boat")])
    bad = usable(ballot_id(2), votes=[vote(2, "no such image")])
    with pytest.raises(StoreError):
        store.record_judgements([good, bad], at=NOW)
    assert store.votes() == ()
    assert {one.state for one in store.assignments(VOTING)} == {AssignmentState.STORED}


def test_only_judged_answers_are_settled_and_the_first_time_stands(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a1", 1), assignment("a2", 2)])
    store.record_judgements([usable("a1")], at=NOW)
    both = [AssignmentId("a1"), AssignmentId("a2")]
    store.mark_settled(both, settlement=Settlement.APPROVED, at=NOW)
    store.mark_settled(both, settlement=Settlement.APPROVED, at=NOW + MINUTE)
    settled = [(one.state, one.settled_at) for one in store.assignments(GENERATION)]
    assert settled == [(AssignmentState.SETTLED, NOW), (AssignmentState.STORED, None)]
    assert [one.subject for one in store.events() if one.kind == "assignment_settled"] == ["a1"]


# Votes


def test_votes_are_recorded_and_counted(store: SqlStore) -> None:
    begin_voting(store, "boat", "cat")
    ballots = [
        usable(ballot_id(1), votes=[vote(1, "boat"), replace(vote(1, "cat", Choice.DOWN), position=1)]),
        usable(ballot_id(2), votes=[vote(2, "boat"), replace(vote(2, "cat", flagged=True), position=1)]),
        usable(ballot_id(3), votes=[replace(vote(3, "boat", Choice.SKIP), position=1)]),
    ]
    store.record_judgements(ballots, at=NOW)
    assert counts(store, "boat") == (2, 0, 0)
    assert counts(store, "cat") == (1, 1, 1)
    assert store.votes(VOTING) == tuple(one for ballot in ballots for one in ballot.votes)


def test_own_votes_are_kept_as_facts_and_counted_nowhere(store: SqlStore) -> None:
    begin_voting(store, "boat")
    own = vote(1, "boat", flagged=True, is_own=True)
    store.record_judgements([usable(ballot_id(1), votes=[own])], at=NOW)
    assert store.votes() == (own,)
    assert counts(store, "boat") == (0, 0, 0)


def test_a_second_vote_of_a_user_on_an_image_in_a_round_does_nothing(store: SqlStore) -> None:
    begin_voting(store, "boat", "cat")
    store.record_judgements(
        [usable(ballot_id(1), votes=[vote(1, "boat"), vote(1, "boat", Choice.DOWN)])], at=NOW
    )
    again = replace(vote(1, "boat", Choice.DOWN), assignment_id=ballot_id(2))
    store.record_judgements([usable(ballot_id(2), votes=[again, vote(2, "cat")])], at=NOW)
    assert counts(store, "boat") == (1, 0, 0)
    assert counts(store, "cat") == (1, 0, 0)


def test_counts_are_recomputed_over_all_batches(store: SqlStore) -> None:
    begin_voting(store, "boat")
    for number in (1, 2, 3):
        store.record_judgements([usable(ballot_id(number), votes=[vote(number, "boat")])], at=NOW)
    assert counts(store, "boat") == (3, 0, 0)


def test_the_seed_can_be_voted_on(store: SqlStore) -> None:
    begin_voting(store, "boat")
    store.record_judgements([usable(ballot_id(2), votes=[vote(2, SEED)])], at=NOW)
    assert counts(store, SEED) == (1, 0, 0)


def test_votes_come_by_time_then_user_then_position(store: SqlStore) -> None:
    begin_voting(store, "boat", "cat")
    second = [replace(vote(2, "cat"), position=0), replace(vote(2, "boat"), position=1)]
    first = replace(vote(1, "boat"), created_at=NOW)
    earliest = replace(vote(3, "boat"), created_at=NOW - MINUTE)
    batch = [
        usable(ballot_id(2), votes=list(reversed(second))),
        usable(ballot_id(1), votes=[first]),
        usable(ballot_id(3), votes=[earliest]),
    ]
    store.record_judgements(batch, at=NOW)
    assert store.votes() == (earliest, first, *second)
    assert store.votes(GENERATION) == ()


# Batches


def test_a_batch_takes_as_many_statements_as_a_single_answer(store: SqlStore) -> None:
    """The database may be a network away: nine thousand answers must not be nine thousand journeys."""
    begin_voting(store, "boat", "cat", users=1)
    with statements(store) as for_one:
        collect(store, [200])
    with statements(store) as for_many:
        collect(store, range(300, 400))
    assert len(for_many) == len(for_one)
    assert counts(store, "boat") == (101, 0, 0)


def collect(store: Store, numbers: range | list[int]) -> None:
    """What a collector does with the ballots of these users."""
    store.ensure_users([user(n) for n in numbers])
    store.add_assignments([assignment(ballot_id(n), n, round_id=VOTING) for n in numbers])
    ballots = [usable(ballot_id(n), votes=[vote(n, "boat"), vote(n, "cat")]) for n in numbers]
    store.record_judgements(ballots, at=NOW)
    store.mark_settled([ballot_id(n) for n in numbers], settlement=Settlement.APPROVED, at=NOW)


def test_a_judged_edit_is_not_planned_a_second_time_under_another_answer(store: SqlStore) -> None:
    begin(store)
    store.add_round(round_(GENERATION), [hit(GENERATION, 0)])
    store.mark_hit_open(hit(GENERATION, 0).token, HitId("H"), expires_at=NOW, at=NOW)
    store.ensure_users([user(1), user(2)])
    store.add_assignments([assignment("a1", 1), assignment("a2", 2)])
    store.record_judgements([usable("a1", edit=edit("e1", of="a1"))], at=NOW)
    with pytest.raises(AlreadyRecorded):
        store.record_judgements([usable("a2", edit=edit("e1", of="a2"))], at=NOW)


def test_of_some_answers_those_are_named_that_nobody_has_settled(store: SqlStore) -> None:
    begin_generation(store)
    names = [AssignmentId("a1"), AssignmentId("a2"), AssignmentId("a3")]
    store.add_assignments([assignment(name, number) for number, name in enumerate(names, start=1)])
    store.record_judgements([unusable(name, "empty") for name in names[:2]], at=NOW)
    store.mark_settled(names[:1], settlement=Settlement.APPROVED, at=NOW)
    assert store.unsettled([*names, AssignmentId("unknown")]) == {"a2", "a3"}
    assert store.unsettled([]) == frozenset()


def test_the_texts_of_some_answers_come_as_they_were_written(store: SqlStore) -> None:
    begin_generation(store)
    texts = {
        AssignmentId("a1"): "<a>\u202e 🫥 \x00</a>",
        AssignmentId("a2"): "",
        AssignmentId("a3"): "x" * 70_000,
    }
    answers = [assignment(name, number) for number, name in enumerate(texts, start=1)]
    store.add_assignments([replace(one, raw_answer=texts[one.assignment_id]) for one in answers])
    assert store.raw_answers([*texts, AssignmentId("unknown")]) == texts
    assert store.raw_answers([]) == {}
