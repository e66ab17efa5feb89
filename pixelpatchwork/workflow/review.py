"""The requester's word on answers that are held: recorded first, once, and then done in the marketplace."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pixelpatchwork.domain.errors import NothingToDo, PatchworkError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Decision,
    Round,
    RoundState,
    Verdict,
)
from pixelpatchwork.domain.ports import Judgement
from pixelpatchwork.workflow.judge import judge_leniently
from pixelpatchwork.workflow.services import Progress, Services, no_progress
from pixelpatchwork.workflow.settle import Payments, settle_round


class Ruling(StrEnum):
    """ACCEPT: used as if nothing were wrong with it. LEAVE_OUT: paid, and nothing of it counts. REJECT: not paid."""

    ACCEPT = "accept"
    LEAVE_OUT = "leave-out"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What became of a ruling.

    `decided` answers carry it now. `unusable` were to be accepted and cannot be read; they stay held, each with why.
    `too_late` were decided by another run meanwhile, `overtaken` were paid in the marketplace before they could be
    rejected. `unpaid` wait for the next `ppw collect`, `failure` says why.
    """

    ruling: Ruling
    decided: tuple[AssignmentId, ...]
    unusable: tuple[tuple[AssignmentId, str], ...]
    too_late: tuple[AssignmentId, ...]
    paid: int
    rejected: int
    decided_elsewhere: int
    unpaid: int
    failure: str | None
    overtaken: tuple[AssignmentId, ...] = ()


def review(
    services: Services,
    wanted: Collection[AssignmentId] | None,
    *,
    ruling: Ruling,
    reason: str = "",
    progress: Progress = no_progress,
) -> Reviewed:
    """Decides held answers, those `wanted` or all of them (None), and settles them at once.

    `reason` is kept with the answer; for a rejection it is what the worker reads.

    Raises:
        NothingToDo: nothing is held.
        PatchworkError: one of them is not held, or a rejection has no reason; nothing was decided.
    """
    if ruling is Ruling.REJECT and not reason.strip():
        raise PatchworkError("A rejection needs a reason that the worker reads. Add: --reason TEXT")
    chosen = _chosen(services, wanted)
    for round_, _ in chosen:
        services.require_market(round_)
    outcomes = [_decide(round_, answers, services, ruling, reason) for round_, answers in chosen]
    payments = [settle_round(round_, services, progress) for round_, _ in chosen]
    return _summed(ruling, outcomes, payments)


def _chosen(
    services: Services, wanted: Collection[AssignmentId] | None
) -> list[tuple[Round, list[Assignment]]]:
    held = list(_held(services))
    known = {answer.assignment_id for _, answers in held for answer in answers}
    if not known:
        raise NothingToDo("No answer is held. Run: ppw status")
    if wanted is None:
        return held
    if missing := sorted(set(wanted) - known):
        raise PatchworkError(
            f"Not held, so there is nothing to decide: {', '.join(missing)}. Run: ppw review"
        )
    chosen = [(one, [answer for answer in found if answer.assignment_id in wanted]) for one, found in held]
    return [(one, answers) for one, answers in chosen if answers]


def _held(services: Services) -> Iterator[tuple[Round, list[Assignment]]]:
    store = services.store
    for one in store.rounds():
        if one.state is not RoundState.CLOSED:
            judged = store.assignments(one.round_id, state=AssignmentState.JUDGED)
            if held := [answer for answer in judged if answer.verdict is Verdict.HELD]:
                yield one, held


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    decided: tuple[AssignmentId, ...]
    unusable: tuple[tuple[AssignmentId, str], ...]
    too_late: tuple[AssignmentId, ...]


def _decide(
    round_: Round, answers: Sequence[Assignment], services: Services, ruling: Ruling, reason: str
) -> _Outcome:
    judgements, unusable = _judgements(round_, answers, services, ruling, reason)
    flags = services.rules.judgement.hide_at_flags
    now = services.clock.now()
    decided = services.store.record_reviews(judgements, at=now, hide_at_flags=flags)
    late = {judgement.assignment_id for judgement in judgements} - set(decided)
    return _Outcome(decided=decided, unusable=tuple(unusable), too_late=tuple(sorted(late)))


def _judgements(
    round_: Round, answers: Sequence[Assignment], services: Services, ruling: Ruling, reason: str
) -> tuple[list[Judgement], list[tuple[AssignmentId, str]]]:
    """What is to be recorded, and what cannot be."""
    if ruling is not Ruling.ACCEPT:
        return [_refused(answer, ruling, reason) for answer in answers], []
    found = judge_leniently(round_, answers, services)
    usable = [
        # How its checks ended stands in the diary already, from when it was held.
        replace(one, reason=" ".join(filter(None, (one.reason, reason))) or None, events=())
        for one in found
        if one.verdict is Verdict.USABLE
    ]
    rest = [(one.assignment_id, one.reason or "") for one in found if one.verdict is not Verdict.USABLE]
    return usable, rest


def _refused(answer: Assignment, ruling: Ruling, reason: str) -> Judgement:
    """A rejection's reason is what the worker reads, and nothing else is added to it."""
    is_rejected = ruling is Ruling.REJECT
    return Judgement(
        assignment_id=answer.assignment_id,
        verdict=Verdict.UNUSABLE,
        decision=Decision.REJECT if is_rejected else Decision.APPROVE,
        reason=reason if is_rejected else reason or answer.reason,
        language=answer.language,
        seconds=answer.seconds,
    )


def _summed(ruling: Ruling, outcomes: Sequence[_Outcome], payments: Sequence[Payments]) -> Reviewed:
    failures = [failure for one in payments for failure in one.failures]
    return Reviewed(
        ruling=ruling,
        decided=tuple(key for one in outcomes for key in one.decided),
        unusable=tuple(pair for one in outcomes for pair in one.unusable),
        too_late=tuple(key for one in outcomes for key in one.too_late),
        paid=sum(one.paid for one in payments),
        rejected=sum(one.rejected for one in payments),
        decided_elsewhere=sum(one.elsewhere for one in payments),
        unpaid=len(failures),
        failure=next(iter(failures), None),
        overtaken=tuple(key for one in payments for key in one.overtaken),
    )
