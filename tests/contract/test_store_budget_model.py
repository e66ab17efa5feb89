"""Money against a model in plain Python: in whatever order things happen, no budget is exceeded.

Two properties carry that: what is spent is what the world has charged, and the sum of spent and reserved rises by
nothing but the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.domain.budget import NO_BUDGET, NO_FUNDS, Budget, Funds, RoundBooks, funds_of, needed_for
from pixelpatchwork.domain.errors import BudgetExceeded
from pixelpatchwork.domain.model import (
    OPEN_EDITS,
    Assignment,
    AssignmentId,
    AssignmentState,
    Bonus,
    Decision,
    Edit,
    EditKey,
    EditState,
    Hit,
    HitState,
    Round,
    RoundId,
    RoundKind,
    Settlement,
    Token,
    Verdict,
)
from pixelpatchwork.domain.money import NO_MONEY, Usd, assignment_fee, bonus_fee
from pixelpatchwork.domain.ports import ClosedDay, Judgement
from tests.support.records import DAY, NOW, SEED, begin, edit, hit, image, round_, user

_T = TypeVar("_T")

LEASE = timedelta(days=1)
FIRST = replace(round_(RoundId("0-generation")), attempt=0, edit_usd=Usd("0.25"))
FIRST_HITS = [replace(hit(FIRST.round_id, index), max_assignments=size) for index, size in enumerate([3, 2])]
limits = st.none() | st.integers(0, 150).map(lambda cents: needed_for(FIRST, FIRST_HITS) + Usd(cents) / 100)
prices = st.sampled_from([Usd(0), Usd("0.1"), Usd("0.25"), Usd("0.40001")])
data = st.data()


class BudgetMachine(RuleBasedStateMachine):
    """A study of two Days, on which everything happens that costs money, or may."""

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store("sqlite://")
        begin(self.store)
        tomorrow = replace(DAY, number=2, date=DAY.date + timedelta(days=1))
        closed = ClosedDay(
            number=1, winner_image_id=SEED, total_votes=0, total_participants=0, next_day=tomorrow
        )
        self.store.advance(closed, at=NOW)
        self.store.ensure_users([user(1)])
        self.charged = NO_MONEY
        self.number = 0
        self.before = NO_MONEY

    @initialize(round_usd=limits, day_usd=limits, study_usd=limits)
    def set_budget(self, round_usd: Usd | None, day_usd: Usd | None, study_usd: Usd | None) -> None:
        self.budget = Budget(round_usd=round_usd, day_usd=day_usd, study_usd=study_usd)
        self.at_the_gate(lambda: self.store.add_round(FIRST, FIRST_HITS, budget=self.budget))

    # The gates

    @rule(
        day=st.integers(1, 2),
        kind=st.sampled_from(RoundKind),
        sizes=st.lists(st.sampled_from([1, 2, 3, 10]), min_size=1, max_size=2),
        price=prices,
    )
    def plan_round(self, day: int, kind: RoundKind, sizes: list[int], price: Usd) -> None:
        number = self.next_number()
        planned = replace(
            round_(RoundId(f"{number}-{kind}"), day_number=day),
            attempt=number,
            edit_usd=price if kind is RoundKind.GENERATION else NO_MONEY,
        )
        hits = [
            replace(hit(planned.round_id, index), max_assignments=size) for index, size in enumerate(sizes)
        ]
        self.at_the_gate(lambda: self.store.add_round(planned, hits, budget=self.budget))

    @precondition(lambda self: self.answers())
    @rule(data=data, cents=st.integers(1, 50))
    def plan_a_bonus(self, data: st.DataObject, cents: int) -> None:
        answer = self.one_of(data, self.answers())
        number = self.next_number()
        planned = Bonus(
            token=Token(f"bonus-{number}"),
            day_number=1,
            rule=f"rule {number}",
            assignment_id=answer.assignment_id,
            user_id=answer.user_id,
            amount_usd=Usd(cents) / 100,
            reason="Thank you",
            planned_at=NOW,
        )
        self.at_the_gate(lambda: self.store.plan_bonuses([planned], at=NOW, budget=self.budget))

    # The workers

    @precondition(lambda self: self.free_hits())
    @rule(data=data)
    def an_answer_comes(self, data: st.DataObject) -> None:
        chosen = self.one_of(data, self.free_hits())
        answer = Assignment(
            assignment_id=AssignmentId(f"a{self.next_number()}"),
            token=chosen.token,
            user_id=user(1).user_id,
            raw_answer="",
            accepted_at=NOW,
            submitted_at=NOW,
            stored_at=NOW,
            state=AssignmentState.STORED,
        )
        self.store.add_assignments([answer])

    @precondition(lambda self: self.free_hits())
    @rule(data=data)
    def an_answer_asks_for_an_edit(self, data: st.DataObject) -> None:
        """A short way to what takes most steps."""
        self.an_answer_comes(data)
        self.judge(data, Verdict.USABLE)

    @precondition(lambda self: self.open_hits())
    @rule(data=data)
    def a_hit_ends(self, data: st.DataObject) -> None:
        self.store.mark_hits_closed([self.one_of(data, self.open_hits()).token], at=NOW)

    # The requester

    @precondition(lambda self: self.waiting())
    @rule(data=data, verdict=st.sampled_from(Verdict))
    def judge(self, data: st.DataObject, verdict: Verdict) -> None:
        answer = self.one_of(data, self.waiting())
        decision = None if verdict is Verdict.HELD else Decision.APPROVE
        self.store.record_judgements([self.judgement(answer, verdict, decision)], at=NOW)

    @precondition(lambda self: self.held())
    @rule(
        data=data,
        outcome=st.sampled_from(
            [
                (Verdict.USABLE, Decision.APPROVE),
                (Verdict.UNUSABLE, Decision.APPROVE),
                (Verdict.UNUSABLE, Decision.REJECT),
            ]
        ),
    )
    def review(self, data: st.DataObject, outcome: tuple[Verdict, Decision]) -> None:
        answer = self.one_of(data, self.held())
        self.store.record_reviews([self.judgement(answer, *outcome)], at=NOW)

    @precondition(lambda self: self.decided())
    @rule(data=data, is_lost=st.booleans())
    def settle(self, data: st.DataObject, is_lost: bool) -> None:
        answer = self.one_of(data, self.decided())
        settlement = Settlement.APPROVED if answer.decision is Decision.APPROVE else Settlement.REJECTED
        settlement = Settlement.LOST if is_lost else settlement
        self.store.mark_settled([answer.assignment_id], settlement=settlement, at=NOW)
        if settlement is Settlement.APPROVED:
            this = next(one for one in self.hits() if one.token == answer.token)
            reward = round_(RoundId("any-generation")).reward_usd
            self.charged += reward + assignment_fee(reward, max_assignments=this.max_assignments)

    @precondition(lambda self: len(self.rounds()) > 1)
    @rule(data=data)
    def cancel_a_round(self, data: st.DataObject) -> None:
        self.store.mark_round_cancelled(self.one_of(data, self.rounds()[1:]).round_id, at=NOW)

    @precondition(lambda self: any(one.paid_at is None for one in self.store.bonuses()))
    @rule(data=data)
    def pay_a_bonus(self, data: st.DataObject) -> None:
        due = self.one_of(data, [one for one in self.store.bonuses() if one.paid_at is None])
        self.store.mark_bonus_paid(due.token, paid_at=NOW, at=NOW)
        self.charged += due.amount_usd + bonus_fee(due.amount_usd)

    # The editor

    @precondition(lambda self: self.edits(*OPEN_EDITS))
    @rule(data=data)
    def an_edit_moves(self, data: st.DataObject) -> None:
        self.claim_all()
        edit = self.one_of(data, self.edits(*OPEN_EDITS))
        self.one_of(data, self.moves[edit.state])(self, data, edit)

    @precondition(lambda self: self.edits(*OPEN_EDITS))
    @rule(data=data)
    def an_edit_moves_on_and_on(self, data: st.DataObject) -> None:
        for _ in range(3):
            if self.edits(*OPEN_EDITS):
                self.an_edit_moves(data)
                self.nothing_but_the_gates_raises_the_sum()

    def send(self, data: st.DataObject, edit: Edit) -> None:
        price = data.draw(prices)
        self.at_the_gate(
            lambda: self.store.submit_edit(
                edit.edit_key, worst_case_usd=price, owner="me", at=NOW, budget=self.budget
            )
        )

    def change_the_editor(self, _data: st.DataObject, edit: Edit) -> None:
        self.give_up(edit, EditState.FAILED, again=True)

    def bring_a_picture(self, data: st.DataObject, edit: Edit) -> None:
        cost = (edit.cost_usd or NO_MONEY) * data.draw(st.sampled_from([Usd(0), Usd("0.5"), Usd(1)]))
        self.mark(edit, EditState.RAW_STORED, cost)
        self.charged += cost

    def decline(self, data: st.DataObject, edit: Edit) -> None:
        self.mark(edit, data.draw(st.sampled_from([EditState.PLANNED, EditState.FAILED])), NO_MONEY)

    def lose(self, _data: st.DataObject, edit: Edit) -> None:
        if edit.state is EditState.SUBMITTED:
            self.charged += edit.cost_usd or NO_MONEY
        self.give_up(edit, EditState.UNKNOWN, again=edit.attempt < 2)

    def finish(self, _data: st.DataObject, edit: Edit) -> None:
        painted = image(f"i{self.next_number()}", creator=1)
        self.store.finish_edit(edit.edit_key, painted, owner="me", drift=0.0, at=NOW)

    def fail(self, _data: st.DataObject, edit: Edit) -> None:
        self.mark(edit, EditState.FAILED, None)

    moves: ClassVar[Mapping[EditState, Sequence[Callable[..., None]]]] = {
        EditState.PLANNED: (send, send, send, change_the_editor),
        EditState.SUBMITTED: (bring_a_picture, decline, lose),
        EditState.RAW_STORED: (finish, fail, lose),
    }

    # What must hold

    @invariant()
    def what_is_spent_is_what_was_charged(self) -> None:
        assert self.funds(self.store.books()).spent == self.charged

    @invariant()
    def nothing_but_the_gates_raises_the_sum(self) -> None:
        total = self.funds(self.store.books()).total
        assert total <= self.before
        self.before = total

    @invariant()
    def no_budget_is_exceeded(self) -> None:
        budget: Budget = getattr(self, "budget", NO_BUDGET)
        books = self.store.books()
        scopes = [(budget.round_usd, [one]) for one in books]
        scopes += [(budget.day_usd, [one for one in books if one.day_number == day]) for day in (1, 2)]
        scopes += [(budget.study_usd, list(books))]
        for limit, covered in scopes:
            assert limit is None or self.funds(covered).total <= limit

    def teardown(self) -> None:
        self.store.close()

    # Means

    def at_the_gate(self, deed: Callable[[], None]) -> None:
        """Does what a gate may refuse; where it does, nothing has changed."""
        records = self.store.rounds(), self.store.bonuses(), self.edits(*EditState), self.store.events()
        try:
            deed()
        except BudgetExceeded:
            now = self.store.rounds(), self.store.bonuses(), self.edits(*EditState), self.store.events()
            assert now == records
        else:
            self.before = self.funds(self.store.books()).total

    def funds(self, books: Sequence[RoundBooks]) -> Funds:
        return sum(map(funds_of, books), start=NO_FUNDS)

    def one_of(self, data: st.DataObject, things: Sequence[_T]) -> _T:
        return data.draw(st.sampled_from(things))

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def judgement(self, answer: Assignment, verdict: Verdict, decision: Decision | None) -> Judgement:
        paints = verdict is Verdict.USABLE and "generation" in answer.token
        planned = edit(f"e{self.next_number()}", of=answer.assignment_id) if paints else None
        return Judgement(assignment_id=answer.assignment_id, verdict=verdict, decision=decision, edit=planned)

    def claim_all(self) -> None:
        while self.store.claim_edit(owner="me", now=NOW, lease=LEASE):
            pass

    def mark(self, edit: Edit, state: EditState, cost: Usd | None) -> None:
        self.store.mark_edit(edit.edit_key, state, owner="me", at=NOW, cost_usd=cost)

    def give_up(self, edit: Edit, state: EditState, *, again: bool) -> None:
        key = EditKey(f"e{self.next_number()}")
        planned = replace(
            edit, edit_key=key, attempt=edit.attempt + 1, state=EditState.PLANNED, cost_usd=None
        )
        self.store.give_up_edit(
            edit.edit_key, planned if again else None, state=state, owner="me", at=NOW, message=""
        )

    def rounds(self) -> list[Round]:
        return [one for one in self.store.rounds() if not one.is_cancelled]

    def hits(self) -> list[Hit]:
        return [found for one in self.store.rounds() for found in self.store.hits(one.round_id)]

    def open_hits(self) -> list[Hit]:
        return [found for found in self.hits() if found.state is not HitState.CLOSED]

    def free_hits(self) -> list[Hit]:
        taken = [answer.token for answer in self.answers()]
        return [one for one in self.open_hits() if taken.count(one.token) < one.max_assignments]

    def answers(self) -> list[Assignment]:
        return [found for one in self.store.rounds() for found in self.store.assignments(one.round_id)]

    def waiting(self) -> list[Assignment]:
        return [one for one in self.answers() if one.state is AssignmentState.STORED]

    def held(self) -> list[Assignment]:
        return [one for one in self.answers() if one.verdict is Verdict.HELD]

    def decided(self) -> list[Assignment]:
        return [one for one in self.answers() if one.state is AssignmentState.JUDGED and one.decision]

    def edits(self, *states: EditState) -> list[Edit]:
        found = [edit for one in self.store.rounds() for edit in self.store.edits(one.round_id)]
        return [one for one in found if one.state in states]


BudgetMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestBudgets = BudgetMachine.TestCase
