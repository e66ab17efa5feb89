"""A Day of a study, step by step: publish, collect, vote, advance, and every one of them twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pixelpatchwork.domain.errors import InsufficientFunds, NothingToDo
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import (
    AssignmentState,
    EditState,
    RoundId,
    RoundState,
    Verdict,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.pictures import sha256_hex
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.publish import plan_round
from tests.support.study import RULES, Stage, open_stage, picture, seed_bytes

GENERATION, VOTING = RoundId("day-1-generation"), RoundId("day-1-voting")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path)
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def generation_day(stage: Stage) -> None:
    stage.publish()
    for worker in ("Ann", "Bob", "Cem", "Dora"):
        stage.paint(worker, f"a moon by {worker}")


def voting_day(stage: Stage) -> str:
    """Everybody likes the first image. Gives its id."""
    generation_day(stage)
    stage.collect()
    favourite = stage.services.store.images(day_number=1)[0].image_id
    stage.publish()
    for worker in ("Eve", "Finn", "Gus", "Hana"):
        stage.vote(worker, lambda image_id: "up" if image_id == favourite else "down")
    stage.collect()
    return favourite


# ---- publishing -----------------------------------------------------------------------------------------


def test_planning_changes_nothing(stage: Stage) -> None:
    plan = plan_round(stage.services)
    assert plan.assignments == 4
    assert stage.services.store.rounds() == ()
    assert list(stage.services.crowd.hits("pixelpatchwork")) == []


def test_a_published_round_is_open_and_its_hits_are_on_the_market(stage: Stage) -> None:
    assert stage.publish().created == 2
    (round_,) = stage.services.store.rounds()
    hits = stage.services.store.hits(GENERATION)
    market = {hit.hit_id: hit for hit in stage.services.crowd.hits("pixelpatchwork:test-0001")}
    assert round_.state is RoundState.OPEN
    assert {hit.hit_id for hit in hits} == set(market)
    assert {hit.annotation for hit in hits} == {hit.annotation for hit in market.values()}


def test_an_open_round_is_not_published_again(stage: Stage) -> None:
    stage.publish()
    with pytest.raises(NothingToDo, match="ppw collect"):
        stage.publish()


def test_a_round_that_the_balance_does_not_cover_is_not_begun(tmp_path: Path) -> None:
    rich = replace(RULES.generation, reward_usd=Usd("100.00"), assignments=90)
    stage = open_stage(tmp_path, rules=replace(RULES, generation=rich))
    with pytest.raises(InsufficientFunds, match=r"needs \$10800.00, .* balance is \$10000.00"):
        stage.publish()
    assert stage.services.store.rounds() == ()
    assert list(stage.services.crowd.hits("pixelpatchwork")) == []


# ---- collecting -----------------------------------------------------------------------------------------


def test_answers_become_images_and_workers_are_paid(stage: Stage) -> None:
    generation_day(stage)
    done = stage.collect()
    assert (done.new_answers, done.judged, done.paid, done.edits.made) == (4, 4, 4, 4)
    assert done.rounds_closed == 1
    answers = stage.services.store.assignments(GENERATION)
    assert {answer.state for answer in answers} == {AssignmentState.SETTLED}
    market = [
        answer
        for hit in stage.services.store.hits(GENERATION)
        if hit.hit_id
        for answer in stage.services.crowd.assignments(hit.hit_id)
    ]
    assert [answer.is_approved for answer in market] == [True] * 4


def test_an_image_differs_inside_its_mask_and_nowhere_else(stage: Stage) -> None:
    generation_day(stage)
    stage.collect()
    store = stage.services.store
    seed, *images = store.images()
    before = picture(stage, seed.s3_path)
    assert len(images) == 4
    for image in images:
        after = picture(stage, image.s3_path)
        inside = Mask.from_rle(image.mask_rle or "", size=(seed.width, seed.height)).pixels
        changed = (before != after).any(axis=-1)
        assert not (changed & ~inside).any()
        assert changed[inside].mean() > 0.5


def test_stored_images_carry_their_origin(stage: Stage) -> None:
    generation_day(stage)
    stage.collect()
    image = stage.services.store.images(day_number=1)[0]
    data = stage.services.images.get(image.s3_path)
    assert image.sha256 == sha256_hex(data)
    assert image.seed_image_id == stage.services.current_day().seed_image_id
    assert image.prompt_text.startswith("a moon by ")
    assert image.day == date(2026, 3, 2)
    assert image.raw_path is not None
    assert stage.services.images.exists(image.raw_path)
    assert stage.services.images.exists(image.thumbnail_path)
    (edit,) = [edit for edit in stage.services.store.edits(GENERATION) if edit.image_id == image.image_id]
    assert edit.state is EditState.DONE
    assert edit.drift is not None
    assert edit.drift > 0.1  # noise everywhere strays far


def test_collecting_again_finds_nothing_new(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    first, second = stage.collect(), stage.collect()
    assert (first.new_answers, first.edits.made, first.answers_missing) == (1, 1, 3)
    assert (second.new_answers, second.judged, second.paid, second.edits.made) == (0, 0, 0, 0)
    assert len(stage.editor.requests) == 1


def test_answers_that_come_between_two_runs_are_taken_in(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.collect()
    for worker in ("Bob", "Cem", "Dora"):
        stage.paint(worker, "a star")
    done = stage.collect()
    assert (done.new_answers, done.rounds_closed) == (3, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"mask": ""},
        {"mask": '{"size":[10,10],"counts":"T3"}'},
        {"mask": "not a mask"},
        {"prompt": " "},
        {"prompt": "x" * 40_000},
        {"consent": "no"},
    ],
)
def test_an_unusable_answer_is_kept_paid_and_left_out(stage: Stage, fields: dict[str, str]) -> None:
    stage.publish()
    stage.paint("Ann", fields.get("prompt", "a moon"), **{k: v for k, v in fields.items() if k != "prompt"})
    done = stage.collect()
    (answer,) = stage.services.store.assignments(GENERATION)
    assert (done.unusable, done.paid, done.edits.made) == (1, 1, 0)
    assert answer.verdict is Verdict.UNUSABLE
    assert answer.reason
    assert "QuestionFormAnswers" in answer.raw_answer
    assert stage.editor.requests == []


def test_closing_takes_the_round_off_the_market(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    done = stage.collect(close=True)
    assert (done.rounds_closed, done.answers_missing) == (1, 0)
    assert stage.services.store.rounds()[0].state is RoundState.CLOSED


def test_an_expired_round_closes_by_itself(stage: Stage) -> None:
    stage.publish()
    stage.paint("Ann", "a moon")
    stage.clock.advance(timedelta(hours=25))
    assert stage.collect().rounds_closed == 1


# ---- voting and advancing -------------------------------------------------------------------------------


def test_votes_are_rows_and_counts_follow_from_them(stage: Stage) -> None:
    favourite = voting_day(stage)
    store = stage.services.store
    votes = store.votes(VOTING)
    image = store.image(favourite)  # type: ignore[arg-type]
    assert len(votes) == 4 * 4
    assert image is not None
    assert (image.upvotes, image.downvotes) == (4, 0)
    assert {one.downvotes for one in store.images(day_number=1) if one.image_id != favourite} == {4}


def test_a_vote_on_ones_own_image_is_kept_and_not_counted(stage: Stage) -> None:
    generation_day(stage)
    stage.collect()
    stage.publish()
    stage.vote("Ann", lambda _image_id: "up")
    stage.collect()
    votes = stage.services.store.votes(VOTING)
    assert [vote.is_own for vote in votes].count(True) == 1
    assert sum(image.upvotes for image in stage.services.store.images(day_number=1)) == 3


def test_only_the_first_vote_of_a_worker_on_an_image_counts(stage: Stage) -> None:
    generation_day(stage)
    stage.collect()
    stage.publish()
    stage.vote("Eve", lambda _image_id: "up")
    stage.vote("Eve", lambda _image_id: "down")
    done = stage.collect()
    assert (done.judged, done.unusable, done.paid) == (2, 1, 2)
    counts = {(image.upvotes, image.downvotes) for image in stage.services.store.images(day_number=1)}
    assert counts == {(1, 0)}


def test_the_winner_is_the_next_days_seed(stage: Stage) -> None:
    favourite = voting_day(stage)
    advanced = advance_day(stage.services)
    closed, current = stage.services.store.days()
    assert advanced.winner_image_id == favourite
    assert (closed.winner_image_id, closed.is_current) == (favourite, False)
    assert (closed.total_votes, closed.total_participants) == (16, 8)
    assert (current.number, current.seed_image_id, current.is_current) == (2, favourite, True)


def test_two_days_never_share_a_date(stage: Stage) -> None:
    voting_day(stage)
    assert advance_day(stage.services).next_day.date == date(2026, 3, 3)  # though it is still March 2


def test_after_a_pause_the_next_day_is_today(stage: Stage) -> None:
    voting_day(stage)
    stage.clock.advance(timedelta(days=9))
    assert advance_day(stage.services).next_day.date == date(2026, 3, 11)


def test_advancing_needs_a_closed_voting_round(stage: Stage) -> None:
    with pytest.raises(NothingToDo, match="ppw publish-round"):
        advance_day(stage.services)
    generation_day(stage)
    with pytest.raises(NothingToDo, match="ppw collect"):
        advance_day(stage.services)
    stage.collect()
    with pytest.raises(NothingToDo, match="ppw publish-round"):
        advance_day(stage.services)


def test_a_day_on_which_nobody_painted_keeps_its_seed(stage: Stage) -> None:
    stage.publish()
    seed = stage.services.current_day().seed_image_id
    stage.collect(close=True)
    assert advance_day(stage.services).winner_image_id == seed


def test_the_seed_may_stand_on_its_own_days_ballot_and_win(tmp_path: Path) -> None:
    stage = open_stage(tmp_path, rules=replace(RULES, has_incumbent=True))
    generation_day(stage)
    stage.collect()
    seed = stage.services.current_day().seed_image_id
    stage.publish()
    for worker in ("Eve", "Finn", "Gus", "Hana"):
        stage.vote(worker, lambda image_id: "up" if image_id == seed else "down")
    stage.collect()
    assert advance_day(stage.services).winner_image_id == seed


def test_the_next_days_pages_show_past_winners(stage: Stage) -> None:
    favourite = voting_day(stage)
    advance_day(stage.services)
    stage.publish()
    winner = stage.services.store.image(favourite)  # type: ignore[arg-type]
    assert winner is not None
    (hit,) = list(stage.services.crowd.hits("pixelpatchwork:test-0001:day-2"))[:1]
    question = _question(stage, hit.hit_id)
    assert winner.thumbnail_path in question
    assert winner.prompt_text in question


def _question(stage: Stage, hit_id: str) -> str:
    return stage.services.crowd._client.get_hit(HITId=hit_id)["HIT"]["Question"]  # type: ignore[attr-defined]


def test_noise_is_what_the_editor_returned(stage: Stage) -> None:
    """Guards the fixture: the pictures above are unchanged outside because we composite, not because it behaves."""
    generation_day(stage)
    stage.collect()
    image = stage.services.store.images(day_number=1)[0]
    assert image.raw_path is not None
    raw = picture(stage, image.raw_path)
    assert np.abs(np.diff(raw.astype(int), axis=0)).mean() > 50


def test_a_large_photograph_becomes_a_seed_that_workers_can_load(tmp_path: Path) -> None:
    stage = open_stage(tmp_path, seed=seed_bytes((3000, 1500)))
    seed = stage.services.store.image(stage.services.current_day().seed_image_id)
    assert seed is not None
    assert (seed.width, seed.height) == (2048, 1024)
    assert picture(stage, seed.s3_path).shape == (1024, 2048, 3)
