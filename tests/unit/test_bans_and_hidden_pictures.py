"""Banned users and hidden pictures on a whole study: they stand on no ballot, win nothing and count nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.crowd.browser import CrowdTrouble
from pixelpatchwork.domain.errors import CrowdError, PatchworkError
from pixelpatchwork.domain.judging import JudgementRules
from pixelpatchwork.domain.model import Image, ImageId, ImageState, RoundId, Settlement, User, Verdict
from pixelpatchwork.insight.people import read_people
from pixelpatchwork.insight.report import build_report
from pixelpatchwork.insight.status import study_status
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.judge import BANNED
from pixelpatchwork.workflow.people import ban, find_user
from pixelpatchwork.workflow.publish import plan_round
from tests.support.interposed import Interposed, failing_on
from tests.support.study import RULES, Stage, open_stage

VOTING = RoundId("day-1-voting")
PAINTERS, VOTERS = ("Ann", "Bob", "Cem", "Dora"), ("Eve", "Finn", "Gus", "Hana")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    rules = replace(RULES, has_incumbent=True, judgement=JudgementRules(hide_at_flags=2))
    stage = open_stage(tmp_path, rules=rules)
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def paint_all(stage: Stage) -> tuple[Image, ...]:
    stage.publish()
    for name in PAINTERS:
        stage.clock.advance(timedelta(seconds=1))
        stage.paint(name, f"a moon by {name}")
    stage.collect()
    return stage.services.store.images(day_number=1)


def by(stage: Stage, name: str) -> Image:
    """The image that a worker painted."""
    return next(one for one in stage.services.store.images() if one.prompt_text == f"a moon by {name}")


def maker(stage: Stage, name: str) -> User:
    creator = by(stage, name).creator_id
    assert creator is not None
    found = stage.services.store.user_by_id(creator)
    assert found is not None
    return found


def vote_all(stage: Stage, choose: Callable[[str], str]) -> None:
    for name in VOTERS:
        stage.clock.advance(timedelta(seconds=1))
        stage.vote(name, choose)
    stage.collect()


def hide(stage: Stage, image_id: ImageId, state: ImageState = ImageState.HIDDEN) -> None:
    stage.services.store.review_image(image_id, state, at=stage.clock.now())


def fond_of(image: Image) -> Callable[[str], str]:
    return lambda shown: "up" if shown == image.image_id else "down"


# ---- hidden pictures ------------------------------------------------------------------------------------


def test_a_hidden_picture_stands_on_no_ballot(stage: Stage) -> None:
    paint_all(stage)
    hide(stage, by(stage, "Bob").image_id)
    shown = {image_id for hit in plan_round(stage.services).hits for image_id in hit.ballot}
    assert by(stage, "Bob").image_id not in shown
    assert len(shown) == 4


def test_a_picture_that_is_hidden_while_it_is_voted_on_cannot_win(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    vote_all(stage, fond_of(by(stage, "Bob")))
    hide(stage, by(stage, "Bob").image_id)
    advanced = advance_day(stage.services)
    assert advanced.winner_image_id != by(stage, "Bob").image_id
    assert by(stage, "Bob").image_id not in {one.image_id for one in advanced.tallies}


def test_where_all_that_was_painted_is_hidden_there_is_nothing_to_vote_on(stage: Stage) -> None:
    for image in paint_all(stage):
        hide(stage, image.image_id)
    status = study_status(stage.services.store)
    assert status is not None
    assert status.next_command == "ppw advance-day"
    assert advance_day(stage.services).winner_image_id == stage.services.store.days()[0].seed_image_id


def test_a_hidden_seed_cannot_win_again_and_the_day_ends_with_what_is_behind_it(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    vote_all(stage, fond_of(by(stage, "Bob")))
    second = advance_day(stage.services).next_day
    hide(stage, second.seed_image_id)
    stage.publish()
    stage.collect(close=True)
    assert advance_day(stage.services).winner_image_id == stage.services.store.days()[0].seed_image_id


def test_hidden_winners_are_not_shown_to_later_workers(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    vote_all(stage, fond_of(by(stage, "Bob")))
    advance_day(stage.services)
    shown: list[tuple[str, ...]] = []

    class Pages:
        def generation(self, page: object) -> str:
            shown.append(tuple(one.prompt for one in page.past_winners))  # type: ignore[attr-defined]  # the port's
            raise CrowdError("seen")

    for state in (ImageState.VISIBLE, ImageState.HIDDEN):
        hide(stage, by(stage, "Bob").image_id, state)
        with pytest.raises(CrowdError, match="seen"):
            stage.with_services(pages=Pages()).publish()
    assert shown == [("a moon by Bob",), ()]


# ---- flags ----------------------------------------------------------------------------------------------


def flag(stage: Stage, worker: str, image: Image) -> None:
    fields = {"consent": "yes", f"flag_{image.image_id}": "yes"}
    stage.answer(worker, fields, lambda _shown: "down")


def test_flags_hide_a_picture_until_it_is_looked_at(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    bob = by(stage, "Bob")
    for worker in ("Eve", "Finn"):
        flag(stage, worker, bob)
    stage.collect()
    status = study_status(stage.services.store)
    assert status is not None
    assert status.flagged == (bob.image_id,)
    report = build_report(stage.services.store, stage.services.images, generated_at=stage.clock.now())
    assert (report.days[0].hidden, [one.prompt for one in report.days[0].entries].count(bob.prompt_text)) == (
        1,
        0,
    )
    hide(stage, bob.image_id, ImageState.VISIBLE)
    flag(stage, "Gus", bob)
    stage.collect()
    assert by(stage, "Bob").state is ImageState.VISIBLE


# ---- bans -----------------------------------------------------------------------------------------------


def test_the_picture_of_a_banned_user_stands_on_no_ballot(stage: Stage) -> None:
    paint_all(stage)
    ban(stage.services, maker(stage, "Bob").username, is_banned=True)
    shown = {image_id for hit in plan_round(stage.services).hits for image_id in hit.ballot}
    assert by(stage, "Bob").image_id not in shown


def test_the_picture_of_a_user_who_is_banned_during_the_vote_cannot_win(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    vote_all(stage, fond_of(by(stage, "Bob")))
    ban(stage.services, maker(stage, "Bob").user_id, is_banned=True)
    assert advance_day(stage.services).winner_image_id != by(stage, "Bob").image_id


def test_the_votes_of_a_banned_user_decide_nothing(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    bob, cem = by(stage, "Bob"), by(stage, "Cem")
    for worker, liked in (("Eve", bob), ("Finn", cem), ("Gus", bob)):
        stage.clock.advance(timedelta(seconds=1))
        stage.vote(worker, fond_of(liked))
    stage.collect(close=True)
    voters = [answer.user_id for answer in stage.services.store.assignments(VOTING)]
    for user_id in (voters[0], voters[2]):
        ban(stage.services, user_id, is_banned=True)
    advanced = advance_day(stage.services)
    assert advanced.winner_image_id == cem.image_id
    best = {one.image_id: one.upvotes for one in advanced.tallies}
    assert (best[cem.image_id], best[bob.image_id]) == (1, 0)


def test_what_a_banned_user_hands_in_later_is_paid_and_left_out(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon by Ann")
    stage.collect()
    stage.paint("Ann", "another moon")
    ann = stage.services.store.users()[0]
    ban(stage.services, ann.user_id, is_banned=True)
    stage.collect()
    late = stage.services.store.assignments(RoundId("day-1-generation"))[1]
    assert (late.verdict, late.reason, late.settlement) == (Verdict.UNUSABLE, BANNED, Settlement.APPROVED)


def test_a_banned_user_is_blocked_in_the_marketplace_and_may_be_let_back(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon by Ann")
    stage.collect()
    ann = stage.services.store.users()[0]
    assert ban(stage.services, ann.username.upper(), is_banned=True).block_failure is None
    with pytest.raises(CrowdTrouble):
        stage.paint("Ann", "another moon")
    ban(stage.services, ann.username, is_banned=False)
    stage.paint("Ann", "another moon")


def test_a_ban_stands_though_the_marketplace_does_not_block(stage: Stage) -> None:
    paint_all(stage)
    away = Interposed(stage.services.crowd, "block", before=failing_on(1, CrowdError("away")))
    bob = maker(stage, "Bob")
    done = ban(replace(stage.services, crowd=away), bob.user_id, is_banned=True)
    assert (done.is_banned, done.block_failure) == (True, "away")
    assert maker(stage, "Bob").is_banned


def test_a_name_that_nobody_has_is_refused(stage: Stage) -> None:
    paint_all(stage)
    with pytest.raises(PatchworkError, match="ppw users list"):
        ban(stage.services, "Nobody", is_banned=True)


def test_people_are_listed_by_artist_name_with_what_they_did(stage: Stage) -> None:
    paint_all(stage)
    stage.publish()
    vote_all(stage, lambda _shown: "up")
    people = read_people(stage.services.store)
    assert [one.username for one in people] == sorted(one.username for one in people)
    bob = next(one for one in people if one.user_id == maker(stage, "Bob").user_id)
    assert (bob.answers, bob.images, bob.votes, bob.is_banned) == (1, 1, 0, False)
    assert sum(one.votes for one in people) == 4 * 5
    assert find_user(stage.services.store, bob.username).user_id == bob.user_id
