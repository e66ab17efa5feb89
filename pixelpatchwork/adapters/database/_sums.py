"""What the records of rounds come to in money, counted by the database: the facts behind `domain.budget`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    cast,
    func,
    select,
    true,
    type_coerce,
)

from pixelpatchwork.adapters.database import schema
from pixelpatchwork.domain.budget import AnswerCount, BonusCount, OpenEdits, OpenHits, RoundBooks
from pixelpatchwork.domain.model import EditKey, EditState, HitState, RoundId
from pixelpatchwork.domain.money import NO_MONEY, Usd

_PARTS = 10**8
"""Money has eight places. Summed as whole parts it stays exact on SQLite too, which knows no decimals."""
_UNBILLED = (EditState.PLANNED, EditState.SUBMITTED)

_Rows = Mapping[RoundId, Sequence[Row[Any]]]

_round, _hit, _assignment, _edit = schema.round_, schema.hit, schema.assignment, schema.edit
_hits = _round.join(_hit, _hit.c.round_id == _round.c.round_id)
_answers = _hits.join(_assignment, _assignment.c.token == _hit.c.token)
_edits = _answers.join(_edit, _edit.c.assignment_id == _assignment.c.assignment_id)
_bonuses = _answers.join(schema.bonus, schema.bonus.c.assignment_id == _assignment.c.assignment_id)


def books(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[RoundBooks, ...]:
    """The rounds for which the conditions hold, by Day and id, with all in them that costs money."""

    def found(query: Select[Any]) -> _Rows:
        rows: defaultdict[RoundId, list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(query):
            rows[row.round_id].append(row)
        return rows

    # In this order: what others move on in between is then counted twice for a moment, and never missed.
    hits, answers = found(_count_hits(conditions)), found(_count_answers(conditions))
    open_edits, billed = found(_count_open_edits(conditions)), found(_sum_billed(conditions))
    bonuses = found(_count_bonuses(conditions))
    table = _round.c
    rounds = select(
        *(table[name] for name in ("round_id", "day_number", "reward_usd", "edit_usd", "cancelled_at"))
    )
    return tuple(
        RoundBooks(
            round_id=one.round_id,
            day_number=one.day_number,
            reward_usd=one.reward_usd,
            edit_usd=_edit_usd(one),
            billed_usd=sum((_exact(row.parts) for row in billed[one.round_id]), NO_MONEY),
            open_hits=tuple(_open_hits(hits[one.round_id], answers[one.round_id])),
            answers=tuple(_answer_count(row) for row in answers[one.round_id]),
            open_edits=tuple(_open_edits(row, count=row.number) for row in open_edits[one.round_id]),
            bonuses=tuple(_bonus_count(row) for row in bonuses[one.round_id]),
        )
        for one in connection.execute(rounds.where(*conditions).order_by(table.day_number, table.round_id))
    )


def edit_books(connection: Connection, edit_key: EditKey) -> tuple[RoundId, Usd, OpenEdits] | None:
    """An edit's round, what that reserves for each answer's edit, and this one; None where there is no such edit."""
    row = connection.execute(_each_edit([_edit.c.edit_key == edit_key])).first()
    return None if row is None else (row.round_id, _edit_usd(row), _open_edits(row, count=1))


# ---- the queries ----------------------------------------------------------------------------------------

_Conditions = Sequence[ColumnElement[bool]]


def _count_hits(conditions: _Conditions) -> Select[Any]:
    """HITs that are not closed, by size."""
    alike = (_round.c.round_id, _hit.c.max_assignments)
    query = select(*alike, func.count().label("number")).select_from(_hits)
    return query.where(_hit.c.state != HitState.CLOSED, *conditions).group_by(*alike)


def _count_answers(conditions: _Conditions) -> Select[Any]:
    """Answers that stand alike."""
    alike = (
        _round.c.round_id,
        _hit.c.max_assignments,
        _hit.c.state.label("hit_state"),
        *(_assignment.c[name] for name in ("state", "verdict", "decision", "settlement")),
    )
    query = select(*alike, func.count().label("number")).select_from(_answers)
    return query.where(*conditions).group_by(*alike)


def _sum_billed(conditions: _Conditions) -> Select[Any]:
    """What the edits that are past their request have cost, in parts."""
    query = select(_round.c.round_id, _parts(_edit.c.cost_usd).label("parts")).select_from(_edits)
    return query.where(_edit.c.state.not_in(_UNBILLED), *conditions).group_by(_round.c.round_id)


def _count_open_edits(conditions: _Conditions) -> Select[Any]:
    """Edits that still want work and stand alike."""
    each = _each_edit([_edit.c.is_open == true(), *conditions]).subquery().c
    alike = (each.round_id, each.state, each.cost_usd, each.earlier)
    return select(*alike, func.count().label("number")).group_by(*alike)


def _each_edit(conditions: _Conditions) -> Select[Any]:
    """Edits, each with what the attempts before it have cost, in parts."""
    before = schema.edit.alias("before")
    earlier = (
        select(_parts(before.c.cost_usd))
        .where(before.c.assignment_id == _edit.c.assignment_id, before.c.attempt < _edit.c.attempt)
        .scalar_subquery()
    )
    columns = (
        _round.c.round_id,
        _round.c.edit_usd,
        _round.c.cancelled_at,
        _edit.c.state,
        _edit.c.cost_usd,
        earlier.label("earlier"),
    )
    return select(*columns).select_from(_edits).where(*conditions)


def _count_bonuses(conditions: _Conditions) -> Select[Any]:
    """Bonuses of one amount, the paid and the others, by the round in which the bonus was earned."""
    is_paid = schema.bonus.c.paid_at.is_not(None)
    alike = (_round.c.round_id, schema.bonus.c.amount_usd, is_paid.label("is_paid"))
    query = select(*alike, func.count().label("number")).select_from(_bonuses)
    return query.where(*conditions).group_by(_round.c.round_id, schema.bonus.c.amount_usd, is_paid)


def _parts(column: ColumnElement[Usd]) -> ColumnElement[int]:
    whole = cast(func.round(type_coerce(column, Double) * _PARTS), BigInteger)
    return func.coalesce(func.sum(whole), 0)


# ---- rows to frozen values ------------------------------------------------------------------------------


def _exact(parts: int) -> Usd:
    return Usd(parts) / _PARTS


def _open_hits(hits: Sequence[Row[Any]], answers: Sequence[Row[Any]]) -> Iterator[OpenHits]:
    for row in hits:
        came = sum(
            one.number
            for one in answers
            if one.max_assignments == row.max_assignments and one.hit_state is not HitState.CLOSED
        )
        yield OpenHits(max_assignments=row.max_assignments, hits=row.number, answers=came)


def _edit_usd(row: Row[Any]) -> Usd:
    """What a round keeps back for the edit of each answer: nothing once it is cancelled, for none is begun then."""
    edit_usd: Usd = row.edit_usd
    return edit_usd if row.cancelled_at is None else NO_MONEY


def _answer_count(row: Row[Any]) -> AnswerCount:
    return AnswerCount(
        max_assignments=row.max_assignments,
        state=row.state,
        verdict=row.verdict,
        decision=row.decision,
        settlement=row.settlement,
        count=row.number,
    )


def _open_edits(row: Row[Any], *, count: int) -> OpenEdits:
    return OpenEdits(
        state=row.state, cost_usd=row.cost_usd or NO_MONEY, earlier_usd=_exact(row.earlier), count=count
    )


def _bonus_count(row: Row[Any]) -> BonusCount:
    return BonusCount(amount_usd=row.amount_usd, is_paid=bool(row.is_paid), count=row.number)
