"""Settling: what was decided of a worker's pay is done in the marketplace, and what was decided there is noted here.

Decisions stand in the records before any call is made, so a run that stops in between is taken up by the next. Nothing
but the requester's own word, given with `ppw review`, makes an answer rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Decision,
    Event,
    Round,
    Settlement,
    Verdict,
)
from pixelpatchwork.domain.ports import Judgement
from pixelpatchwork.domain.store import ROUND_CANCELLED
from pixelpatchwork.workflow.parallel import BATCH, batches, each
from pixelpatchwork.workflow.services import Progress, Services, Stops, never
from pixelpatchwork.workflow.share import shared

PAID_BY_TIME = "Paid in the marketplace before it was reviewed."
REJECTED_ELSEWHERE = "Rejected in the marketplace before it was reviewed."
LOST_ELSEWHERE = "Gone from the marketplace before it was reviewed."

_WORDS = {
    Settlement.APPROVED: PAID_BY_TIME,
    Settlement.REJECTED: REJECTED_ELSEWHERE,
    Settlement.LOST: LOST_ELSEWHERE,
}


@dataclass(frozen=True, kw_only=True)
class Payments:
    """What became of the pay of a round's answers in one run.

    `elsewhere` counts those that can never be approved, as was decided: rejected by hand, or gone. `overtaken` are
    those of the paid that were to be rejected, and for which that came too late. `failures` are those that the next
    run repeats.
    """

    paid: int = 0
    rejected: int = 0
    elsewhere: int = 0
    overtaken: tuple[AssignmentId, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Held:
    """A round's answers that wait for the requester, once those are gone that were decided in the marketplace."""

    waiting: int = 0
    taken_over: int = 0
    failures: tuple[str, ...] = ()


def settle_round(
    round_: Round, services: Services, progress: Progress, stops: Stops = never, *, owner: str = ""
) -> Payments:
    """Approves or rejects every judged answer as it was decided; answers that are held stay as they are.

    `owner` names the collector, where several share the round. One call that fails does not hold up the others: a
    marketplace may need minutes before it takes one.
    """
    judged = [answer for answer in _judged(round_, services) if answer.decision is not None]
    calls = each(
        lambda answer: _settle(answer, services),
        shared(judged, owner=owner, left=lambda some: _unsettled(some, services)),
        workers=services.rules.parallel_calls,
        stops=stops,
    )
    settled: list[tuple[Assignment, _Outcome]] = []
    failures: list[str] = []
    for batch in batches(calls, BATCH):
        for settlement in Settlement:
            ids = [answer.assignment_id for answer, one in batch if one.settlement is settlement]
            services.store.mark_settled(ids, settlement=settlement, at=services.clock.now())
        settled += [pair for pair in batch if pair[1].settlement is not None]
        failures += [one.failure for _, one in batch if one.failure is not None]
        progress("Settling answers", len(settled) + len(failures), len(judged))
    return _payments(settled, failures)


def _payments(settled: Sequence[tuple[Assignment, _Outcome]], failures: Sequence[str]) -> Payments:
    paid = [pair for pair in settled if pair[1].settlement is Settlement.APPROVED]
    unpaid = [one.is_elsewhere for _, one in settled if one.settlement is not Settlement.APPROVED]
    return Payments(
        paid=len(paid),
        rejected=unpaid.count(False),
        elsewhere=unpaid.count(True),
        overtaken=tuple(answer.assignment_id for answer, one in paid if one.is_elsewhere),
        failures=tuple(failures),
    )


def _unsettled(answers: Sequence[Assignment], services: Services) -> list[Assignment]:
    """Those of the answers that nobody has settled since they were read."""
    left = services.store.unsettled([answer.assignment_id for answer in answers])
    return [answer for answer in answers if answer.assignment_id in left]


def take_over_decided(round_: Round, services: Services, stops: Stops = never) -> Held:
    """Finds held answers that the marketplace has decided by itself, mostly by the passing of time.

    They are left out, and settled with the others; so are all of a cancelled round, of which nothing is left to decide.
    """
    held = _held(round_, services)
    if round_.is_cancelled:
        return _leave_out(held, services)
    calls = each(
        lambda answer: _look(answer, services), held, workers=services.rules.parallel_calls, stops=stops
    )
    found = list(calls)
    decided = [(answer, one.settlement) for answer, one in found if one.settlement is not None]
    now = services.clock.now()
    judgements = [_taken_over(answer, _WORDS[became], _decision(became)) for answer, became in decided]
    services.store.record_reviews(judgements, at=now, by_requester=False)
    return Held(
        waiting=len(held) - len(decided),
        taken_over=len(decided),
        failures=tuple(one.failure for _, one in found if one.failure is not None),
    )


def _leave_out(held: Sequence[Assignment], services: Services) -> Held:
    """Ends held answers of a cancelled round: they are to be paid."""
    judgements = [_taken_over(answer, ROUND_CANCELLED, Decision.APPROVE) for answer in held]
    left_out = services.store.record_reviews(judgements, at=services.clock.now(), by_requester=False)
    return Held(taken_over=len(left_out))


def count_held(round_: Round, services: Services) -> Held:
    """The same without a look at the marketplace, which costs a call for each of them."""
    return Held(waiting=len(_held(round_, services)))


def _held(round_: Round, services: Services) -> list[Assignment]:
    return [answer for answer in _judged(round_, services) if answer.verdict is Verdict.HELD]


def _judged(round_: Round, services: Services) -> Sequence[Assignment]:
    return services.store.assignments(round_.round_id, with_answers=False, state=AssignmentState.JUDGED)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """`settlement` is None where the marketplace has not decided yet, or could not be asked; `failure` says why.

    `is_elsewhere`: it was settled by somebody else before, and otherwise than was decided here.
    """

    settlement: Settlement | None = None
    failure: str | None = None
    is_elsewhere: bool = False


def _settle(answer: Assignment, services: Services) -> _Outcome:
    try:
        if answer.decision is Decision.REJECT:
            services.crowd.reject(answer.assignment_id, feedback=answer.reason or "")
            return _Outcome(settlement=Settlement.REJECTED)
        services.crowd.approve(answer.assignment_id)
        return _Outcome(settlement=Settlement.APPROVED)
    except DecidedElsewhere as error:
        return _decided_elsewhere(answer, error, services)
    except CrowdError as error:
        return _Outcome(failure=str(error))


def _decided_elsewhere(answer: Assignment, error: DecidedElsewhere, services: Services) -> _Outcome:
    """What stands in the marketplace instead: a refusal that came too late is a payment."""
    became = _look(answer, services)
    if became.settlement is None:
        return _Outcome(failure=became.failure or str(error))
    kind = "not_rejected" if answer.decision is Decision.REJECT else "not_approved"
    event = Event(at=services.clock.now(), kind=kind, subject=answer.assignment_id, detail=str(error))
    services.store.add_event(event)
    return _Outcome(settlement=became.settlement, is_elsewhere=True)


def _look(answer: Assignment, services: Services) -> _Outcome:
    try:
        return _Outcome(settlement=services.crowd.settlement(answer.assignment_id))
    except CrowdError as error:
        return _Outcome(failure=str(error))


def _decision(became: Settlement) -> Decision:
    return Decision.REJECT if became is Settlement.REJECTED else Decision.APPROVE


def _taken_over(answer: Assignment, why: str, decision: Decision) -> Judgement:
    return Judgement(
        assignment_id=answer.assignment_id,
        verdict=Verdict.UNUSABLE,
        decision=decision,
        reason=" ".join(part for part in (answer.reason, why) if part),
        language=answer.language,
        seconds=answer.seconds,
    )
