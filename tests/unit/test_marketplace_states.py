"""The life of a HIT, as pure decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pixelpatchwork.marketplace.states import DISPOSED_AFTER, HitState, HitStatus, IllegalMoveError

NOW = 1_000_000
LATER = NOW + 1_000
OPEN = HitState(max_assignments=2, available=2, expires_at=LATER)


def test_a_new_hit_is_assignable() -> None:
    assert OPEN.status(NOW) is HitStatus.ASSIGNABLE


def test_a_hit_whose_slots_are_all_taken_is_unassignable_and_opens_again_when_one_comes_back() -> None:
    full = OPEN.accept(NOW).accept(NOW)

    assert full.status(NOW) is HitStatus.UNASSIGNABLE
    assert full.give_back().status(NOW) is HitStatus.ASSIGNABLE


def test_a_hit_is_reviewable_once_everything_is_submitted() -> None:
    assert OPEN.accept(NOW).accept(NOW).submit().submit().status(NOW) is HitStatus.REVIEWABLE


def test_an_expired_hit_waits_for_the_worker_who_accepted_in_time() -> None:
    taken = OPEN.accept(NOW)

    assert taken.status(LATER) is HitStatus.UNASSIGNABLE
    assert taken.submit().status(LATER) is HitStatus.REVIEWABLE


def test_nothing_can_be_accepted_after_the_expiry() -> None:
    with pytest.raises(IllegalMoveError):
        OPEN.accept(LATER)


def test_a_decision_reopens_no_slot() -> None:
    done = OPEN.accept(NOW).submit().decide()

    assert (done.available, done.completed, done.undecided) == (1, 1, 0)


def test_reviewing_goes_there_and_back() -> None:
    reviewing = OPEN.review(LATER, revert=False)

    assert reviewing.status(LATER) is HitStatus.REVIEWING
    assert reviewing.review(LATER, revert=True).status(LATER) is HitStatus.REVIEWABLE


def test_only_a_reviewable_hit_can_be_reviewed() -> None:
    with pytest.raises(IllegalMoveError):
        OPEN.review(NOW, revert=False)


def test_a_hit_under_review_that_is_extended_is_assignable_and_later_reviewable() -> None:
    extended = OPEN.review(LATER, revert=False).expire_at(LATER + 1_000)

    assert extended.status(LATER) is HitStatus.ASSIGNABLE
    assert extended.status(LATER + 1_000) is HitStatus.REVIEWABLE


@pytest.mark.parametrize(("size", "more", "allowed"), [(5, 4, True), (5, 5, False), (10, 90, True)])
def test_a_hit_made_below_ten_assignments_stays_below_ten(size: int, more: int, *, allowed: bool) -> None:
    state = replace(OPEN, max_assignments=size, available=size)

    if allowed:
        assert state.extend(more).available == size + more
    else:
        with pytest.raises(IllegalMoveError):
            state.extend(more)


def test_a_hit_with_an_undecided_answer_cannot_be_deleted() -> None:
    waiting = OPEN.accept(NOW).submit()

    with pytest.raises(IllegalMoveError):
        waiting.dispose(LATER)
    assert waiting.decide().dispose(LATER).status(LATER) is HitStatus.DISPOSED


def test_money_is_owed_for_open_slots_until_the_expiry_and_for_undecided_answers_after_it() -> None:
    one_waits = OPEN.accept(NOW).submit()

    assert one_waits.slots_owed(NOW) == 2
    assert one_waits.slots_owed(LATER) == 1
    assert one_waits.decide().slots_owed(LATER) == 0


class HitLife(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counters add up and the status is what they say."""

    @initialize(size=st.integers(1, 12))
    def create(self, size: int) -> None:
        self.now = NOW
        self.state = HitState(max_assignments=size, available=size, expires_at=NOW + 50)

    @rule(
        name=st.sampled_from(
            ["accept", "give_back", "submit", "decide", "review", "unreview", "extend", "expire", "dispose"]
        ),
        number=st.integers(0, 12),
    )
    def move(self, name: str, number: int) -> None:
        moves = {
            "accept": lambda: self.state.accept(self.now),
            "give_back": self.state.give_back,
            "submit": self.state.submit,
            "decide": self.state.decide,
            "review": lambda: self.state.review(self.now, revert=False),
            "unreview": lambda: self.state.review(self.now, revert=True),
            "extend": lambda: self.state.extend(number),
            "expire": lambda: self.state.expire_at(self.now + 10 * number),
            "dispose": lambda: self.state.dispose(self.now),
        }
        before = self.state
        try:
            self.state = moves[name]()
        except IllegalMoveError:
            assert self.state is before

    @rule(millis=st.integers(1, 40))
    def wait(self, millis: int) -> None:
        self.now += millis

    @invariant()
    def the_counters_add_up(self) -> None:
        state = self.state
        assert min(state.available, state.pending, state.completed, state.undecided) >= 0
        assert 0 <= state.slots_owed(self.now) <= state.max_assignments

    @invariant()
    def the_status_follows_from_the_counters(self) -> None:
        state, status = self.state, self.state.status(self.now)
        assert (status is HitStatus.DISPOSED) == state.disposed
        if status is HitStatus.ASSIGNABLE:
            assert state.available > 0
        if status in {HitStatus.REVIEWABLE, HitStatus.REVIEWING, HitStatus.DISPOSED}:
            assert state.pending == 0


TestHitLife = HitLife.TestCase
TestHitLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(waits=st.lists(st.booleans(), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_hit_is_reviewable_after_its_expiry_whatever_its_workers_did(waits: list[bool]) -> None:
    state = HitState(max_assignments=len(waits), available=len(waits), expires_at=LATER)
    for hands_in in waits:
        state = state.accept(NOW)
        state = state.submit() if hands_in else state.give_back()

    assert state.status(LATER) is HitStatus.REVIEWABLE


def test_an_open_hit_runs_until_its_expiry() -> None:
    assert OPEN.next_due(NOW, NOW) == LATER
    assert OPEN.accept(NOW).next_due(NOW, NOW) == LATER
    assert OPEN.accept(NOW).next_due(LATER, LATER) is None


def test_a_hit_with_nothing_to_decide_is_disposed_of_120_days_after_its_last_change() -> None:
    done = OPEN.accept(NOW).accept(NOW).submit().submit().decide().decide()

    assert done.next_due(NOW, NOW) == NOW + DISPOSED_AFTER == NOW + 120 * 86_400_000
    assert done.review(NOW, revert=False).next_due(LATER, LATER) == LATER + DISPOSED_AFTER


def test_a_hit_that_expired_unseen_counts_from_its_expiry() -> None:
    assert OPEN.next_due(LATER + 500, NOW) == LATER + DISPOSED_AFTER


def test_a_hit_with_an_undecided_answer_and_a_deleted_one_wait_for_no_time() -> None:
    assert OPEN.accept(NOW).submit().next_due(LATER, NOW) is None
    assert OPEN.dispose(LATER).next_due(LATER, LATER) is None
