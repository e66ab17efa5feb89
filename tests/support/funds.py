"""Rounds, answers, edits and bonuses at set prices, for tests of what a store counts and of its budgets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.budget import NO_BUDGET, NO_FUNDS, Budget, funds_of
from pixelpatchwork.domain.model import (
    AssignmentId,
    Bonus,
    Edit,
    EditKey,
    Hit,
    Round,
    RoundId,
    Token,
)
from pixelpatchwork.domain.money import Usd
from tests.support.records import GENERATION, NOW, assignment, begin, edit, hit, round_, usable, user
from tests.support.stores import fresh_store

LEASE = timedelta(minutes=10)
UNIT = Usd("0.18")
"""A reward of 0.15 USD and its fee."""
EDIT_USD = Usd("0.25")


@contextmanager
def peopled_store(kind: str, directory: Path) -> Iterator[SqlStore]:
    """A store ("sqlite" or "mysql") of a study that has begun and has nine users."""
    with fresh_store(kind, directory) as fresh:
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
