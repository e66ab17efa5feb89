"""What a worker does: sign up, find a HIT, accept, return, submit, look back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import exists, func, insert, select

from pixelpatchwork.marketplace import schema, verdicts
from pixelpatchwork.marketplace.blocks import is_blocked
from pixelpatchwork.marketplace.clock import SECOND
from pixelpatchwork.marketplace.notifications import EventType
from pixelpatchwork.marketplace.records import (
    Assignment,
    Hit,
    Moment,
    change_assignment,
    change_hit,
    find_assignment,
    find_hit,
    tell,
)
from pixelpatchwork.marketplace.requirements import Guard, meets, requirements_of
from pixelpatchwork.marketplace.states import AssignmentStatus, HitStatus
from pixelpatchwork.marketplace.suspensions import (
    SUSPENDED,
    is_requester_suspended,
    is_worker_suspended,
)

MOST_HELD = 25
"""How many assignments one worker may hold at once. Mechanical Turk had such a cap too: ten, says its API reference of
2008-04-01 (SetWorkerAcceptLimit); workers later counted 25."""

_MOST_CANDIDATES = 20


class Refusal(Enum):
    """Why a worker cannot have what he asked for, in words for him."""

    NO_HIT = "This task no longer exists."
    NOT_QUALIFIED = "This task asks for a qualification that you do not have."
    ALREADY_DONE = "You have already done this task. Each worker can do it once."
    NONE_FREE = "Somebody else was quicker: nothing of this task is left."
    NOT_YOURS = "This task was not accepted by you."
    TIME_OVER = "The time for this task is over, so the answer could not be accepted."
    ALREADY_SUBMITTED = "This answer was already handed in. Nothing more is needed."
    RETURNED = "You have returned this task."
    HOLDS_TOO_MANY = (
        "You hold as many accepted tasks as one can hold at once. Hand one in or return one, then accept this one. "
        "They are listed under My work."
    )
    BLOCKED = "This requester does not accept your work, so you cannot take this task."
    SUSPENDED = SUSPENDED


class WorkRefusedError(Exception):
    """A worker's wish that cannot be granted; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An assignment that a worker now holds; `fresh` is False where he held it before."""

    assignment_id: str
    fresh: bool


def accept(moment: Moment, hit_id: str, worker_id: str, *, most_held: int = MOST_HELD) -> Accepted:
    """Gives the worker a slot of the HIT, or the assignment of it that he is working on already.

    The HIT's row is locked first, so of any number of workers exactly one gets the last slot; the worker's own row
    last, so that from any number of windows he holds `most_held` assignments at most. A HIT of a suspended requester
    exists only for who is at work on it. Raises WorkRefusedError.
    """
    hit = find_hit(moment, hit_id, lock=True)
    if hit is None or hit.state.disposed:
        raise WorkRefusedError(Refusal.NO_HIT)
    held = _held(moment, hit_id, worker_id)
    if held is not None:
        assignment_id, status = held
        if status == AssignmentStatus.ACCEPTED:
            return Accepted(assignment_id=assignment_id, fresh=False)
        raise WorkRefusedError(Refusal.ALREADY_DONE)
    if is_requester_suspended(moment, hit.requester_id):
        raise WorkRefusedError(Refusal.NO_HIT)
    if is_blocked(moment, hit.requester_id, worker_id):
        raise WorkRefusedError(Refusal.BLOCKED)
    if not meets(moment, requirements_of(moment, hit.hit_type_id), worker_id, Guard.ACCEPT):
        raise WorkRefusedError(Refusal.NOT_QUALIFIED)
    if hit.state.status(moment.now) is not HitStatus.ASSIGNABLE:
        raise WorkRefusedError(Refusal.NONE_FREE)
    _check_room(moment, worker_id, most_held)
    change_hit(moment, hit, hit.state.accept(moment.now))
    assignment_id = _insert_assignment(moment, hit, worker_id)
    tell(moment, EventType.ASSIGNMENT_ACCEPTED, hit, assignment_id)
    return Accepted(assignment_id=assignment_id, fresh=True)


def accept_next(moment: Moment, hit_type_id: str, worker_id: str, *, most_held: int = MOST_HELD) -> Accepted:
    """Accepts the oldest HIT of a type that the worker may do and has not done. Raises WorkRefusedError."""
    refusal = Refusal.NONE_FREE
    for hit_id in next_hits(moment, hit_type_id, worker_id):
        try:
            return accept(moment, hit_id, worker_id, most_held=most_held)
        except WorkRefusedError as error:
            refusal = error.refusal
        if refusal in {Refusal.HOLDS_TOO_MANY, Refusal.SUSPENDED}:
            # Another HIT would not do either, and his row is locked: to wait for more rows now could be a deadlock.
            break
    raise WorkRefusedError(refusal)


def next_hits(
    moment: Moment, hit_type_id: str, worker_id: str, limit: int = _MOST_CANDIDATES
) -> Sequence[str]:
    """Assignable HITs of a type that the worker does not hold and has not done, oldest first."""
    hits, taken = schema.hit.c, schema.assignment.c
    done = exists().where(taken.hit_id == hits.hit_id, taken.holder == worker_id)
    statement = (
        select(hits.hit_id)
        .join(schema.requester, hits.requester_id == schema.requester.c.requester_id)
        .where(
            hits.hit_type_id == hit_type_id,
            hits.status == HitStatus.ASSIGNABLE.value,
            schema.requester.c.suspended_at.is_(None),
            ~done,
        )
        .order_by(hits.number)
        .limit(limit)
    )
    return moment.connection.execute(statement).scalars().all()


def give_back(moment: Moment, assignment_id: str, worker_id: str) -> Hit:
    """The worker returns his assignment. Raises WorkRefusedError."""
    assignment = own_assignment(moment, assignment_id, worker_id, lock=True)
    if assignment.status is not AssignmentStatus.ACCEPTED:
        raise WorkRefusedError(_why_closed(moment, assignment))
    verdicts.give_back(moment, assignment, AssignmentStatus.RETURNED)
    return assignment.hit


def submit(moment: Moment, assignment_id: str, answer: str) -> Assignment:
    """Hands an answer (a QuestionFormAnswers document) in.

    Possible until the deadline, also after the HIT expired. Raises WorkRefusedError.
    """
    assignment = find_assignment(moment, assignment_id, lock=True)
    if assignment is None:
        raise WorkRefusedError(Refusal.NO_HIT)
    if assignment.status is not AssignmentStatus.ACCEPTED:
        raise WorkRefusedError(_why_closed(moment, assignment))
    tell(moment, EventType.ASSIGNMENT_SUBMITTED, assignment.hit, assignment_id)
    auto_approval_at = moment.now + assignment.hit.auto_approval_s * SECOND
    change_hit(moment, assignment.hit, assignment.hit.state.submit())
    change_assignment(
        moment,
        assignment_id,
        {
            "status": AssignmentStatus.SUBMITTED.value,
            "submitted_at": moment.now,
            "auto_approval_at": auto_approval_at,
            "due_at": auto_approval_at,
        },
    )
    row = {"assignment_id": assignment_id, "answer": answer}
    moment.connection.execute(insert(schema.answer), row)
    return assignment


def own_assignment(moment: Moment, assignment_id: str, worker_id: str, *, lock: bool = False) -> Assignment:
    """The worker's own assignment; another's is refused like one that does not exist."""
    assignment = find_assignment(moment, assignment_id, lock=lock)
    if assignment is None or assignment.worker_id != worker_id:
        raise WorkRefusedError(Refusal.NOT_YOURS)
    return assignment


def _held(moment: Moment, hit_id: str, worker_id: str) -> tuple[str, str] | None:
    columns = schema.assignment.c
    row = moment.connection.execute(
        select(columns.assignment_id, columns.status).where(
            columns.hit_id == hit_id, columns.holder == worker_id
        )
    ).one_or_none()
    return None if row is None else (row.assignment_id, row.status)


def _check_room(moment: Moment, worker_id: str, most_held: int) -> None:
    """Counts under a lock of the worker's row, so that two of his requests at once cannot both be the last.

    Nor can he accept while he is being suspended.
    """
    if is_worker_suspended(moment, worker_id, lock=True):
        raise WorkRefusedError(Refusal.SUSPENDED)
    columns = schema.assignment.c
    held = select(func.count()).where(
        columns.worker_id == worker_id, columns.status == AssignmentStatus.ACCEPTED.value
    )
    if moment.connection.execute(held).scalar_one() >= most_held:
        raise WorkRefusedError(Refusal.HOLDS_TOO_MANY)


def _insert_assignment(moment: Moment, hit: Hit, worker_id: str) -> str:
    assignment_id = moment.ids.mint()
    deadline_at = moment.now + hit.duration_s * SECOND
    row = {
        "assignment_id": assignment_id,
        "hit_id": hit.hit_id,
        "hit_type_id": hit.hit_type_id,
        "requester_id": hit.requester_id,
        "worker_id": worker_id,
        "holder": worker_id,
        "status": AssignmentStatus.ACCEPTED.value,
        "reward_cents": hit.reward,
        "accepted_at": moment.now,
        "deadline_at": deadline_at,
        "due_at": deadline_at,
    }
    moment.connection.execute(insert(schema.assignment), row)
    return assignment_id


def _why_closed(moment: Moment, assignment: Assignment) -> Refusal:
    if assignment.status is AssignmentStatus.ABANDONED:
        return Refusal.TIME_OVER
    if assignment.status is AssignmentStatus.RETURNED:
        was_taken = is_worker_suspended(moment, assignment.worker_id)
        return Refusal.SUSPENDED if was_taken else Refusal.RETURNED
    return Refusal.ALREADY_SUBMITTED
