"""The gates that keep a study within its budgets, whatever number of processes spend at once.

Each locks the Study's row, does its deed, adds up, and undoes everything where a budget is exceeded: so each of several
that want the last of a budget sees what those before it have taken. Without a budget nothing is locked or added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.adapters.database._edits import mark_edit
from pixelpatchwork.adapters.database._rounds import add_round
from pixelpatchwork.adapters.database._sums import books, edit_books
from pixelpatchwork.domain.budget import Budget, Scope, needed_for, require_room
from pixelpatchwork.domain.model import EditKey, EditState, Hit, Round, RoundId
from pixelpatchwork.domain.money import Usd


def plan_round(connection: Connection, round_: Round, hits: Sequence[Hit], *, budget: Budget) -> None:
    """A planned round and its HITs, where there is room for all that they can cost. Raises BudgetExceeded."""
    if budget.widest is not None:
        lock_study(connection)
    add_round(connection, round_, hits)
    require(connection, budget, {round_.round_id: needed_for(round_, hits)}, what=f"The {round_.kind} round")


def submit_edit(
    connection: Connection,
    edit_key: EditKey,
    *,
    worst_case_usd: Usd,
    budget: Budget,
    owner: str,
    at: datetime,
) -> None:
    """-> SUBMITTED, where there is room for what the request can cost beyond the edit's reservation."""
    more = {} if budget.widest is None else _beyond_reservation(connection, edit_key, worst_case_usd)
    if more:
        lock_study(connection)
    mark_edit(connection, edit_key, EditState.SUBMITTED, owner=owner, at=at, cost_usd=worst_case_usd)
    require(connection, budget, more, what="This edit")


def _beyond_reservation(
    connection: Connection, edit_key: EditKey, worst_case_usd: Usd
) -> Mapping[RoundId, Usd]:
    """By how much a request may exceed what is reserved for its edit. Nobody but the lease's holder changes that."""
    found = edit_books(connection, edit_key)
    if found is None:
        return {}
    round_id, edit_usd, now = found
    sent = replace(now, state=EditState.SUBMITTED, cost_usd=worst_case_usd)
    more = sent.reserved_each(edit_usd) - now.reserved_each(edit_usd)
    return {round_id: more} if more > 0 else {}


def lock_study(connection: Connection) -> None:
    """Nobody else comes past here until this transaction has ended. On SQLite a writer is alone anyway."""
    connection.execute(select(schema.study.c.study_id).with_for_update())


def require(connection: Connection, budget: Budget, added: Mapping[RoundId, Usd], *, what: str) -> None:
    """Raises BudgetExceeded where what has just been added, by round, is too much for a budget."""
    if budget.widest is not None and added:
        require_room(budget, books(connection, *_covered(budget.widest, added)), added, what=what)


def _covered(scope: Scope, rounds: Iterable[RoundId]) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the rounds that budgets up to this scope pay for."""
    table = schema.round_.c
    these = table.round_id.in_(list(rounds))
    match scope:
        case Scope.STUDY:
            return ()
        case Scope.DAY:
            days = schema.round_.alias("these").c
            numbers = select(days.day_number).where(days.round_id.in_(list(rounds)))
            return (table.day_number.in_(numbers),)
        case Scope.ROUND:
            return (these,)
