"""`ppw cancel-round` as its user meets it: what it says first, that it asks, and what it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.model import AssignmentState, ImageState
from pixelpatchwork.domain.ports import ClosedDay
from tests.support.ppw import ended, started
from tests.support.studies import WORKERS, answered_study, copied, new_study, records, run, run_next


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cancelling")
    return answered_study(new_study(folder / "fresh"), folder / "answered")


@pytest.fixture
def study(answered: Path, tmp_path: Path) -> Path:
    return copied(answered, tmp_path / "study")


def test_it_says_what_may_be_paid_and_pays_what_came(study: Path) -> None:
    ran = run(study, "cancel-round", "--yes").well()
    assert ran.stdout.startswith(
        f"“A small study”, Day 1, generation round: 0 of {WORKERS} answers in. It is to be cancelled."
    )
    assert "Still to be paid at most: $1.80 ($1.50 for the workers, $0.30 in fees)" in ran.stdout
    assert f"{WORKERS} new answers; {WORKERS} approved, {WORKERS} left out." in ran.stdout
    publish_again = run_next(study, "publish-round").replace("Run:", "run:")
    assert ran.stdout.endswith(f"To publish the round again, {publish_again}")
    with records(study) as store:
        answers = store.assignments(store.rounds()[0].round_id)
    assert {answer.state for answer in answers} == {AssignmentState.SETTLED}


def test_without_a_terminal_it_needs_a_yes(study: Path) -> None:
    ran = ended(started("--config", study, "cancel-round", cwd=study.parent))
    assert (ran.code, "add: --yes" in ran.stderr) == (1, True)
    with records(study) as store:
        assert not store.rounds()[0].is_cancelled


def test_afterwards_the_round_is_published_again_and_status_tells_both(study: Path) -> None:
    run(study, "cancel-round", "--yes").well()
    assert run_next(study, "publish-round") in run(study, "status").well().stdout
    plan = run(study, "publish-round", "--json").well().json["plan"]
    assert plan["round_id"] == "day-1-generation-2"
    shown = run(study, "status").well().stdout
    assert f"generation round cancelled and closed: {WORKERS} of {WORKERS} answers" in shown
    assert f"generation round open: 0 of {WORKERS} answers" in shown
    rounds = run(study, "status", "--json").well().json["days"][0]["rounds"]
    assert [one["is_cancelled"] for one in rounds] == [True, False]
    run(study, "report").well()


def test_as_json_it_gives_the_plan_and_what_was_done(study: Path) -> None:
    told = run(study, "cancel-round", "--yes", "--json").well().json
    assert told["at_most_usd"] == "1.80"
    assert told["plan"]["round"]["round_id"] == "day-1-generation"
    assert (told["done"]["collected"]["paid"], told["done"]["failures"]) == (WORKERS, [])


def test_a_voting_round_whose_pictures_are_all_hidden_goes_on_until_it_is_collected_or_cancelled(
    study: Path,
) -> None:
    vote_on_hidden_pictures(study)
    assert run(study, "status").well().stdout.endswith(run_next(study, "collect"))
    assert run(study, "advance-day").code == 3
    assert "voting round: 0 of" in run(study, "cancel-round", "--yes").well().stdout


def test_status_names_a_round_that_an_ended_day_left_open(study: Path) -> None:
    vote_on_hidden_pictures(study)
    with records(study) as store:
        (day,) = store.days()
        tomorrow = replace(day, number=2, date=day.date + timedelta(days=1))
        closed = ClosedDay(
            number=1,
            winner_image_id=day.seed_image_id,
            total_votes=0,
            total_participants=WORKERS,
            next_day=tomorrow,
        )
        store.advance(closed, at=datetime.now(UTC))
    assert "Day 1: voting round open: 0 of" in run(study, "status").well().stdout
    run(study, "cancel-round", "--yes").well()
    assert "Day 1: " not in run(study, "status").well().stdout


def vote_on_hidden_pictures(study: Path) -> None:
    """Publishes a voting round and hides all that is voted on."""
    run(study, "collect", "--close").well()
    run(study, "publish-round").well()
    with records(study) as store:
        for image in store.images(day_number=1):
            store.review_image(image.image_id, ImageState.HIDDEN, at=datetime.now(UTC))


def test_where_nothing_goes_on_it_says_so(study: Path) -> None:
    run(study, "cancel-round", "--yes").well()
    ran = run(study, "cancel-round", "--yes")
    assert (ran.code, ran.stderr) == (3, f"There is no round to cancel. {run_next(study, 'status')}")
