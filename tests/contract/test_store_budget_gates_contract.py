"""No budget is exceeded in any store, by one planner or by many at once, on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.domain.budget import Budget
from pixelpatchwork.domain.errors import AlreadyRecorded, BudgetExceeded
from pixelpatchwork.domain.model import EditKey, EditState, RoundId
from pixelpatchwork.domain.money import NO_MONEY, Usd
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
    peopled_store,
    small,
    submit,
)
from tests.support.records import GENERATION, NOW, hit, round_
from tests.support.stores import DATABASES

THREADS = 8


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with peopled_store(request.param, tmp_path) as peopled:
        yield peopled


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
