"""Publishing a round: plan it, record the plan, publish HIT by HIT, find again what an earlier run published."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pixelpatchwork.domain.attention import with_checks
from pixelpatchwork.domain.errors import (
    AlreadyRecorded,
    CrowdError,
    HitExists,
    InsufficientFunds,
    NothingToDo,
    RecordsTooOld,
)
from pixelpatchwork.domain.model import (
    Day,
    Hit,
    HitId,
    HitState,
    HitTypeId,
    Round,
    RoundId,
    RoundKind,
)
from pixelpatchwork.domain.plan import (
    RoundPlan,
    RoundRules,
    annotation_prefix,
    current_round,
    is_later,
    next_attempt,
    plan_generation,
    plan_voting,
    round_of,
    study_prefix,
)
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec, PublishedHit
from pixelpatchwork.domain.standing import Standing, standing
from pixelpatchwork.domain.steps import Step
from pixelpatchwork.domain.voting import candidates
from pixelpatchwork.domain.wording import of_day
from pixelpatchwork.workflow.pages import Ballot, render_questions, store_check_pictures
from pixelpatchwork.workflow.parallel import each
from pixelpatchwork.workflow.services import Progress, Services, no_progress
from pixelpatchwork.workflow.withdraw import withdraw

CANCELLED_MEANWHILE = "The round was cancelled by another run while it was being published."


@dataclass(frozen=True, kw_only=True)
class Published:
    """What `publish` did: HITs published now, and HITs that an earlier run had published and this one found."""

    round: Round
    created: int
    found: int


def plan_round(services: Services) -> RoundPlan:
    """The round that is due on the current Day; one that was begun comes back as it was recorded.

    Changes nothing. Raises NothingToDo where another step comes first.
    """
    day = services.current_day()
    stands = standing(services.store, day)
    step = stands.step
    if step not in {Step.PUBLISH_GENERATION, Step.PUBLISH_VOTING} or step.kind is None:
        raise NothingToDo(f"Day {day.number}: the next step is to {step}. Run: {step.command}")
    begun = current_round(stands.rounds, step.kind)
    if begun is not None:
        return RoundPlan(round=begun, hits=services.store.hits(begun.round_id))
    return _plan(services, day, step.kind, stands)


def publish(plan: RoundPlan, services: Services, progress: Progress = no_progress) -> Published:
    """Records the plan and publishes what of it is not published yet. Safe to run again, or twice at once.

    Raises PageTooLarge, ImageMissing, InsufficientFunds, RecordsTooOld or BudgetExceeded before anything is recorded,
    CrowdError where the marketplace refuses.
    """
    day = services.current_day()
    begun = _recorded(services, plan.round.round_id)
    plan = begun or plan
    if plan.round.is_cancelled:
        raise NothingToDo(f"{CANCELLED_MEANWHILE} Run: ppw status")
    services.require_market(plan.round)
    there = _already_there(plan, services)
    _require_funds(plan, there, services)
    store_check_pictures(plan.hits, services)
    questions = render_questions(plan.round, plan.hits, services, day)
    if begun is None:
        recorded = _record(plan, services)
        if recorded != replace(plan, unseen=0):  # another run was a moment quicker: its plan stands
            return publish(recorded, services, progress)
    job = _Job(
        services=services,
        round=plan.round,
        rules=services.rules.of(plan.round.kind),
        questions=questions,
        hit_type_id=services.crowd.ensure_hit_type(_hit_type(plan, services, day)),
        there=there,
    )
    return _publish_all(job, plan, progress)


def _publish_all(job: _Job, plan: RoundPlan, progress: Progress) -> Published:
    services = job.services
    waiting = [hit for hit in plan.hits if hit.state is HitState.PLANNED]
    found = 0
    calls = each(job.publish, waiting, workers=services.rules.parallel_calls)
    for done, (hit, outcome) in enumerate(calls, start=1):
        if outcome is None:
            continue
        services.store.mark_hit_open(
            hit.token, outcome.hit_id, expires_at=outcome.expires_at, at=services.clock.now()
        )
        found += outcome.was_found
        progress("Publishing HITs", done, len(waiting))
    if services.is_cancelled(plan.round):
        withdraw(plan.round, services)
        raise NothingToDo(f"{CANCELLED_MEANWHILE} What came of it is taken in by: ppw collect")
    services.store.mark_round_open(plan.round.round_id, at=services.clock.now())
    return Published(round=plan.round, created=len(waiting) - found, found=found)


def _plan(services: Services, day: Day, kind: RoundKind, stands: Standing) -> RoundPlan:
    study_id, now, rules = services.study().study_id, services.clock.now(), services.rules
    attempt = next_attempt(stands.rounds, kind)
    if kind is RoundKind.GENERATION:
        plan = plan_generation(
            study_id,
            day,
            rules.generation,
            answers=rules.answers,
            market=services.market,
            now=now,
            attempt=attempt,
        )
        # What the edits of its answers can cost at most, for the budgets: reserved with the round.
        return replace(plan, round=replace(plan.round, edit_usd=services.editor.worst_case_usd))
    seed = services.store.image(day.seed_image_id) if rules.has_incumbent else None
    incumbent = candidates([] if seed is None else [seed], banned=stands.banned)
    plan = plan_voting(
        study_id,
        day,
        rules.voting,
        candidates=[image.image_id for image in (*stands.painted, *incumbent)],
        ballot_size=rules.ballot_size,
        market=services.market,
        now=now,
        attempt=attempt,
    )
    kinds = rules.judgement.attention_checks
    return replace(plan, hits=with_checks(plan.hits, kinds, seed_image_id=day.seed_image_id))


def _require_funds(plan: RoundPlan, there: Mapping[str, PublishedHit], services: Services) -> None:
    """A round that runs out of money half way can be completed, but it is better not begun.

    HITs that are on the market already, noted or not, have been charged.
    """
    missing = [hit for hit in plan.hits if hit.state is HitState.PLANNED and hit.annotation not in there]
    needed = plan.cost_of(missing).total
    balance = services.crowd.balance()
    if balance < needed:
        raise InsufficientFunds(
            f"The round needs ${needed:.2f}, and the marketplace's balance is ${balance:.2f}. "
            "Add funds, or lower `assignments` or `reward_usd` in the settings of a round that is not begun."
        )


def _recorded(services: Services, round_id_: RoundId) -> RoundPlan | None:
    """The plan of a round that was begun, as the store holds it."""
    begun = services.store.round(round_id_)
    return None if begun is None else RoundPlan(round=begun, hits=services.store.hits(round_id_))


def _record(plan: RoundPlan, services: Services) -> RoundPlan:
    """Records a plan, and gives the one that stands: another run may have been a moment quicker."""
    with suppress(AlreadyRecorded):
        services.store.add_round(plan.round, plan.hits, budget=services.rules.budget)
    return _recorded(services, plan.round.round_id) or plan


def _already_there(plan: RoundPlan, services: Services) -> Mapping[str, PublishedHit]:
    """What the marketplace has of this round, by annotation: an earlier run may have stopped before it noted it.

    Request tokens guard for 24 hours only, so the annotation is asked first; of a new round, too: a database that was
    restored from a backup may have forgotten one. Raises RecordsTooOld where it has forgotten a later one as well.
    """
    study_id, ours = services.study().study_id, plan.round.round_id
    hits = tuple(services.crowd.hits(study_prefix(study_id)))
    known = {one.round_id for one in services.store.rounds()}
    for later in sorted({round_of(hit.annotation) for hit in hits} - known):
        if is_later(later, ours):
            raise RecordsTooOld(
                f"The marketplace has HITs of {later}, not on record, so {ours} is not published: the "
                "database is older than these HITs, and their work would be lost. Restore it from a newer backup."
            )
    prefix = annotation_prefix(study_id, ours)
    return {hit.annotation: hit for hit in hits if hit.annotation.startswith(prefix)}


def _hit_type(plan: RoundPlan, services: Services, day: Day) -> HitTypeSpec:
    rules = services.rules.of(plan.round.kind)
    return HitTypeSpec(
        title=of_day(rules.title, day.number, called=services.rules.day_name),
        description=rules.description,
        keywords=rules.keywords,
        reward_usd=plan.round.reward_usd,
        assignment_duration=rules.assignment_duration,
        auto_approval_delay=rules.auto_approval_delay,
    )


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    hit_id: HitId
    expires_at: datetime
    was_found: bool


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What the HITs of one round have in common while they are published."""

    services: Services
    round: Round
    rules: RoundRules
    questions: Mapping[Ballot, str]
    hit_type_id: HitTypeId
    there: Mapping[str, PublishedHit]

    def publish(self, hit: Hit) -> _Outcome | None:
        """Publishes one HIT, or finds it where the marketplace has it already; None once its round is cancelled."""
        if self.services.is_cancelled(self.round):
            return None
        published = self.there.get(hit.annotation)
        if published is not None:
            return _Outcome(hit_id=published.hit_id, expires_at=published.expires_at, was_found=True)
        hit_id, was_found = self._create(hit)
        expires_at = self.services.clock.now() + self.rules.lifetime
        return _Outcome(hit_id=hit_id, expires_at=expires_at, was_found=was_found)

    def _create(self, hit: Hit) -> tuple[HitId, bool]:
        request = HitRequest(
            hit_type_id=self.hit_type_id,
            token=hit.token,
            annotation=hit.annotation,
            question=self.questions[hit.ballot],
            max_assignments=hit.max_assignments,
            lifetime=self.rules.lifetime,
        )
        try:
            return self.services.crowd.create_hit(request), False
        except HitExists as exists:
            return exists.hit_id or self._find(hit, exists), True

    def _find(self, hit: Hit, exists: HitExists) -> HitId:
        for published in self.services.crowd.hits(hit.annotation):
            if published.annotation == hit.annotation:
                return published.hit_id
        raise CrowdError(
            "The marketplace says that a HIT exists already, but does not list it yet. "
            "Wait a minute and run: ppw publish-round"
        ) from exists
