"""HITs: made, extended, expired, reviewed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from pixelpatchwork.marketplace import ledger, notifications, reviews, schema, tokens
from pixelpatchwork.marketplace.clock import SECOND, Millis, to_datetime, to_millis
from pixelpatchwork.marketplace.errors import (
    ParameterValidationError,
    RequestError,
    already_processed,
    hit_state,
)
from pixelpatchwork.marketplace.fees import assignment_fee
from pixelpatchwork.marketplace.ledger import Cause
from pixelpatchwork.marketplace.notifications import EventType
from pixelpatchwork.marketplace.operations import views
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.hit_types import HitType, ensure_hit_type, own_hit_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.questions import check_question
from pixelpatchwork.marketplace.records import change_hit, own_hit, state_columns
from pixelpatchwork.marketplace.requirements import needs_masters
from pixelpatchwork.marketplace.states import HitState, HitStatus, IllegalMoveError

_YEAR: Millis = 31_536_000 * SECOND
_INSERT_HIT = insert(schema.hit)
_INSERT_QUESTION = insert(schema.hit_question)
_DESCRIBED = ("group_id", "title", "description", "keywords", "requirements")
# HITs from before this day cannot be extended (API reference, CreateAdditionalAssignmentsForHIT).
_EXTENSIBLE_SINCE: Millis = to_millis(datetime(2015, 7, 22, tzinfo=UTC))


def _check_new(request: Mapping[str, Any]) -> None:
    """Refuses what a request to create a HIT brings and no HIT could have."""
    check_bounds(request)
    if "HITLayoutId" in request:
        raise RequestError(
            "OperationNotSupported",
            "HIT layouts are not offered: no call of the API makes one. Send a Question.",
        )
    reviews.check_policies(request)
    if "Question" not in request:
        raise ParameterValidationError("Question", "null", "A HIT needs a question.")
    check_question(request["Question"])


@operation("CreateHIT", writes=True, check=_check_new)
def create_hit(call: Call) -> dict[str, Any]:
    """A HIT with a type of its own values."""
    return _create(call, ensure_hit_type(call))


@operation("CreateHITWithHITType", writes=True, check=_check_new)
def create_hit_with_hit_type(call: Call) -> dict[str, Any]:
    """A HIT of a type that exists."""
    return _create(call, own_hit_type(call, call.request["HITTypeId"]))


@operation("GetHIT", writes=False)
def get_hit(call: Call) -> dict[str, Any]:
    """One HIT, deleted ones included."""
    return {"HIT": views.hit(call.moment, call.requester_id, call.request["HITId"])}


@operation("UpdateExpirationForHIT", writes=True)
def update_expiration(call: Call) -> dict[str, Any]:
    """Expires a HIT at once (a time in the past) or keeps it open longer. An identical repeat is refused."""
    moment, wanted = call.moment, call.request["ExpireAt"]
    hit = own_hit(moment, call.requester_id, call.request["HITId"], lock=True)
    if wanted > moment.now + _YEAR:
        raise ParameterValidationError("ExpireAt", wanted // SECOND, "It must lie within a year from now.")
    if hit.state.disposed:
        raise hit_state(HitStatus.DISPOSED, "Assignable, Unassignable, Reviewable, Reviewing")
    token = f"{hit.hit_id}{to_datetime(max(wanted, 0)):%a %b %d %H:%M:%S UTC %Y}"
    if tokens.claim(moment, call.requester_id, "UpdateExpirationForHIT", token, hit.hit_id) is not None:
        raise already_processed(token)
    change_hit(moment, hit, hit.state.expire_at(max(wanted, moment.now)))
    return {}


@operation("CreateAdditionalAssignmentsForHIT", writes=True)
def create_additional_assignments(call: Call) -> dict[str, Any]:
    """More assignments of the same HIT; one created below ten assignments stays below ten."""
    check_bounds(call.request)
    moment, more = call.moment, call.request["NumberOfAdditionalAssignments"]
    hit = own_hit(moment, call.requester_id, call.request["HITId"], lock=True)
    _check_age(call, hit.hit_id)
    _claim_extension(call, hit.hit_id)
    if hit.state.disposed:
        raise hit_state(HitStatus.DISPOSED, "Assignable, Unassignable, Reviewable, Reviewing")
    try:
        state = hit.state.extend(more)
    except IllegalMoveError as error:
        raise RequestError(
            "InvalidMaximumAssignmentsIncrease",
            f"HIT {hit.hit_id} has {hit.state.max_assignments} assignments and cannot get {more} more: {error}",
        ) from error
    change_hit(moment, hit, state)
    return {}


@operation("UpdateHITReviewStatus", writes=True)
def update_review_status(call: Call) -> dict[str, Any]:
    """Reviewable -> Reviewing, or back with `Revert`."""
    revert = call.request.get("Revert", False)
    hit = own_hit(call.moment, call.requester_id, call.request["HITId"], lock=True)
    try:
        state = hit.state.review(call.moment.now, revert=revert)
    except IllegalMoveError as error:
        allowed = HitStatus.REVIEWING if revert else HitStatus.REVIEWABLE
        raise hit_state(hit.state.status(call.moment.now), allowed) from error
    change_hit(call.moment, hit, state)
    return {}


@operation("DeleteHIT", writes=True)
def delete_hit(call: Call) -> dict[str, Any]:
    """Disposes of a HIT that is Reviewable or Reviewing and whose answers are all decided."""
    hit = own_hit(call.moment, call.requester_id, call.request["HITId"], lock=True)
    try:
        state = hit.state.dispose(call.moment.now)
    except IllegalMoveError as error:
        status = hit.state.status(call.moment.now)
        if status in {HitStatus.REVIEWABLE, HitStatus.REVIEWING}:
            raise RequestError(
                "InvalidHITState",
                f"{hit.state.undecided} submitted assignments of this HIT are neither approved nor rejected.",
            ) from error
        raise hit_state(status, "Reviewing, Reviewable") from error
    change_hit(call.moment, hit, state)
    return {}


def _create(call: Call, hit_type: HitType) -> dict[str, Any]:
    hit_id = call.moment.ids.mint()
    _claim_creation(call, hit_id)
    now, slots = call.moment.now, call.request.get("MaxAssignments", 1)
    state = HitState(
        max_assignments=slots,
        available=slots,
        expires_at=now + call.request["LifetimeInSeconds"] * SECOND,
    )
    fee = assignment_fee(hit_type.reward, max_assignments=slots, masters=needs_masters(hit_type.requirements))
    row = _insert(call, hit_type, state, {"hit_id": hit_id, "fee_cents": fee})
    reviews.remember_policies(call.moment, hit_id, call.request)
    notifications.emit(
        call.moment,
        EventType.HIT_CREATED,
        requester_id=call.requester_id,
        hit_type_id=hit_type.hit_type_id,
        hit_id=hit_id,
    )
    # Last, for all who create HITs for this requester wait for his balance's row.
    cause = Cause(at=now, requester_id=call.requester_id, hit_id=hit_id)
    ledger.hold(call.moment.connection, cause, slots * (hit_type.reward + fee))
    return {"HIT": _shown(row, hit_type, call.request["Question"])}


def _check_age(call: Call, hit_id: str) -> None:
    columns = schema.hit.c
    made = call.moment.connection.execute(select(columns.created_at).where(columns.hit_id == hit_id))
    if made.scalar_one() < _EXTENSIBLE_SINCE:
        raise RequestError(
            "HITTooOldForExtension", "HITs that were created before July 22, 2015 cannot be extended."
        )


def _claim_creation(call: Call, hit_id: str) -> None:
    """Both ways to create a HIT share their tokens."""
    token = call.request.get("UniqueRequestToken")
    if token is None:
        return
    existing = tokens.claim(call.moment, call.requester_id, "CreateHIT", token, hit_id)
    if existing is not None:
        raise RequestError("HitAlreadyExists", f'The HIT with ID "{existing}" already exists.')


def _claim_extension(call: Call, hit_id: str) -> None:
    token = call.request.get("UniqueRequestToken")
    if token is None:
        return
    name = "CreateAdditionalAssignmentsForHIT"
    if tokens.claim(call.moment, call.requester_id, name, token, hit_id) is not None:
        raise already_processed(token)


def _insert(call: Call, hit_type: HitType, state: HitState, values: Mapping[str, Any]) -> Mapping[str, Any]:
    connection, now = call.moment.connection, call.moment.now
    row = {
        **values,
        **state_columns(state, now),
        "hit_type_id": hit_type.hit_type_id,
        "reward_cents": hit_type.reward,
        "duration_s": hit_type.duration_s,
        "auto_approval_s": hit_type.auto_approval_s,
        "requester_id": call.requester_id,
        "annotation": call.request.get("RequesterAnnotation"),
        "created_at": now,
    }
    connection.execute(_INSERT_HIT, row)
    question = {"hit_id": values["hit_id"], "question": call.request["Question"]}
    connection.execute(_INSERT_QUESTION, question)
    return row


def _shown(row: Mapping[str, Any], hit_type: HitType, question: str) -> dict[str, Any]:
    """A new HIT in the API's words, without asking the database for what was just written."""
    described = {name: getattr(hit_type, name) for name in _DESCRIBED}
    return views.hit_members({**row, **described, "question": question})
