"""What every store promises of reviews, flags, bans and hidden pictures, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Choice,
    Decision,
    EditKey,
    Event,
    Image,
    ImageId,
    ImageState,
    Settlement,
    UserId,
    Verdict,
)
from pixelpatchwork.domain.ports import ClosedDay, Judgement
from tests.support.records import (
    DAY,
    GENERATION,
    MINUTE,
    NOW,
    VOTING,
    assignment,
    ballot_id,
    begin_generation,
    begin_voting,
    edit,
    unusable,
    usable,
    user,
    vote,
)
from tests.support.stores import DATABASES, fresh_store

LATER = NOW + 5 * MINUTE


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


def held(assignment_id: str, reason: str = "Failed a check.") -> Judgement:
    return Judgement(
        assignment_id=AssignmentId(assignment_id),
        verdict=Verdict.HELD,
        decision=None,
        reason=reason,
        language="en",
        seconds=12.5,
    )


def begin_held(store: SqlStore) -> None:
    """One generation answer `a`, held."""
    begin_generation(store)
    store.add_assignments([assignment("a", 1)])
    store.record_judgements([held("a")], at=NOW)


def answer(store: SqlStore, name: str = "a") -> Assignment:
    found = [*store.assignments(GENERATION), *store.assignments(VOTING)]
    return next(one for one in found if one.assignment_id == name)


def image(store: SqlStore, name: str) -> Image:
    found = store.image(ImageId(name))
    assert found is not None
    return found


def counts(store: SqlStore, name: str) -> tuple[int, int, int]:
    found = image(store, name)
    return found.upvotes, found.downvotes, found.flags


def kinds(store: SqlStore, subject: str) -> list[str]:
    return [event.kind for event in store.events() if event.subject == subject]


# Held answers


def test_a_held_answer_is_judged_and_undecided(store: SqlStore) -> None:
    begin_held(store)
    found = answer(store)
    assert (found.state, found.verdict, found.decision) == (AssignmentState.JUDGED, Verdict.HELD, None)
    assert (found.reason, found.language, found.seconds) == ("Failed a check.", "en", 12.5)
    assert found.reviewed_at is None


@pytest.mark.parametrize(
    "judgement",
    [
        usable("a", edit=edit("e", of="a")),
        unusable("a", "Left out."),
        replace(unusable("a", "No."), decision=Decision.REJECT),
    ],
)
def test_a_held_answer_gets_the_verdict_of_its_review(store: SqlStore, judgement: Judgement) -> None:
    begin_held(store)
    assert store.record_reviews([judgement], at=LATER) == ("a",)
    found = answer(store)
    assert (found.verdict, found.decision) == (judgement.verdict, judgement.decision)
    assert (found.reason, found.reviewed_at) == (judgement.reason, LATER)
    assert found.state is AssignmentState.JUDGED
    edits = [] if judgement.edit is None else [judgement.edit]
    assert list(store.edits(GENERATION)) == edits
    assert kinds(store, "a") == ["assignment_judged", "assignment_reviewed"]


def test_the_first_review_stands(store: SqlStore) -> None:
    begin_held(store)
    store.record_reviews([unusable("a", "First.")], at=NOW)
    assert store.record_reviews([usable("a", edit=edit("e", of="a"))], at=LATER) == ()
    assert (answer(store).reason, answer(store).reviewed_at) == ("First.", NOW)
    assert store.edits(GENERATION) == ()


def test_what_the_marketplace_decided_is_no_look_of_the_requesters(store: SqlStore) -> None:
    begin_held(store)
    assert store.record_reviews([unusable("a", "Paid.")], at=LATER, by_requester=False) == ("a",)
    assert (answer(store).verdict, answer(store).reviewed_at) == (Verdict.UNUSABLE, None)
    assert kinds(store, "a") == ["assignment_judged", "assignment_taken_over"]


def test_of_two_reviews_at_once_one_stands(store: SqlStore) -> None:
    begin_held(store)
    words = [unusable("a", f"Word {number}.") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda word: store.record_reviews([word], at=LATER), words))
    assert sorted(map(len, done)) == [0, 0, 0, 1]
    assert kinds(store, "a").count("assignment_reviewed") == 1


def test_what_is_not_held_cannot_be_reviewed(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("stored", 1), assignment("judged", 2), assignment("settled", 3)])
    store.record_judgements([unusable("judged", "So."), held("settled")], at=NOW)
    store.record_reviews([unusable("settled", "So.")], at=NOW)
    store.mark_settled([AssignmentId("settled")], settlement=Settlement.APPROVED, at=NOW)
    again = [unusable(name, "Now.") for name in ("stored", "judged", "settled", "nobody")]
    assert store.record_reviews(again, at=LATER) == ()
    assert [answer(store, name).reason for name in ("stored", "judged", "settled")] == [None, "So.", "So."]


def test_no_reviews_are_no_work(store: SqlStore) -> None:
    assert store.record_reviews([], at=NOW) == ()


def test_the_votes_of_an_accepted_ballot_are_counted(store: SqlStore) -> None:
    begin_voting(store, "p")
    store.record_judgements([held(ballot_id(2))], at=NOW)
    assert counts(store, "p") == (0, 0, 0)
    store.record_reviews(
        [usable(ballot_id(2), votes=[vote(2, "p", flagged=True)])], at=LATER, hide_at_flags=1
    )
    assert counts(store, "p") == (1, 0, 1)
    assert image(store, "p").state is ImageState.FLAGGED


def test_a_judgements_own_events_are_in_the_diary_once(store: SqlStore) -> None:
    begin_generation(store)
    store.add_assignments([assignment("a", 1)])
    noted = replace(held("a"), events=(Event(at=NOW, kind="attention_failed", subject="a", detail="Both."),))
    store.record_judgements([noted], at=NOW)
    store.record_judgements([noted], at=NOW)
    assert kinds(store, "a") == ["assignment_judged", "attention_failed"]


# Flags


def flag(store: SqlStore, *voters: int, at: int, on: str = "p") -> None:
    ballots = [usable(ballot_id(by), votes=[vote(by, on, Choice.DOWN, flagged=True)]) for by in voters]
    store.record_judgements(ballots, at=NOW, hide_at_flags=at)


def test_a_picture_with_flags_enough_is_hidden_with_the_votes_that_flagged_it(store: SqlStore) -> None:
    begin_voting(store, "p", "q", users=4)
    flag(store, 2, at=2)
    assert image(store, "p").state is ImageState.VISIBLE
    flag(store, 3, at=2)
    assert (image(store, "p").state, image(store, "q").state) == (ImageState.FLAGGED, ImageState.VISIBLE)
    assert kinds(store, "p") == ["image_made", "image_flagged"]


@pytest.mark.parametrize(("at", "state"), [(0, ImageState.VISIBLE), (4, ImageState.VISIBLE)])
def test_too_few_flags_or_no_threshold_hide_nothing(store: SqlStore, at: int, state: ImageState) -> None:
    begin_voting(store, "p", users=4)
    flag(store, 2, 3, 4, at=at)
    assert image(store, "p").state is state


def test_own_flags_hide_nothing(store: SqlStore) -> None:
    begin_voting(store, "p")
    own = vote(1, "p", flagged=True, is_own=True)
    store.record_judgements([usable(ballot_id(1), votes=[own])], at=NOW, hide_at_flags=1)
    assert image(store, "p").state is ImageState.VISIBLE


def test_flags_hide_a_picture_no_more_once_it_was_looked_at(store: SqlStore) -> None:
    begin_voting(store, "p", users=4)
    flag(store, 2, at=1)
    shown = store.review_image(ImageId("p"), ImageState.VISIBLE, at=LATER)
    assert shown is not None
    assert (shown.state, shown.reviewed_at) == (ImageState.VISIBLE, LATER)
    flag(store, 3, at=1)
    assert image(store, "p").state is ImageState.VISIBLE
    assert kinds(store, "p")[-2:] == ["image_flagged", "image_shown"]


def test_a_hidden_picture_stays_hidden_whatever_its_flags(store: SqlStore) -> None:
    begin_voting(store, "p")
    hidden = store.review_image(ImageId("p"), ImageState.HIDDEN, at=LATER)
    assert hidden is not None
    flag(store, 2, at=1)
    assert image(store, "p").state is ImageState.HIDDEN


def test_there_is_no_looking_at_a_picture_that_is_not_there(store: SqlStore) -> None:
    assert store.review_image(ImageId("none"), ImageState.HIDDEN, at=NOW) is None
    assert store.events() == ()


# Bans


def ban(store: SqlStore, number: int, *, is_banned: bool = True, at_flags: int = 0) -> None:
    store.set_banned(user(number).user_id, is_banned=is_banned, at=LATER, hide_at_flags=at_flags)


def cast(store: SqlStore, votes: Sequence[tuple[int, Choice]], *, on: str = "p") -> None:
    store.record_judgements([usable(ballot_id(by), votes=[vote(by, on, how)]) for by, how in votes], at=NOW)


def test_a_ban_makes_a_users_votes_void_and_its_end_counts_them_again(store: SqlStore) -> None:
    begin_voting(store, "p", users=4)
    cast(store, [(2, Choice.UP), (3, Choice.UP), (4, Choice.DOWN)])
    ban(store, 2)
    assert counts(store, "p") == (1, 1, 0)
    assert {one.user_id for one in store.votes() if one.is_void} == {user(2).user_id}
    ban(store, 2, is_banned=False)
    assert counts(store, "p") == (2, 1, 0)
    assert kinds(store, user(2).user_id) == ["user_banned", "user_unbanned"]


def test_a_ban_twice_is_one_ban(store: SqlStore) -> None:
    begin_voting(store, "p")
    first = store.set_banned(user(2).user_id, is_banned=True, at=NOW)
    assert store.set_banned(user(2).user_id, is_banned=True, at=LATER) == first
    assert first == replace(user(2), is_banned=True)
    assert kinds(store, user(2).user_id) == ["user_banned"]


def test_nobody_is_banned_who_is_not_there(store: SqlStore) -> None:
    assert store.set_banned(UserId("nobody"), is_banned=True, at=NOW) is None
    assert store.events() == ()


def test_votes_that_a_banned_user_hands_in_later_are_void(store: SqlStore) -> None:
    begin_voting(store, "p")
    ban(store, 2)
    cast(store, [(2, Choice.UP), (3, Choice.UP)])
    assert counts(store, "p") == (1, 0, 0)
    assert [one.is_void for one in store.votes()] == [True, False]


def test_the_flags_of_a_banned_user_hide_nothing(store: SqlStore) -> None:
    begin_voting(store, "p")
    ban(store, 2)
    flag(store, 2, at=1)
    assert image(store, "p").state is ImageState.VISIBLE
    ban(store, 2, is_banned=False, at_flags=1)
    assert image(store, "p").state is ImageState.FLAGGED


def test_a_closed_day_stays_as_it_was_counted(store: SqlStore) -> None:
    begin_voting(store, "p")
    cast(store, [(2, Choice.UP)])
    winner = ImageId("p")
    next_day = replace(DAY, number=2, date=DAY.date.replace(day=2), seed_image_id=winner)
    store.advance(
        ClosedDay(number=1, winner_image_id=winner, total_votes=1, total_participants=1, next_day=next_day),
        at=NOW,
    )
    ban(store, 2)
    assert counts(store, "p") == (1, 0, 0)
    assert not any(one.is_void for one in store.votes())


def test_a_ban_while_ballots_are_recorded_leaves_no_vote_that_counts(store: SqlStore) -> None:
    begin_voting(store, "p", users=12)
    voters = range(2, 13)

    def ballot(by: int) -> None:
        store.record_judgements([usable(ballot_id(by), votes=[vote(by, "p")])], at=NOW)

    with ThreadPoolExecutor(4) as pool:
        done = [call for by in voters for call in (pool.submit(ballot, by), pool.submit(ban, store, by))]
        for call in done:
            call.result()
    assert all(one.is_void for one in store.votes())
    assert len(store.votes()) == len(voters)
    assert counts(store, "p") == (0, 0, 0)


def test_an_edit_of_an_accepted_answer_waits_to_be_made(store: SqlStore) -> None:
    begin_held(store)
    store.record_reviews([usable("a", edit=edit("e", of="a"))], at=LATER)
    claimed = store.claim_edit(owner="me", now=LATER, lease=MINUTE)
    assert claimed is not None
    assert claimed.edit_key == EditKey("e")
