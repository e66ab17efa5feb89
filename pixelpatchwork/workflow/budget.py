"""How the budgets stand, and how they would stand with a round that is planned. Reads only.

The gates themselves are the store's: they look again, in the transaction that commits to the spending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixelpatchwork.domain.budget import Room, RoundBooks, Scope, books_of, needed_for, require_room, room
from pixelpatchwork.domain.errors import BudgetExceeded
from pixelpatchwork.domain.plan import RoundPlan
from pixelpatchwork.workflow.services import Services


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How the budgets would stand with a planned round in them; `refusal` says which has no room for it, if any."""

    rooms: Mapping[Scope, Room]
    refusal: str | None


def outlook(plan: RoundPlan, services: Services) -> Outlook:
    """The budgets of a plan's round, of its Day and of the study, with the plan in them; counted once if recorded."""
    books = services.store.books()
    is_new = all(one.round_id != plan.round.round_id for one in books)
    if is_new:
        books = (*books, books_of(plan.round, plan.hits))
    this = plan.round
    by_scope: dict[Scope, Sequence[RoundBooks]] = {
        Scope.ROUND: [one for one in books if one.round_id == this.round_id],
        Scope.DAY: [one for one in books if one.day_number == this.day_number],
        Scope.STUDY: books,
    }
    budget = services.rules.budget
    return Outlook(
        rooms={scope: room(budget.limit(scope), found) for scope, found in by_scope.items()},
        refusal=_refusal(plan, services, books) if is_new else None,
    )


def _refusal(plan: RoundPlan, services: Services, books: Sequence[RoundBooks]) -> str | None:
    added = {plan.round.round_id: needed_for(plan.round, plan.hits)}
    try:
        require_room(services.rules.budget, books, added, what=f"The {plan.round.kind} round")
    except BudgetExceeded as error:
        return str(error)
    return None
