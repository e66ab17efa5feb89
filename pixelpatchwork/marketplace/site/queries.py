"""What the pages show, each as one statement."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.clock import SECOND, Millis
from pixelpatchwork.marketplace.fees import Cents
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site.search import Order, Search
from pixelpatchwork.marketplace.states import AssignmentStatus, HitStatus

_MOST_GROUPS = 500
HISTORY_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Task:
    """A HIT as its pages describe it. Money in cents, durations in seconds."""

    hit_id: str
    hit_type_id: str
    title: str
    description: str
    keywords: str
    requester_name: str
    reward: Cents
    duration_s: int
    status: str
    available: int
    requirements: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """An assignment as its worker sees it."""

    assignment_id: str
    hit_id: str
    title: str
    status: str
    reward: Cents
    accepted_at: Millis
    deadline_at: Millis
    submitted_at: Millis | None
    feedback: str | None

    def seconds_left(self, now: Millis) -> int:
        """Until the deadline; 0 once it is past."""
        return max(0, (self.deadline_at - now) // SECOND)


@dataclass(frozen=True, kw_only=True)
class Bonus:
    """A bonus and what the requester said about it."""

    cents: Cents
    reason: str


@dataclass(frozen=True, kw_only=True)
class Earnings:
    """What a worker has earned and may still earn, in cents."""

    approved: Cents
    bonuses: Cents
    waiting: Cents


# Labelled as the fields of what they become.
_TASK_COLUMNS = (
    schema.hit.c.hit_id,
    schema.hit.c.hit_type_id,
    schema.hit.c.status,
    schema.hit.c.available,
    schema.hit_type.c.title,
    schema.hit_type.c.description,
    func.coalesce(schema.hit_type.c.keywords, "").label("keywords"),
    schema.hit_type.c.reward_cents.label("reward"),
    schema.hit_type.c.duration_s,
    schema.hit_type.c.requirements,
    schema.requester.c.name.label("requester_name"),
)
_TASKS = schema.hit.join(schema.hit_type, schema.hit.c.hit_type_id == schema.hit_type.c.hit_type_id).join(
    schema.requester, schema.hit.c.requester_id == schema.requester.c.requester_id
)


def find_task(moment: Moment, hit_id: str, worker_id: str | None) -> Task | None:
    """A HIT that was not deleted. One of a suspended requester exists only for a worker who has taken it."""
    is_there: ColumnElement[bool] = schema.requester.c.suspended_at.is_(None)
    if worker_id is not None:
        taken = schema.assignment.c
        is_there |= exists().where(taken.hit_id == hit_id, taken.holder == worker_id)
    statement = (
        select(*_TASK_COLUMNS)
        .select_from(_TASKS)
        .where(schema.hit.c.hit_id == hit_id, schema.hit.c.status != HitStatus.DISPOSED.value, is_there)
    )
    row = moment.connection.execute(statement).one_or_none()
    return None if row is None else Task(**row._mapping)


def open_tasks(
    moment: Moment, worker_id: str | None, search: Search, is_shown: Callable[[Task], bool]
) -> Sequence[Task]:
    """For each HIT type: the next HIT that this worker has not done, `available` counting all of them.

    At most 500 that `is_shown`: those that are hidden from the worker take nobody else's place.
    """
    shown: list[Task] = []
    for tasks in _batches(moment, _open_tasks(worker_id, search)):
        shown.extend(task for task in tasks if is_shown(task))
        if len(shown) >= _MOST_GROUPS:
            break
    return shown[:_MOST_GROUPS]


def _batches(moment: Moment, statement: Select[Any]) -> Iterator[Sequence[Task]]:
    """The tasks of a statement, piece by piece: nearly always the first piece is enough."""
    for first in itertools.count(0, _MOST_GROUPS):
        rows = moment.connection.execute(statement.offset(first).limit(_MOST_GROUPS)).all()
        yield [Task(**row._mapping) for row in rows]
        if len(rows) < _MOST_GROUPS:
            return


def _open_tasks(worker_id: str | None, search: Search) -> Select[Any]:
    groups = _open_groups(worker_id).subquery()
    columns = [column for column in _TASK_COLUMNS if column.name != "available"]
    newest = groups.c.number.desc()
    order = (schema.hit_type.c.reward_cents.desc(), newest) if search.order is Order.REWARD else (newest,)
    return (
        select(*columns, groups.c.available)
        .select_from(_TASKS.join(groups, schema.hit.c.number == groups.c.number))
        .where(*_wanted(search))
        .order_by(*order)
    )


def find_question(moment: Moment, hit_id: str) -> str:
    """The question of a HIT that exists."""
    columns = schema.hit_question.c
    found = moment.connection.execute(select(columns.question).where(columns.hit_id == hit_id))
    return str(found.scalar_one())


def find_question_of(moment: Moment, assignment_id: str) -> str | None:
    """The question of an assignment's HIT, or None where there is no such assignment."""
    statement = (
        select(schema.hit_question.c.question)
        .select_from(
            schema.assignment.join(
                schema.hit_question, schema.assignment.c.hit_id == schema.hit_question.c.hit_id
            )
        )
        .where(schema.assignment.c.assignment_id == assignment_id)
    )
    question: str | None = moment.connection.execute(statement).scalar_one_or_none()
    return question


def find_job(moment: Moment, assignment_id: str, worker_id: str) -> Job | None:
    """The worker's own assignment."""
    statement = _jobs(worker_id).where(schema.assignment.c.assignment_id == assignment_id)
    row = moment.connection.execute(statement).one_or_none()
    return None if row is None else Job(**row._mapping)


def find_held_job(moment: Moment, hit_id: str, worker_id: str, since: Millis = 0) -> Job | None:
    """The worker's assignment of a HIT, accepted since then, unless he gave it back."""
    columns = schema.assignment.c
    statement = _jobs(worker_id, since).where(columns.hit_id == hit_id, columns.holder == worker_id)
    row = moment.connection.execute(statement).one_or_none()
    return None if row is None else Job(**row._mapping)


def jobs_in_progress(moment: Moment, worker_id: str, since: Millis) -> Sequence[Job]:
    """What the worker accepted since then and still works on, the nearest deadline first."""
    columns = schema.assignment.c
    statement = (
        _jobs(worker_id, since)
        .where(columns.status == AssignmentStatus.ACCEPTED.value)
        .order_by(columns.deadline_at, columns.number)
    )
    return [Job(**row._mapping) for row in moment.connection.execute(statement)]


def history(moment: Moment, worker_id: str, page: int, since: Millis) -> Sequence[Job]:
    """One page of the assignments that the worker accepted since then, newest first.

    And one more row where there is a next page.
    """
    statement = (
        _jobs(worker_id, since)
        .order_by(schema.assignment.c.number.desc())
        .offset((page - 1) * HISTORY_PAGE)
        .limit(HISTORY_PAGE + 1)
    )
    return [Job(**row._mapping) for row in moment.connection.execute(statement)]


def bonuses_of(moment: Moment, worker_id: str, jobs: Sequence[Job]) -> Mapping[str, Sequence[Bonus]]:
    """The bonuses of these assignments, by assignment."""
    columns = schema.bonus.c
    statement = (
        select(columns.assignment_id, columns.cents, columns.reason)
        .where(columns.worker_id == worker_id, columns.assignment_id.in_([job.assignment_id for job in jobs]))
        .order_by(columns.number)
    )
    found: dict[str, list[Bonus]] = {}
    for row in moment.connection.execute(statement):
        found.setdefault(row.assignment_id, []).append(Bonus(cents=row.cents, reason=row.reason))
    return found


def has_handed_in(moment: Moment, worker_id: str, since: Millis) -> bool:
    """True once the worker has submitted anything since then that was not rejected."""
    columns = schema.assignment.c
    handed_in = select(columns.number).where(
        columns.worker_id == worker_id,
        columns.submitted_at >= since,
        columns.status != AssignmentStatus.REJECTED.value,
    )
    return moment.connection.execute(handed_in.limit(1)).one_or_none() is not None


def earnings(moment: Moment, worker_id: str, since: Millis) -> Earnings:
    """Approved rewards, bonuses, and rewards of answers that nobody has judged yet, of work accepted since then."""
    columns = schema.assignment.c
    statement = (
        select(columns.status, func.sum(columns.reward_cents))
        .where(columns.worker_id == worker_id, columns.accepted_at >= since)
        .group_by(columns.status)
    )
    by_status = {status: int(cents) for status, cents in moment.connection.execute(statement)}
    paid = schema.bonus.join(schema.assignment, schema.bonus.c.assignment_id == columns.assignment_id)
    bonuses = (
        select(func.coalesce(func.sum(schema.bonus.c.cents), 0))
        .select_from(paid)
        .where(schema.bonus.c.worker_id == worker_id, columns.accepted_at >= since)
    )
    return Earnings(
        approved=by_status.get(AssignmentStatus.APPROVED, 0),
        bonuses=int(moment.connection.execute(bonuses).scalar_one()),
        waiting=by_status.get(AssignmentStatus.SUBMITTED, 0),
    )


def _wanted(search: Search) -> Sequence[ColumnElement[bool]]:
    types = schema.hit_type.c
    texts = (types.title, types.description, types.keywords, schema.requester.c.name)
    conditions: list[ColumnElement[bool]] = [schema.requester.c.suspended_at.is_(None)]
    conditions += [or_(*(text.icontains(word, autoescape=True) for text in texts)) for word in search.words]
    if search.least:
        conditions.append(types.reward_cents >= search.least)
    if search.minutes:
        conditions.append(types.duration_s <= search.minutes * 60)
    return conditions


def _open_groups(worker_id: str | None) -> Select[Any]:
    hits = schema.hit.c
    statement = (
        select(
            hits.hit_type_id,
            func.min(hits.number).label("number"),
            func.count().label("available"),
        )
        .where(hits.status == HitStatus.ASSIGNABLE.value)
        .group_by(hits.hit_type_id)
    )
    if worker_id is None:
        return statement
    taken = schema.assignment.c
    return statement.where(~exists().where(taken.hit_id == hits.hit_id, taken.holder == worker_id))


def _jobs(worker_id: str, since: Millis = 0) -> Select[Any]:
    columns = schema.assignment.c
    return (
        select(
            columns.assignment_id,
            columns.hit_id,
            columns.status,
            columns.reward_cents.label("reward"),
            columns.accepted_at,
            columns.deadline_at,
            columns.submitted_at,
            columns.feedback,
            schema.hit_type.c.title,
        )
        .select_from(
            schema.assignment.join(schema.hit_type, columns.hit_type_id == schema.hit_type.c.hit_type_id)
        )
        .where(columns.worker_id == worker_id, columns.accepted_at >= since)
    )
