"""The Mechanical Turk requester API behind the `Crowd` port, over boto3: any endpoint that speaks it will do.

MTurk's dialect (HITId, epoch times, money as text, four families of errors) stops in this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from pixelpatchwork.adapters.mturk_errors import (
    HIT_EXISTS,
    HIT_GONE,
    WRONG_ASSIGNMENT_STATE,
    WRONG_HIT_STATE,
    error_code,
    error_text,
    one_line,
    translated,
)
from pixelpatchwork.adapters.mturk_pace import keep_pace
from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere, HitExists
from pixelpatchwork.domain.model import AssignmentId, HitId, HitTypeId, Settlement, Token, WorkerId
from pixelpatchwork.domain.money import Usd, to_cents
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec, PaidBonus, PublishedHit, SubmittedAssignment

if TYPE_CHECKING:
    from mypy_boto3_mturk import MTurkClient
    from mypy_boto3_mturk.type_defs import (
        AssignmentTypeDef,
        BonusPaymentTypeDef,
        HITTypeDef,
        ListBonusPaymentsResponseTypeDef,
    )

LIVE_ENDPOINT = "https://mturk-requester.us-east-1.amazonaws.com"
SANDBOX_ENDPOINT = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"

_REGION = "us-east-1"
"""Mechanical Turk's only region; any other builds the name of a host that does not exist."""
_PAGE = 100
"""The most that one page holds."""
LONGEST_FEEDBACK = 1024
"""Characters that a worker is told (AWS's API reference)."""
_SETTLEMENTS = {"Approved": Settlement.APPROVED, "Rejected": Settlement.REJECTED}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FINISHED = frozenset({"Reviewable", "Reviewing"})
_NOTIFICATION_VERSION = "2014-08-15"
_NAMED_HIT = re.compile(r'The HIT with ID "([A-Z0-9]{1,64})" already exists')
_REPEATED_EXPIRY = re.compile(r"idempotency token .* has already been processed", re.IGNORECASE)


def mturk_client(
    *,
    endpoint_url: str | None,
    access_key: str | None,
    secret_key: str | None,
    max_connections: int,
    attempts: int = 5,
) -> MTurkClient:
    """A boto3 client for `endpoint_url`, to be shared by up to `max_connections` threads.

    Where a key is None, boto3 looks for credentials in its usual places; where the URL is None, it takes
    `AWS_ENDPOINT_URL_MTURK` or AWS's live endpoint. `attempts` counts the first call too.

    botocore tries throttles, 5xx and lost connections again after a growing, jittered pause, and `keep_pace` slows
    all threads of the client down together, where each of them would run into the limit until its own attempts
    are used up. Every call of `MTurkCrowd` may be repeated: creation and bonuses carry a UniqueRequestToken, the
    others reach the same end twice.
    """
    client = boto3.session.Session().client(
        "mturk",
        region_name=_REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=max_connections,
        ),
    )
    keep_pace(client)
    return client


class MTurkCrowd:
    """The `Crowd` port over a boto3 client; may be shared by threads."""

    def __init__(self, client: MTurkClient) -> None:
        self._client = client
        self._endpoint: str = client.meta.endpoint_url

    def balance(self) -> Usd:
        """What is left of the prepaid balance."""
        with translated(self._endpoint):
            return Usd(self._client.get_account_balance()["AvailableBalance"])

    def ensure_hit_type(self, spec: HitTypeSpec) -> HitTypeId:
        """The id of this HIT type. The service itself gives equal values the same id."""
        with translated(self._endpoint):
            answer = self._client.create_hit_type(
                Title=spec.title,
                Description=spec.description,
                Keywords=spec.keywords,
                Reward=str(to_cents(spec.reward_usd)),
                AssignmentDurationInSeconds=_seconds(spec.assignment_duration),
                AutoApprovalDelayInSeconds=_seconds(spec.auto_approval_delay),
            )
            return HitTypeId(answer["HITTypeId"])

    def create_hit(self, request: HitRequest) -> HitId:
        """Publishes a HIT. Raises HitExists where the token was used within 24 hours, InsufficientFunds."""
        with translated(self._endpoint):
            try:
                answer = self._client.create_hit_with_hit_type(
                    HITTypeId=request.hit_type_id,
                    MaxAssignments=request.max_assignments,
                    LifetimeInSeconds=_seconds(request.lifetime),
                    Question=request.question,
                    RequesterAnnotation=request.annotation,
                    UniqueRequestToken=request.token,
                )
            except ClientError as error:
                if error_code(error) != HIT_EXISTS:
                    raise
                raise HitExists(request.token, _named_hit(error)) from error
            return HitId(answer["HIT"]["HITId"])

    def hits(self, annotation_prefix: str) -> Iterator[PublishedHit]:
        """Every HIT of the account whose RequesterAnnotation starts so; the API can only list them all."""
        with translated(self._endpoint):
            pages = self._client.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": _PAGE})
            for page in pages:
                for hit in page.get("HITs", ()):
                    if hit.get("RequesterAnnotation", "").startswith(annotation_prefix):
                        yield _published(hit)

    def hit(self, hit_id: HitId) -> PublishedHit:
        """One HIT as it stands now."""
        with translated(self._endpoint):
            return _published(self._client.get_hit(HITId=hit_id)["HIT"])

    def assignments(self, hit_id: HitId) -> Iterator[SubmittedAssignment]:
        """Every submitted assignment of a HIT, over all pages, earliest first."""
        with translated(self._endpoint):
            pages = self._client.get_paginator("list_assignments_for_hit").paginate(
                HITId=hit_id, PaginationConfig={"PageSize": _PAGE}
            )
            answers = [_submitted(assignment) for page in pages for assignment in page.get("Assignments", ())]
        yield from sorted(answers, key=lambda answer: (answer.submitted_at, answer.assignment_id))

    def approve(self, assignment_id: AssignmentId) -> None:
        """Pays the worker. Approved before, by an earlier run or the passing of time, counts as success."""
        with translated(self._endpoint):
            try:
                self._client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=False)
            except ClientError as error:
                if error_code(error) != WRONG_ASSIGNMENT_STATE:
                    raise
                self._require_approved(assignment_id, error)

    def reject(self, assignment_id: AssignmentId, *, feedback: str) -> None:
        """Refuses to pay. Rejected before counts as success."""
        with translated(self._endpoint):
            try:
                self._client.reject_assignment(
                    AssignmentId=assignment_id, RequesterFeedback=one_line(feedback)[:LONGEST_FEEDBACK]
                )
            except ClientError as error:
                if error_code(error) != WRONG_ASSIGNMENT_STATE:
                    raise
                self._require_rejected(assignment_id, error)

    def _require_rejected(self, assignment_id: AssignmentId, refusal: ClientError) -> None:
        status = self._assignment_status(assignment_id)
        if status == "Rejected":
            return
        if status == "Approved":
            raise DecidedElsewhere(
                f"Assignment {assignment_id} was approved before it could be rejected: the worker is paid."
            ) from refusal
        raise CrowdError(
            f"Assignment {assignment_id} cannot be rejected yet. Run again in a few minutes: ppw collect"
        ) from refusal

    def settlement(self, assignment_id: AssignmentId) -> Settlement | None:
        """What stands in the marketplace; None where nothing is decided yet."""
        try:
            with translated(self._endpoint):
                status = self._assignment_status(assignment_id)
        except DecidedElsewhere:
            return Settlement.LOST
        return _SETTLEMENTS.get(status or "")

    def block(self, worker_id: WorkerId, *, reason: str) -> None:
        """Keeps a worker from this account's HITs. The service itself takes a repetition."""
        with _unnamed(worker_id), translated(self._endpoint):
            self._client.create_worker_block(WorkerId=worker_id, Reason=reason)

    def unblock(self, worker_id: WorkerId, *, reason: str) -> None:
        """Lets a worker back in. The service itself takes a repetition."""
        with _unnamed(worker_id), translated(self._endpoint):
            self._client.delete_worker_block(WorkerId=worker_id, Reason=reason)

    def _require_approved(self, assignment_id: AssignmentId, refusal: ClientError) -> None:
        """Returns where the assignment stands approved; raises CrowdError, caused by `refusal`, where not."""
        status = self._assignment_status(assignment_id)
        if status == "Approved":
            return
        if status == "Rejected":
            raise DecidedElsewhere(
                f"Assignment {assignment_id} was rejected outside this program, so it was not approved. "
                "To pay it after all, override the rejection in the marketplace."
            ) from refusal
        # Mechanical Turk may refuse an approval for some minutes after the submit ("status of: null").
        raise CrowdError(
            f"Assignment {assignment_id} cannot be approved yet. Run again in a few minutes: ppw collect"
        ) from refusal

    def _assignment_status(self, assignment_id: AssignmentId) -> str | None:
        """Its status, or None where the service does not show the assignment yet."""
        try:
            return self._client.get_assignment(AssignmentId=assignment_id)["Assignment"].get(
                "AssignmentStatus"
            )
        except ClientError as error:
            if error_code(error) == WRONG_ASSIGNMENT_STATE:
                return None
            raise

    def send_bonus(
        self, assignment_id: AssignmentId, worker_id: WorkerId, *, token: Token, amount_usd: Usd, reason: str
    ) -> None:
        """Pays a bonus. Its fee comes on top. A token of the last 24 hours is refused with CrowdError."""
        with translated(self._endpoint):
            self._client.send_bonus(
                AssignmentId=assignment_id,
                WorkerId=worker_id,
                BonusAmount=str(to_cents(amount_usd)),
                Reason=reason,
                UniqueRequestToken=token,
            )

    def bonuses(self, assignment_id: AssignmentId) -> Iterator[PaidBonus]:
        """Every bonus that was paid for an assignment, over all pages."""
        with translated(self._endpoint):
            pages = self._client.get_paginator("list_bonus_payments").paginate(
                AssignmentId=assignment_id, PaginationConfig={"PageSize": _PAGE}
            )
            yield from _paid_bonuses(pages)

    def bonuses_of_hit(self, hit_id: HitId) -> Iterator[PaidBonus]:
        """Every bonus that was paid for a HIT's assignments, over all pages."""
        with translated(self._endpoint):
            pages = self._client.get_paginator("list_bonus_payments").paginate(
                HITId=hit_id, PaginationConfig={"PageSize": _PAGE}
            )
            yield from _paid_bonuses(pages)

    def notify(self, hit_id: HitId, *, queue: str) -> None:
        """Has an SQS queue told of answers to the HITs of this HIT's type; the same again changes nothing."""
        with translated(self._endpoint):
            self._client.update_notification_settings(
                HITTypeId=self._client.get_hit(HITId=hit_id)["HIT"]["HITTypeId"],
                Notification={
                    "Destination": queue,
                    "Transport": "SQS",
                    "Version": _NOTIFICATION_VERSION,
                    "EventTypes": ["AssignmentSubmitted"],
                },
                Active=True,
            )

    def expire(self, hit_id: HitId) -> None:
        """Takes a HIT off the market at once. Expired before, or disposed of, counts as success."""
        with translated(self._endpoint):
            try:
                self._client.update_expiration_for_hit(HITId=hit_id, ExpireAt=_LONG_AGO)
            except ClientError as error:
                # No code is documented for a repeated expiry; its text is.
                if _REPEATED_EXPIRY.search(error_text(error)):
                    return
                if error_code(error) != WRONG_HIT_STATE or not self._is_disposed(hit_id):
                    raise

    def delete(self, hit_id: HitId) -> None:
        """Disposes of a finished HIT. One that is gone already counts as success."""
        with translated(self._endpoint):
            try:
                self._client.delete_hit(HITId=hit_id)
            except ClientError as error:
                if error_code(error) == HIT_GONE:
                    return
                if error_code(error) != WRONG_HIT_STATE or not self._is_disposed(hit_id):
                    raise

    def _is_disposed(self, hit_id: HitId) -> bool:
        return self._client.get_hit(HITId=hit_id)["HIT"].get("HITStatus") == "Disposed"


@contextmanager
def _unnamed(worker_id: WorkerId) -> Iterator[None]:
    """The service's refusals name the worker; no message of ours does."""
    try:
        yield
    except CrowdError as error:
        raise CrowdError(str(error).replace(worker_id, "[worker]")) from None


def _published(hit: HITTypeDef) -> PublishedHit:
    return PublishedHit(
        hit_id=HitId(hit["HITId"]),
        annotation=hit.get("RequesterAnnotation", ""),
        max_assignments=hit["MaxAssignments"],
        expires_at=hit["Expiration"].astimezone(UTC),
        is_finished=_is_finished(hit),
        submitted=_count_submitted(hit),
        reward_usd=Usd(hit["Reward"]) if "Reward" in hit else None,
    )


def _count_submitted(hit: HITTypeDef) -> int:
    """How many answers have come: the slots that are neither free nor being worked on.

    `NumberOfAssignmentsCompleted` would not do, for it counts decided answers only. 0 where the counts are not shown.
    """
    free = hit.get("NumberOfAssignmentsAvailable", hit["MaxAssignments"])
    return max(0, hit["MaxAssignments"] - free - hit.get("NumberOfAssignmentsPending", 0))


def _is_finished(hit: HITTypeDef) -> bool:
    """Whether no answer can come any more.

    A HIT may show as Reviewable because it expired while a worker who accepted before is still at it; the
    number of pending assignments tells.
    """
    if hit["HITStatus"] == "Disposed":
        return True
    return hit["HITStatus"] in _FINISHED and hit.get("NumberOfAssignmentsPending", 0) == 0


def _submitted(assignment: AssignmentTypeDef) -> SubmittedAssignment:
    return SubmittedAssignment(
        assignment_id=AssignmentId(assignment["AssignmentId"]),
        hit_id=HitId(assignment["HITId"]),
        worker_id=WorkerId(assignment["WorkerId"]),
        answer=assignment.get("Answer", ""),
        accepted_at=assignment["AcceptTime"].astimezone(UTC),
        submitted_at=assignment["SubmitTime"].astimezone(UTC),
        is_approved=assignment["AssignmentStatus"] == "Approved",
        is_rejected=assignment["AssignmentStatus"] == "Rejected",
    )


def _paid_bonuses(pages: Iterable[ListBonusPaymentsResponseTypeDef]) -> Iterator[PaidBonus]:
    for page in pages:
        yield from map(_paid_bonus, page.get("BonusPayments", ()))


def _paid_bonus(payment: BonusPaymentTypeDef) -> PaidBonus:
    return PaidBonus(
        assignment_id=AssignmentId(payment["AssignmentId"]),
        amount_usd=Usd(payment["BonusAmount"]),
        reason=payment.get("Reason", ""),
        paid_at=payment["GrantTime"].astimezone(UTC),
    )


def _named_hit(error: ClientError) -> HitId | None:
    """The HIT that a HitAlreadyExists names in its documented text, or None where the text is another."""
    named = _NAMED_HIT.search(error_text(error))
    return HitId(named.group(1)) if named else None


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
