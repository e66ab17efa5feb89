"""What ends an assignment: time running out, a submit, an approval, a rejection. Shared by API, site and clock."""

from __future__ import annotations

from pixelpatchwork.marketplace import ledger
from pixelpatchwork.marketplace.clock import DAY, Millis
from pixelpatchwork.marketplace.errors import assignment_state
from pixelpatchwork.marketplace.notifications import EventType
from pixelpatchwork.marketplace.records import Assignment, Moment, change_assignment, change_hit, tell
from pixelpatchwork.marketplace.states import AssignmentStatus

_OVERRIDE_WINDOW = 30 * DAY
_ONLY_SUBMITTED = "Submitted"


def approve(moment: Moment, assignment: Assignment, *, at: Millis, feedback: str | None = None) -> None:
    """Approves and pays a submitted assignment. Raises InvalidAssignmentState for any other."""
    if assignment.status is not AssignmentStatus.SUBMITTED:
        raise assignment_state(_ONLY_SUBMITTED)
    change_hit(moment, assignment.hit, assignment.hit.state.decide(), paid_slots=1, at=at)
    _mark_approved(moment, assignment, at, feedback)
    # Last, for all that is paid for this requester waits for his balance's row. Held money is there.
    _pay(moment, assignment, at, from_held=True)


def require_judgeable(moment: Moment, assignment: Assignment) -> None:
    """Refuses to judge a fresh submission of which the API still knows nothing (`Lags`, a fault for rehearsals)."""
    submitted_at = assignment.submitted_at
    if submitted_at is not None and moment.now < submitted_at + moment.lags.judging:
        raise assignment_state("null")


def override_rejection(moment: Moment, assignment: Assignment, *, feedback: str | None = None) -> None:
    """Approves after all what was rejected within the last 30 days, while the HIT still exists.

    Raises InvalidAssignmentState otherwise, and InsufficientFunds: a rejection gave the held money back.
    """
    rejected_at = assignment.rejected_at
    too_late = rejected_at is None or rejected_at + _OVERRIDE_WINDOW <= moment.now
    if assignment.status is not AssignmentStatus.REJECTED or too_late or assignment.hit.state.disposed:
        raise assignment_state(_ONLY_SUBMITTED)
    _pay(moment, assignment, moment.now, from_held=False)
    _mark_approved(moment, assignment, moment.now, feedback)


def reject(moment: Moment, assignment: Assignment, *, feedback: str) -> None:
    """Rejects a submitted assignment: nothing is paid, and its held money goes back."""
    if assignment.status is not AssignmentStatus.SUBMITTED:
        raise assignment_state(_ONLY_SUBMITTED)
    change_hit(moment, assignment.hit, assignment.hit.state.decide())
    change_assignment(
        moment,
        assignment.assignment_id,
        {
            "status": AssignmentStatus.REJECTED.value,
            "rejected_at": moment.now,
            "feedback": feedback,
            "due_at": None,
        },
    )
    tell(moment, EventType.ASSIGNMENT_REJECTED, assignment.hit, assignment.assignment_id)


def give_back(
    moment: Moment, assignment: Assignment, status: AssignmentStatus, *, at: Millis | None = None
) -> None:
    """Frees the slot of a worker who returned it (RETURNED) or ran out of time (ABANDONED) at `at`."""
    abandoned = status is AssignmentStatus.ABANDONED
    event_type = EventType.ASSIGNMENT_ABANDONED if abandoned else EventType.ASSIGNMENT_RETURNED
    tell(moment, event_type, assignment.hit, assignment.assignment_id, at=at)
    change_hit(moment, assignment.hit, assignment.hit.state.give_back(), at=at)
    change_assignment(
        moment, assignment.assignment_id, {"status": status.value, "holder": None, "due_at": None}
    )


def _pay(moment: Moment, assignment: Assignment, at: Millis, *, from_held: bool) -> None:
    hit = assignment.hit
    ledger.pay_reward(
        moment.connection,
        hit.cause(at, assignment.assignment_id),
        assignment.worker_id,
        reward=hit.reward,
        fee=hit.fee,
        from_held=from_held,
    )


def _mark_approved(moment: Moment, assignment: Assignment, at: Millis, feedback: str | None) -> None:
    values = {
        "status": AssignmentStatus.APPROVED.value,
        "approved_at": at,
        "rejected_at": None,
        "due_at": None,
    }
    if feedback is not None:
        values["feedback"] = feedback
    change_assignment(moment, assignment.assignment_id, values)
    tell(moment, EventType.ASSIGNMENT_APPROVED, assignment.hit, assignment.assignment_id, at=at)
