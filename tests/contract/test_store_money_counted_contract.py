"""What every store counts of money, and the bonuses it keeps, on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.budget import Funds, funds_of
from pixelpatchwork.domain.model import AssignmentId, EditKey, EditState, RoundId, Settlement, Token, Verdict
from pixelpatchwork.domain.money import NO_MONEY, Usd
from pixelpatchwork.domain.ports import Judgement
from tests.support.funds import (
    EDIT_USD,
    LEASE,
    UNIT,
    add_painting,
    answer,
    asked,
    bonus,
    claim,
    funds,
    painting,
    peopled_store,
    small,
    submit,
)
from tests.support.records import GENERATION, NOW, hit, round_, unusable
from tests.support.stores import DATABASES


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with peopled_store(request.param, tmp_path) as peopled:
        yield peopled


def mark(store: SqlStore, key: str, state: EditState, cost: str | None = None) -> None:
    store.mark_edit(EditKey(key), state, owner="me", at=NOW, cost_usd=None if cost is None else Usd(cost))


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
