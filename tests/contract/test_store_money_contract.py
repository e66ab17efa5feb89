"""What every store promises of money: what is counted, and that no budget is exceeded, on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.domain.budget import NO_BUDGET, NO_FUNDS, Budget, Funds, funds_of
from pixelpatchwork.domain.errors import AlreadyRecorded, BudgetExceeded
from pixelpatchwork.domain.model import (
    AssignmentId,
    Bonus,
    Edit,
    EditKey,
    EditState,
    Hit,
    Round,
    RoundId,
    Settlement,
    Token,
    Verdict,
)
from pixelpatchwork.domain.money import NO_MONEY, Usd
from pixelpatchwork.domain.ports import Judgement
from tests.support.records import (
    GENERATION,
    NOW,
    assignment,
    begin,
    edit,
    hit,
    round_,
    unusable,
    usable,
    user,
)
from tests.support.stores import DATABASES, fresh_store

LEASE = timedelta(minutes=10)
UNIT = Usd("0.18")
"""A reward of 0.15 USD and its fee."""
EDIT_USD = Usd("0.25")
THREADS = 8


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        begin(fresh)
        fresh.ensure_users([user(number) for number in range(1, 10)])
        yield fresh


def painting(round_id: RoundId = GENERATION, *, attempt: int = 1) -> Round:
    """A generation round whose edits may cost 0.25 USD each."""
    return replace(round_(round_id), edit_usd=EDIT_USD, attempt=attempt)


def small(hits: Hit, slots: int) -> Hit:
    return replace(hits, max_assignments=slots)


def add_painting(store: SqlStore, slots: int, *, budget: Budget = NO_BUDGET) -> None:
    store.add_round(painting(), [small(hit(GENERATION, 0), slots)], budget=budget)


def answer(store: SqlStore, *names: str) -> None:
    store.add_assignments([assignment(name, index + 1) for index, name in enumerate(names)])


def funds(store: SqlStore) -> tuple[Usd, Usd]:
    total = sum(map(funds_of, store.books()), start=NO_FUNDS)
    return total.spent, total.reserved


def asked(store: SqlStore, *names: str) -> None:
    """Answers that are judged usable, each with its edit planned, named e-NAME."""
    answer(store, *names)
    store.record_judgements([usable(name, edit=edit(f"e-{name}", of=name)) for name in names], at=NOW)


def claim(store: SqlStore) -> Edit:
    claimed = store.claim_edit(owner="me", now=NOW, lease=LEASE)
    assert claimed is not None
    return claimed


def submit(
    store: SqlStore, key: str, worst_case: Usd = EDIT_USD, *, owner: str = "me", budget: Budget = NO_BUDGET
) -> None:
    store.submit_edit(EditKey(key), worst_case_usd=worst_case, owner=owner, at=NOW, budget=budget)


def mark(store: SqlStore, key: str, state: EditState, cost: str | None = None) -> None:
    store.mark_edit(EditKey(key), state, owner="me", at=NOW, cost_usd=None if cost is None else Usd(cost))


def bonus(name: str, amount: str, *, rule: str = "winner", by: int = 1, token: str | None = None) -> Bonus:
    return Bonus(
        token=Token(token or f"bonus-{name}-{rule}"),
        day_number=1,
        rule=rule,
        assignment_id=AssignmentId(name),
        user_id=user(by).user_id,
        amount_usd=Usd(amount),
        reason="Thank you (Day 1)",
        planned_at=NOW,
    )


# ---- what is counted ------------------------------------------------------------------------------------


def test_a_study_without_rounds_has_cost_nothing(store: SqlStore) -> None:
    assert store.books() == ()


def test_a_planned_round_reserves_every_answer_with_its_fee_and_its_edit(store: SqlStore) -> None:
    add_painting(store, 4)
    assert funds(store) == (NO_MONEY, 4 * (UNIT + EDIT_USD))


def test_hits_of_ten_answers_reserve_the_second_fee(store: SqlStore) -> None:
    store.add_round(round_(GENERATION), [small(hit(GENERATION, 0), 10), small(hit(GENERATION, 1), 9)])
    assert funds(store) == (NO_MONEY, 10 * Usd("0.21") + 9 * UNIT)


def test_an_answer_takes_its_place_over_from_its_slot(store: SqlStore) -> None:
    add_painting(store, 4)
    answer(store, "a1")
    assert funds(store) == (NO_MONEY, 4 * (UNIT + EDIT_USD))


def test_a_closed_hit_gives_its_free_slots_back(store: SqlStore) -> None:
    add_painting(store, 4)
    answer(store, "a1")
    store.mark_hits_closed([hit(GENERATION, 0).token], at=NOW)
    assert funds(store) == (NO_MONEY, UNIT + EDIT_USD)


def test_an_unusable_answer_is_paid_and_has_no_edit(store: SqlStore) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    store.record_judgements([unusable("a1", "empty")], at=NOW)
    assert funds(store) == (NO_MONEY, UNIT)
    store.mark_settled([AssignmentId("a1")], settlement=Settlement.APPROVED, at=NOW)
    assert funds(store) == (UNIT, NO_MONEY)


def test_a_held_answer_keeps_its_pay_and_its_edit(store: SqlStore) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    held = Judgement(assignment_id=AssignmentId("a1"), verdict=Verdict.HELD, decision=None)
    store.record_judgements([held], at=NOW)
    assert funds(store) == (NO_MONEY, UNIT + EDIT_USD)


@pytest.mark.parametrize("settlement", [Settlement.REJECTED, Settlement.LOST])
def test_rejected_and_lost_answers_cost_nothing(store: SqlStore, settlement: Settlement) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    store.record_judgements([unusable("a1", "empty")], at=NOW)
    store.mark_settled([AssignmentId("a1")], settlement=settlement, at=NOW)
    assert funds(store) == (NO_MONEY, NO_MONEY)


def test_an_edit_is_reserved_until_its_cost_is_known(store: SqlStore) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    store.mark_settled([AssignmentId("a1")], settlement=Settlement.APPROVED, at=NOW)
    claim(store)
    assert funds(store) == (UNIT, EDIT_USD)
    submit(store, "e-a1")
    assert funds(store) == (UNIT, EDIT_USD)
    mark(store, "e-a1", EditState.RAW_STORED, "0.0612345")
    assert funds(store) == (UNIT + Usd("0.0612345"), EDIT_USD - Usd("0.0612345"))
    mark(store, "e-a1", EditState.FAILED)
    assert funds(store) == (UNIT + Usd("0.0612345"), NO_MONEY)


def test_an_edit_of_unknown_outcome_is_spent_at_its_worst_and_leaves_nothing_for_its_second_try(
    store: SqlStore,
) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    first = claim(store)
    submit(store, "e-a1")
    again = replace(first, edit_key=EditKey("e-again"), attempt=2)
    store.give_up_edit(first.edit_key, again, state=EditState.UNKNOWN, owner="me", at=NOW, message="lost")
    assert funds(store) == (EDIT_USD, UNIT)


def test_an_edit_that_goes_back_has_its_reservation_still(store: SqlStore) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    claim(store)
    submit(store, "e-a1", Usd("0.10"))
    assert funds(store) == (NO_MONEY, UNIT + EDIT_USD)
    mark(store, "e-a1", EditState.PLANNED, "0")
    assert funds(store) == (NO_MONEY, UNIT + EDIT_USD)


def test_many_costs_of_eight_places_add_up_exactly(store: SqlStore) -> None:
    store.add_round(painting(), [small(hit(GENERATION, 0), 9)])
    asked(store, *(f"a{number}" for number in range(9)))
    for number in range(9):
        claim(store)
        submit(store, f"e-a{number}")
        mark(store, f"e-a{number}", EditState.FAILED, "0.06120001")
    assert funds(store)[0] == 9 * Usd("0.06120001")


def test_a_cancelled_round_reserves_the_pay_that_may_still_be_due_and_no_edits(store: SqlStore) -> None:
    add_painting(store, 3)
    asked(store, "a1")
    store.mark_round_cancelled(GENERATION, at=NOW)
    assert funds(store) == (NO_MONEY, 3 * UNIT)


def test_a_bonus_counts_with_its_fee_of_at_least_a_cent(store: SqlStore) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    reserved = UNIT + EDIT_USD
    store.plan_bonuses([bonus("a1", "0.50"), bonus("a1", "0.01", rule="voter")], at=NOW)
    assert funds(store) == (NO_MONEY, reserved + Usd("0.60") + Usd("0.02"))
    store.mark_bonus_paid(Token("bonus-a1-winner"), paid_at=NOW, at=NOW)
    assert funds(store) == (Usd("0.60"), reserved + Usd("0.02"))


def test_money_is_counted_by_round(store: SqlStore) -> None:
    add_painting(store, 1)
    store.add_round(round_(RoundId("1-voting")), [small(hit(RoundId("1-voting"), 0), 2)])
    by_round = {one.round_id: funds_of(one) for one in store.books()}
    assert by_round == {
        GENERATION: Funds(reserved=UNIT + EDIT_USD),
        RoundId("1-voting"): Funds(reserved=2 * UNIT),
    }


# ---- the gates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["round_usd", "day_usd", "study_usd"])
def test_a_round_that_fits_to_the_cent_is_planned_and_a_dearer_one_is_not(
    store: SqlStore, limit: str
) -> None:
    cost = 4 * (UNIT + EDIT_USD)
    little: dict[str, Decimal] = {limit: cost - Usd("0.01")}
    with pytest.raises(BudgetExceeded) as caught:
        add_painting(store, 4, budget=Budget(**little))
    assert store.rounds() == ()
    assert not [event for event in store.events() if event.kind == "round_planned"]
    assert f"need up to ${cost:.2f}" in str(caught.value)
    assert f"`budget.{limit}`" in str(caught.value)
    enough: dict[str, Decimal] = {limit: cost}
    add_painting(store, 4, budget=Budget(**enough))
    assert len(store.rounds()) == 1


def test_a_round_that_is_recorded_already_is_not_counted_twice(store: SqlStore) -> None:
    budget = Budget(study_usd=4 * (UNIT + EDIT_USD))
    add_painting(store, 4, budget=budget)
    with pytest.raises(AlreadyRecorded):
        add_painting(store, 4, budget=budget)


def test_rounds_of_a_day_share_its_budget_and_not_that_of_a_round(store: SqlStore) -> None:
    add_painting(store, 2)
    voting = RoundId("1-voting")
    with pytest.raises(BudgetExceeded, match=r"budget of a Day has \$0\.10 left: of \$0\.96"):
        store.add_round(
            round_(voting), [small(hit(voting, 0), 1)], budget=Budget(day_usd=Usd("0.96"), round_usd=UNIT)
        )
    store.add_round(round_(voting), [small(hit(voting, 0), 1)], budget=Budget(round_usd=UNIT))


def test_an_edit_within_its_reservation_goes_out_though_the_budget_is_used_up(store: SqlStore) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    claim(store)
    submit(store, "e-a1", budget=Budget(study_usd=Usd(0)))
    (sent,) = store.edits(GENERATION)
    assert (sent.state, sent.cost_usd) == (EditState.SUBMITTED, EDIT_USD)


def test_a_dearer_edit_than_was_reserved_needs_room_and_stays_planned_without(store: SqlStore) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    claim(store)
    tight = Budget(round_usd=UNIT + EDIT_USD)
    with pytest.raises(BudgetExceeded, match=r"This edit would need up to \$0\.05, .* has \$0\.00 left"):
        submit(store, "e-a1", Usd("0.30"), budget=tight)
    (waiting,) = store.edits(GENERATION)
    assert (waiting.state, waiting.cost_usd) == (EditState.PLANNED, None)
    submit(store, "e-a1", Usd("0.30"), budget=Budget(round_usd=UNIT + Usd("0.30")))


def test_a_second_try_needs_room_of_its_own(store: SqlStore) -> None:
    add_painting(store, 1)
    asked(store, "a1")
    first = claim(store)
    submit(store, "e-a1")
    again = replace(first, edit_key=EditKey("e-again"), attempt=2)
    store.give_up_edit(first.edit_key, again, state=EditState.UNKNOWN, owner="me", at=NOW, message="lost")
    claim(store)
    with pytest.raises(BudgetExceeded, match=r"need up to \$0\.25"):
        submit(store, "e-again", budget=Budget(day_usd=UNIT + EDIT_USD))
    submit(store, "e-again", budget=Budget(day_usd=UNIT + 2 * EDIT_USD))


def test_bonuses_beyond_a_budget_are_not_planned(store: SqlStore) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    reserved = UNIT + EDIT_USD
    with pytest.raises(BudgetExceeded, match=r"The bonuses would need up to \$0\.60"):
        store.plan_bonuses([bonus("a1", "0.50")], at=NOW, budget=Budget(day_usd=reserved + Usd("0.59")))
    assert store.bonuses() == ()
    store.plan_bonuses([bonus("a1", "0.50")], at=NOW, budget=Budget(day_usd=reserved + Usd("0.60")))


# ---- bonuses --------------------------------------------------------------------------------------------


def test_a_bonus_comes_back_as_it_was_planned(store: SqlStore) -> None:
    add_painting(store, 2)
    answer(store, "a1", "a2")
    planned = [bonus("a1", "0.50"), bonus("a2", "0.05", rule="voter", by=2)]
    store.plan_bonuses(planned, at=NOW)
    assert sorted(store.bonuses(), key=lambda one: one.assignment_id) == planned
    assert store.bonuses(day_number=2) == ()


def test_a_rule_of_a_day_is_planned_once(store: SqlStore) -> None:
    add_painting(store, 2)
    answer(store, "a1", "a2")
    store.plan_bonuses([bonus("a1", "0.50")], at=NOW)
    store.plan_bonuses([bonus("a1", "0.75"), bonus("a2", "0.50"), bonus("a2", "0.10", rule="voter")], at=NOW)
    planned = {(one.assignment_id, one.rule, one.amount_usd) for one in store.bonuses()}
    assert planned == {("a1", "winner", Usd("0.50")), ("a2", "voter", Usd("0.10"))}


def test_the_first_note_of_a_payment_stands(store: SqlStore) -> None:
    add_painting(store, 1)
    answer(store, "a1")
    store.plan_bonuses([bonus("a1", "0.50")], at=NOW)
    token = Token("bonus-a1-winner")
    assert store.mark_bonus_paid(token, paid_at=NOW, at=NOW)
    assert not store.mark_bonus_paid(token, paid_at=NOW + LEASE, at=NOW)
    assert [one.paid_at for one in store.bonuses()] == [NOW]


# ---- several at once ------------------------------------------------------------------------------------


def at_once(work: Callable[[int], None]) -> int:
    """How many of the threads, which set out together, found room."""
    barrier = Barrier(THREADS)

    def start(number: int) -> bool:
        barrier.wait()
        try:
            work(number)
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(start, range(THREADS)))


def elsewhere(store: SqlStore) -> SqlStore:
    """The same database over connections of its own, as another process has it."""
    return open_store(store.database.engine.url.render_as_string(hide_password=False))


def test_of_many_rounds_planned_at_once_only_those_are_that_fit(store: SqlStore) -> None:
    budget = Budget(day_usd=3 * UNIT + Usd("0.10"))

    def plan(number: int) -> None:
        name = RoundId(f"{number}-generation")
        other = elsewhere(store)
        try:
            other.add_round(
                replace(round_(name), attempt=number + 1), [small(hit(name, 0), 1)], budget=budget
            )
        finally:
            other.close()

    assert at_once(plan) == 3
    assert funds(store) == (NO_MONEY, 3 * UNIT)


def test_of_many_dear_edits_sent_at_once_only_those_are_that_fit(store: SqlStore) -> None:
    add_painting(store, THREADS)
    asked(store, *(f"a{number}" for number in range(THREADS)))
    for number in range(THREADS):
        claimed = store.claim_edit(owner=f"t{number}", now=NOW, lease=LEASE)
        assert claimed is not None
        assert claimed.edit_key == f"e-a{number}"
    base = THREADS * (UNIT + EDIT_USD)
    budget = Budget(study_usd=base + Usd("0.29"))  # 0.10 beyond each reservation: room for two
    sent = at_once(
        lambda number: submit(store, f"e-a{number}", Usd("0.35"), owner=f"t{number}", budget=budget)
    )
    assert sent == 2
    assert funds(store) == (NO_MONEY, base + Usd("0.20"))


def test_of_many_bonuses_planned_at_once_only_those_are_that_fit(store: SqlStore) -> None:
    add_painting(store, THREADS)
    answer(store, *(f"a{number}" for number in range(THREADS)))
    budget = Budget(study_usd=THREADS * (UNIT + EDIT_USD) + Usd("1.50"))
    planned = at_once(
        lambda number: store.plan_bonuses(
            [bonus(f"a{number}", "0.50", rule=f"rule {number}")], at=NOW, budget=budget
        )
    )
    assert planned == len(store.bonuses()) == 2


def test_a_rule_planned_by_many_at_once_has_one_outcome(store: SqlStore) -> None:
    add_painting(store, THREADS)
    answer(store, *(f"a{number}" for number in range(THREADS)))
    at_once(lambda number: store.plan_bonuses([bonus(f"a{number}", "0.50")], at=NOW))
    assert len(store.bonuses()) == 1
