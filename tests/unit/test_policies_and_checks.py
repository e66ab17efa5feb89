"""Honest judgement on a whole study: its policies, and the attention checks on its ballots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pixelpatchwork.crowd.browser import WsgiBrowser
from pixelpatchwork.domain.attention import BROKEN_LIKED, TWO_MINDS, picture_key
from pixelpatchwork.domain.errors import CrowdError, NothingToDo
from pixelpatchwork.domain.judging import JudgementRules, Policy
from pixelpatchwork.domain.model import (
    AssignmentState,
    CheckKind,
    Decision,
    Hit,
    ImageId,
    RoundState,
    Settlement,
    Verdict,
)
from pixelpatchwork.insight.status import study_status
from pixelpatchwork.workflow.publish import plan_round
from tests.support.interposed import Interposed, failing_on
from tests.support.judging import (
    BOTH,
    VOTERS,
    VOTING,
    diary,
    everything_up,
    hits,
    judged_stages,
    painted,
    pay,
    shown_as,
    voted,
)
from tests.support.study import Stage


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    with judged_stages(tmp_path) as stage:
        yield stage


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


def originals(stage: Stage) -> set[str]:
    return {check.image_id for hit in hits(stage) for check in hit.checks if check.kind is CheckKind.REPEAT}


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


def test_an_image_id_of_a_check_is_no_image(staged: Callable[..., Stage]) -> None:
    stage = staged(Policy.SOFT_REJECT, BOTH)
    voted(stage, everything_up)
    for shown in shown_as(stage, CheckKind.BROKEN) | shown_as(stage, CheckKind.REPEAT):
        assert stage.services.store.image(ImageId(shown)) is None
