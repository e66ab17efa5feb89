"""Honest judgement on a whole study: policies, attention checks, and the requester's word on what is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.crowd.browser import WsgiBrowser
from pixelpatchwork.domain.attention import BROKEN_LIKED, TWO_MINDS, picture_key
from pixelpatchwork.domain.errors import CrowdError, NothingToDo, PatchworkError
from pixelpatchwork.domain.judging import JudgementRules, Policy
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    CheckKind,
    Decision,
    Hit,
    ImageId,
    RoundId,
    RoundState,
    Settlement,
    Verdict,
)
from pixelpatchwork.insight.status import study_status
from pixelpatchwork.workflow.judge import BANNED
from pixelpatchwork.workflow.people import ban
from pixelpatchwork.workflow.publish import plan_round
from pixelpatchwork.workflow.review import Ruling, review
from pixelpatchwork.workflow.settle import PAID_BY_TIME
from tests.support.interposed import Interposed, failing_on
from tests.support.study import RULES, Stage, open_stage

GENERATION, VOTING = RoundId("day-1-generation"), RoundId("day-1-voting")
BOTH = (CheckKind.REPEAT, CheckKind.BROKEN)
PAINTERS, VOTERS = ("Ann", "Bob", "Cem", "Dora"), ("Eve", "Finn", "Gus", "Hana")


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def stage(policy: Policy = Policy.SOFT_REJECT, checks: tuple[CheckKind, ...] = ()) -> Stage:
        rules = replace(RULES, judgement=JudgementRules(policy=policy, attention_checks=checks))
        stages.append(open_stage(tmp_path, rules=rules))
        return stages[-1]

    yield stage
    for one in stages:
        one.services.store.close()  # type: ignore[attr-defined]


def painted(stage: Stage, *bad: str) -> dict[str, Assignment]:
    """A generation round with one answer of each worker; those of `bad` have no prompt. Answers by worker."""
    stage.publish()
    for name in PAINTERS:
        stage.clock.advance(timedelta(seconds=1))
        stage.paint(name, "" if name in bad else f"a moon by {name}")
    stage.collect()
    return by_worker(stage, GENERATION, PAINTERS)


def by_worker(stage: Stage, round_id: RoundId, names: tuple[str, ...]) -> dict[str, Assignment]:
    return dict(zip(names, stage.services.store.assignments(round_id), strict=True))


def hits(stage: Stage) -> tuple[Hit, ...]:
    return stage.services.store.hits(VOTING)


def shown_as(stage: Stage, kind: CheckKind) -> set[str]:
    return {check.shown_as for hit in hits(stage) for check in hit.checks if check.kind is kind}


def originals(stage: Stage) -> set[str]:
    return {check.image_id for hit in hits(stage) for check in hit.checks if check.kind is CheckKind.REPEAT}


def voted(stage: Stage, careless: Callable[[str], str]) -> dict[str, Assignment]:
    """A voting round in which Eve votes carelessly and the others like every image but the broken one."""
    painted(stage)
    stage.publish()
    broken = shown_as(stage, CheckKind.BROKEN)
    for name in VOTERS:
        stage.clock.advance(timedelta(seconds=1))
        honest = lambda shown: "down" if shown in broken else "up"  # noqa: E731  # a choice by name
        stage.vote(name, careless if name == "Eve" else honest)
    stage.collect()
    return by_worker(stage, VOTING, VOTERS)


def diary(stage: Stage, kind: str) -> list[tuple[str, str]]:
    return [(event.subject, event.detail) for event in stage.services.store.events() if event.kind == kind]


def pay(stage: Stage, answer: Assignment) -> Settlement | None:
    return stage.services.crowd.settlement(answer.assignment_id)


# ---- policies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Policy.SOFT_REJECT, Policy.APPROVE_ALL])
def test_what_cannot_be_used_is_paid_and_left_out(staged: Callable[..., Stage], policy: Policy) -> None:
    stage = staged(policy)
    answer = painted(stage, "Bob")["Bob"]
    assert (answer.verdict, answer.decision) == (Verdict.UNUSABLE, Decision.APPROVE)
    assert pay(stage, answer) is Settlement.APPROVED
    assert stage.services.store.rounds()[0].state is RoundState.CLOSED


def test_under_hold_it_is_neither_paid_nor_left_out_and_its_round_stays_open(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    assert (answer.verdict, answer.decision, answer.state) == (Verdict.HELD, None, AssignmentState.JUDGED)
    assert pay(stage, answer) is None
    again = stage.collect()
    assert (again.held, again.paid, again.rounds_closed) == (1, 0, 0)
    status = study_status(stage.services.store)
    assert status is not None
    assert (status.days[0].rounds[0].held, status.days[0].rounds[0].unpaid) == (1, 0)
    with pytest.raises(NothingToDo, match="ppw collect"):
        plan_round(stage.services)


def test_a_round_keeps_the_checks_it_was_planned_with_and_is_judged_by_the_policy_of_the_day(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    painted(stage)
    stage.publish()
    later = replace(stage.services.rules, judgement=JudgementRules(policy=Policy.HOLD))
    stage = stage.with_services(rules=later)
    stage.vote("Eve", lambda _shown: "up")
    assert stage.collect().held == 1


# ---- attention checks on ballots ------------------------------------------------------------------------


def everything_up(_shown: str) -> str:
    return "up"


def test_a_failed_check_leaves_a_ballot_out_and_the_diary_says_so(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    answers = voted(stage, everything_up)
    assert (answers["Eve"].verdict, answers["Eve"].reason) == (Verdict.UNUSABLE, BROKEN_LIKED)
    assert {answers[name].verdict for name in VOTERS[1:]} == {Verdict.USABLE}
    assert diary(stage, "attention_failed") == [(answers["Eve"].assignment_id, BROKEN_LIKED)]
    assert len(diary(stage, "attention_passed")) == 3
    assert len({vote.user_id for vote in stage.services.store.votes(VOTING)}) == 3
    assert pay(stage, answers["Eve"]) is Settlement.APPROVED


def test_whoever_is_of_two_minds_about_one_picture_fails_the_repeat(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, (CheckKind.REPEAT,))
    answers = voted(stage, lambda shown: "up" if shown in originals(stage) else "down")
    assert answers["Eve"].reason == TWO_MINDS


def test_under_approve_all_the_votes_count_and_the_failure_is_noted(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.APPROVE_ALL, BOTH)
    answers = voted(stage, everything_up)
    assert (answers["Eve"].verdict, answers["Eve"].reason) == (Verdict.USABLE, BROKEN_LIKED)
    assert len({vote.user_id for vote in stage.services.store.votes(VOTING)}) == 4


def test_votes_on_checks_become_no_votes_and_places_on_the_ballot_stay(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    answers = voted(stage, everything_up)
    store = stage.services.store
    by_token = {hit.token: hit for hit in hits(stage)}
    token = {answer.assignment_id: answer.token for answer in answers.values()}
    votes = store.votes(VOTING)
    assert len(votes) == 3 * 4
    for vote in votes:
        assert by_token[token[vote.assignment_id]].ballot[vote.position] == vote.image_id
    assert {vote.image_id for vote in votes} == {image.image_id for image in store.images(day_number=1)}


def test_every_image_is_on_as_many_ballots_as_any_other_and_no_check_stands_for_election(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    painted(stage)
    plan = plan_round(stage.services)
    assert {len(hit.ballot) for hit in plan.hits} == {4 + 2}
    assert {frozenset(hit.images) for hit in plan.hits} == {
        frozenset(image.image_id for image in stage.services.store.images(day_number=1))
    }
    assert plan_round(stage.services).hits == plan.hits


def test_the_page_does_not_tell_checks_from_images(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    painted(stage)
    stage.publish()
    hit = hits(stage)[0]
    fieldsets = ballot_of(stage)
    shapes = {skeleton(str(one), hit) for one in fieldsets}
    assert len(fieldsets) == 6
    assert len(shapes) == 1


def ballot_of(stage: Stage) -> list[object]:
    """The fieldsets of the first ballot on the workers' site."""
    browser = WsgiBrowser(stage.app.wsgi_app)
    signin = browser.get("/signin").form("form.signin")
    assert signin is not None
    browser.submit(signin, {"name": "Zoe"})
    hit_id = hits(stage)[0].hit_id
    frame = browser.get(f"/hits/{hit_id}").soup.select_one("iframe")
    assert frame is not None
    page = browser.get(str(frame["src"]))
    return list(page.soup.select("fieldset[data-image-id]"))


def skeleton(html: str, hit: Hit) -> str:
    """A fieldset without what is every picture's own: its id, its address, its number and its words."""
    for place in sorted({*hit.ballot, *hit.images}):
        html = html.replace(place, "ID")
    for number in range(1, 20):
        html = html.replace(f"Picture {number}", "Picture N").replace(f"picture {number}", "picture N")
    before, _, rest = html.partition("data-prompt")
    return before + rest.partition("</p>")[2]


def test_a_broken_picture_is_kept_once_and_looks_the_same_when_a_round_is_taken_up_again(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.SOFT_REJECT, (CheckKind.BROKEN,))
    painted(stage)
    broken = Interposed(stage.services.crowd, "create_hit", before=failing_on(1, CrowdError("away")))
    with pytest.raises(CrowdError):
        stage.with_services(crowd=broken).publish()
    (check,) = {check for hit in hits(stage) for check in hit.checks}
    kept = stage.services.images.get(picture_key(check))
    stage.publish()
    assert stage.services.images.get(picture_key(check)) == kept


def test_a_second_ballot_is_never_held_for_there_is_nothing_to_decide(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    painted(stage)
    stage.publish()
    stage.vote("Eve", everything_up)
    stage.vote("Eve", everything_up)
    stage.collect()
    assert [one.verdict for one in stage.services.store.assignments(VOTING)] == [
        Verdict.USABLE,
        Verdict.UNUSABLE,
    ]


# ---- the requester's word -------------------------------------------------------------------------------


def decide(stage: Stage, answer: Assignment, ruling: Ruling, reason: str = "") -> object:
    return review(stage.services, [answer.assignment_id], ruling=ruling, reason=reason)


def found(stage: Stage, answer: Assignment) -> Assignment:
    rounds = stage.services.store.rounds()
    return next(
        one
        for round_ in rounds
        for one in stage.services.store.assignments(round_.round_id)
        if one.assignment_id == answer.assignment_id
    )


def test_what_is_left_out_is_paid_at_once_and_the_round_closes(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.LEAVE_OUT)
    assert (done.decided, done.paid, done.rejected) == ((answer.assignment_id,), 1, 0)
    assert found(stage, answer).settlement is Settlement.APPROVED
    assert pay(stage, answer) is Settlement.APPROVED
    assert stage.collect().rounds_closed == 1


def test_what_is_rejected_is_not_paid_and_the_worker_reads_why(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.REJECT, reason="There is no prompt.")
    assert (done.paid, done.rejected) == (0, 1)
    after = found(stage, answer)
    assert (after.verdict, after.settlement, after.reason) == (
        Verdict.UNUSABLE,
        Settlement.REJECTED,
        "There is no prompt.",
    )
    assert pay(stage, answer) is Settlement.REJECTED
    assert stage.collect().rounds_closed == 1


def test_a_rejection_without_a_reason_is_refused(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    with pytest.raises(PatchworkError, match="--reason"):
        decide(stage, answer, Ruling.REJECT, "  ")
    assert found(stage, answer).verdict is Verdict.HELD


def test_an_accepted_ballot_counts_though_it_failed_its_checks(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answers = voted(stage, everything_up)
    assert answers["Eve"].verdict is Verdict.HELD
    decide(stage, answers["Eve"], Ruling.ACCEPT, "She wrote that her screen was dark.")
    after = found(stage, answers["Eve"])
    assert (after.verdict, after.settlement) == (Verdict.USABLE, Settlement.APPROVED)
    assert after.reason == f"{BROKEN_LIKED} She wrote that her screen was dark."
    assert len({vote.user_id for vote in stage.services.store.votes(VOTING)}) == 4
    assert stage.collect().rounds_closed == 1


def test_an_accepted_painting_is_made_though_its_mask_is_too_small(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    strict = replace(stage.services.rules.answers, min_coverage=0.5, max_coverage=0.6)
    stage = stage.with_services(rules=replace(stage.services.rules, answers=strict))
    answer = painted(stage)["Ann"]
    assert answer.verdict is Verdict.HELD
    decide(stage, answer, Ruling.ACCEPT)
    assert stage.collect().edits.made == 1
    assert pay(stage, answer) is Settlement.APPROVED


def test_what_cannot_be_read_cannot_be_accepted_and_stays_held(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.ACCEPT)
    ((key, why),) = done.unusable
    assert (key, done.decided) == (answer.assignment_id, ())
    assert "no prompt" in why
    assert found(stage, answer).verdict is Verdict.HELD


def test_what_a_banned_user_handed_in_cannot_be_accepted(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answer = voted(stage, everything_up)["Eve"]
    ban(stage.services, answer.user_id, is_banned=True)
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.ACCEPT)
    assert done.unusable == ((answer.assignment_id, BANNED),)


def test_nothing_of_a_cancelled_round_is_held(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    stage.publish()
    stage.paint("Ann", "")
    stage.services.store.mark_round_cancelled(GENERATION, at=stage.clock.now())
    assert stage.collect(close=True).held == 0
    assert [one.settlement for one in stage.services.store.assignments(GENERATION)] == [Settlement.APPROVED]


def test_all_that_is_held_may_be_left_out_at_once(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    painted(stage, "Bob", "Cem")
    done = review(stage.services, None, ruling=Ruling.LEAVE_OUT)
    assert (len(done.decided), done.paid) == (2, 2)
    with pytest.raises(NothingToDo, match="ppw status"):
        review(stage.services, None, ruling=Ruling.LEAVE_OUT)


def test_an_answer_that_is_not_held_cannot_be_decided_and_nothing_else_is(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answers = painted(stage, "Bob")
    wanted = [answers["Bob"].assignment_id, AssignmentId("3NOBODY")]
    with pytest.raises(PatchworkError, match="3NOBODY"):
        review(stage.services, wanted, ruling=Ruling.LEAVE_OUT)
    assert found(stage, answers["Bob"]).verdict is Verdict.HELD


@pytest.mark.parametrize("ruling", list(Ruling))
def test_a_decision_survives_a_marketplace_that_is_away(staged: Callable[..., Stage], ruling: Ruling) -> None:
    stage = staged(Policy.HOLD, BOTH)
    answer = voted(stage, everything_up)["Eve"]
    call = "reject" if ruling is Ruling.REJECT else "approve"
    away = Interposed(stage.services.crowd, call, before=failing_on(1, CrowdError("away")))
    services = replace(stage.services, crowd=away)
    done = review(services, [answer.assignment_id], ruling=ruling, reason="So be it.")
    assert (done.unpaid, done.failure) == (1, "away")
    collected = stage.collect()
    expected = Settlement.REJECTED if ruling is Ruling.REJECT else Settlement.APPROVED
    assert found(stage, answer).settlement is expected is pay(stage, answer)
    assert (collected.rejected, collected.paid) == ((1, 0) if ruling is Ruling.REJECT else (0, 1))


def test_a_rejection_that_time_has_overtaken_is_a_payment(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.clock.advance(timedelta(days=4))
    done = review(stage.services, [answer.assignment_id], ruling=Ruling.REJECT, reason="Too late.")
    assert (done.rejected, done.paid) == (0, 1)
    assert found(stage, answer).settlement is Settlement.APPROVED
    assert [key for key, _ in diary(stage, "not_rejected")] == [answer.assignment_id]


def test_a_held_answer_that_time_has_paid_is_left_out_by_the_next_collect(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.clock.advance(timedelta(days=4))
    done = stage.collect()
    after = found(stage, answer)
    assert (after.verdict, after.settlement) == (Verdict.UNUSABLE, Settlement.APPROVED)
    assert (after.reason or "").endswith(PAID_BY_TIME)
    assert (done.held, done.rounds_closed) == (0, 1)


def test_a_held_answer_that_was_rejected_by_hand_stays_rejected(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    answer = painted(stage, "Bob")["Bob"]
    stage.services.crowd.reject(answer.assignment_id, feedback="By hand.")
    stage.collect()
    assert found(stage, answer).settlement is Settlement.REJECTED


def test_held_answers_wait_where_the_marketplace_cannot_be_asked(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.HOLD)
    painted(stage, "Bob")
    away = Interposed(stage.services.crowd, "settlement", before=failing_on(1, CrowdError("away")))
    done = stage.with_services(crowd=away).collect()
    assert (done.held, done.unread, done.first_failure) == (1, 1, "away")


def test_an_image_id_of_a_check_is_no_image(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    voted(stage, everything_up)
    for shown in shown_as(stage, CheckKind.BROKEN) | shown_as(stage, CheckKind.REPEAT):
        assert stage.services.store.image(ImageId(shown)) is None
