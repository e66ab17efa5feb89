"""Collecting a round: keep the raw answers, judge them, pay for them, and close what is finished.

Each step commits before the next begins, so a run that stops anywhere is taken up by the next one. Nothing is
rejected by itself: an answer that cannot be used is paid and left out, with the reason kept, or held for the requester.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pixelpatchwork.domain.errors import CrowdError, HitGone, NothingToDo, StoreError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentState,
    Hit,
    HitId,
    HitState,
    Round,
    RoundState,
    Verdict,
)
from pixelpatchwork.domain.ports import Crowd, Remaining, SubmittedAssignment
from pixelpatchwork.domain.users import new_user
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.edit import EditSummary, run_edits
from pixelpatchwork.workflow.judge import judge_round
from pixelpatchwork.workflow.parallel import BATCH, batches, each
from pixelpatchwork.workflow.services import MaySpend, Progress, Services, Stops, never, no_progress
from pixelpatchwork.workflow.settle import count_held, settle_round, take_over_decided
from pixelpatchwork.workflow.share import shared
from pixelpatchwork.workflow.withdraw import settle_unpublished


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What one run of `collect` did.

    `unread` HITs and `unpaid` answers failed this time, and the next run repeats them; `first_failure` says why.
    `decided_elsewhere` counts answers that can never be approved: they were rejected by hand, or are gone. `rejected`
    is what the requester refused to pay, `held` what waits for him.
    """

    new_answers: int
    judged: int
    unusable: int
    paid: int
    unpaid: int
    unread: int
    decided_elsewhere: int
    first_failure: str | None
    edits: EditSummary
    rounds_closed: int
    answers_missing: int
    rejected: int = 0
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class _Intake:
    new: int
    failures: tuple[str, ...]


def collect(
    services: Services,
    *,
    owner: str,
    may_spend: MaySpend | Allowance,
    close: bool = False,
    only: Collection[HitId] | None = None,
    progress: Progress = no_progress,
    stops: Stops = never,
) -> Collected:
    """Takes in what workers have submitted, for every round that is not closed. May run at any time, many times.

    Args:
        services: the ports and rules.
        owner: this collector's name among others: where it begins, and what is written on the edits' leases.
        may_spend: asked before edits that cost money, or what they may cost in all.
        close: take the open HITs off the market first; work in flight may still come in.
        only: the HITs of which something is known to have come; without it, all open ones are read, and held answers
            are looked at.
        progress: told as the work goes on.
        stops: once it says so, no other HIT is read, no other answer settled, and no other edit begun.

    Raises:
        NothingToDo: no round has been published.
    """
    rounds = [one for one in services.store.rounds() if one.state is not RoundState.CLOSED]
    if not rounds:
        raise NothingToDo("No round is open. Run: ppw status")
    for one in rounds:
        services.require_market(one)
    intakes = [
        _take_in(one, services, owner=owner, close=close, only=only, progress=progress, stops=stops)
        for one in rounds
    ]
    verdicts = [verdict for one in rounds if not stops() for verdict in judge_round(one, services)]
    # A message that names HITs comes with every answer; what the marketplace decides by itself takes days.
    held = [
        take_over_decided(one, services, stops) if only is None else count_held(one, services)
        for one in rounds
    ]
    payments = [settle_round(one, services, progress, stops, owner=owner) for one in rounds]
    edits = run_edits(services, owner=owner, may_spend=may_spend, progress=progress, stops=stops)
    remaining = [services.store.remaining(one.round_id) for one in rounds]
    closed = sum(_close_if_finished(*one, services) for one in zip(rounds, remaining, strict=True))
    unread = [failure for one in intakes for failure in one.failures]
    unread += [failure for one in held for failure in one.failures]
    unpaid = [failure for one in payments for failure in one.failures]
    return Collected(
        new_answers=sum(one.new for one in intakes),
        judged=len(verdicts),
        unusable=verdicts.count(Verdict.UNUSABLE) + sum(one.taken_over for one in held),
        paid=sum(one.paid for one in payments),
        unpaid=len(unpaid),
        unread=len(unread),
        decided_elsewhere=sum(one.elsewhere for one in payments),
        first_failure=next(iter([*unread, *unpaid]), None),
        edits=edits,
        rounds_closed=closed,
        answers_missing=sum(one.room for one in remaining),
        rejected=sum(one.rejected for one in payments),
        held=sum(one.waiting for one in held),
    )


# ---- taking answers in ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Fetched:
    answers: tuple[SubmittedAssignment, ...] = ()
    is_finished: bool = False
    failure: str | None = None


def _take_in(
    round_: Round,
    services: Services,
    *,
    owner: str,
    close: bool,
    only: Collection[HitId] | None,
    progress: Progress,
    stops: Stops,
) -> _Intake:
    """Keeps the raw answers of a round's open HITs, and marks those HITs closed that are finished.

    A cancelled round is taken off the market first, as often as it takes.
    """
    failures: list[str] = []
    if round_.is_cancelled and only is None:
        failures += settle_unpublished(round_, services)
    open_hits = [
        hit
        for hit in services.store.hits(round_.round_id)
        if hit.state is HitState.OPEN and (only is None or hit.hit_id in only)
    ]
    fetched = each(
        lambda hit: _fetch(hit, services.crowd, close=close or round_.is_cancelled),
        shared(open_hits, owner=owner, left=lambda some: _still_open(some, services)),
        workers=services.rules.parallel_calls,
        stops=stops,
    )
    new, done = 0, 0
    for batch in batches(fetched, BATCH):
        new += _keep(batch, services)
        failures += [found.failure for _, found in batch if found.failure is not None]
        done += len(batch)
        progress("Reading answers", done, len(open_hits))
    return _Intake(new=new, failures=tuple(failures))


def _still_open(hits: Sequence[Hit], services: Services) -> list[Hit]:
    """Those of the HITs that nobody has closed since they were read."""
    left = services.store.open_hits([hit.token for hit in hits])
    return [hit for hit in hits if hit.token in left]


def _fetch(hit: Hit, crowd: Crowd, *, close: bool) -> _Fetched:
    """Every answer to one HIT, and whether more can come; a HIT that fails does not hold up the others."""
    try:
        return _read(hit, crowd, close=close)
    except HitGone:
        return _Fetched(is_finished=True)
    except CrowdError as error:
        return _Fetched(failure=str(error))


def _read(hit: Hit, crowd: Crowd, *, close: bool) -> _Fetched:
    """The answers, the HIT's state, and, where it is finished, the answers once more.

    Between the first two another answer may have come, and would be missed for good; and a marketplace may list an
    answer later than it counts it.
    """
    if hit.hit_id is None:
        raise StoreError(f"The open HIT {hit.token[:12]}... has no id. Restore the database from a backup.")
    if close:
        crowd.expire(hit.hit_id)
    answers = tuple(crowd.assignments(hit.hit_id))
    if len(answers) >= hit.max_assignments:
        return _Fetched(answers=answers, is_finished=True)
    published = crowd.hit(hit.hit_id)
    if not published.is_finished:
        return _Fetched(answers=answers)
    answers = tuple(crowd.assignments(hit.hit_id))
    return _Fetched(answers=answers, is_finished=len(answers) >= published.submitted)


def _keep(fetched: Sequence[tuple[Hit, _Fetched]], services: Services) -> int:
    now, key = services.clock.now(), services.study().pseudonym_key
    answers = [(hit, answer) for hit, found in fetched for answer in found.answers]
    users = services.store.ensure_users(
        [new_user(answer.worker_id, pseudonym_key=key, at=now) for _, answer in answers]
    )
    rows = [
        Assignment(
            assignment_id=answer.assignment_id,
            token=hit.token,
            user_id=user.user_id,
            raw_answer=answer.answer,
            accepted_at=answer.accepted_at,
            submitted_at=answer.submitted_at,
            stored_at=now,
            state=AssignmentState.STORED,
        )
        for (hit, answer), user in zip(answers, users, strict=True)
    ]
    new = services.store.add_assignments(rows)
    finished = [hit.token for hit, found in fetched if found.is_finished]
    services.store.mark_hits_closed(finished, at=now)
    return len(new)


# ---- closing --------------------------------------------------------------------------------------------


def _close_if_finished(round_: Round, remaining: Remaining, services: Services) -> bool:
    """Closes a round of which nothing more comes: no HIT open, no answer unpaid, no edit waiting."""
    if not remaining.is_nothing:
        return False
    services.store.mark_round_closed(round_.round_id, at=services.clock.now())
    return True
