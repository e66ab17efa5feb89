"""Killed anywhere and run again, a study comes to what it would have come to; docs/reliability.md says how."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.support.kill_books import books_of, in_words
from tests.support.kill_hooks import Moment
from tests.support.kill_points import Played, kill
from tests.support.kill_table import calls_of, read_calls
from tests.support.kill_world import LEASE_RUNS_OUT_SECONDS

SLICES = 32
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_undisturbed_each_hit_payment_and_edit_is_made_once(on_sqlite: Played) -> None:
    """What every disturbed run is compared with."""
    books = on_sqlite.chapters[-1].after
    market, study = books.market, books.rows
    assert len({hit["annotation"] for hit in market["HIT"]}) == len(market["HIT"]) == len(study["Hit"])
    rewards = Counter(row["assignment_id"] for row in market["payment"] if row["kind"] == "reward")
    assert rewards == Counter(row["assignment_id"] for row in study["Assignment"])
    bonuses = Counter((row["assignment_id"], row["reason"]) for row in market["bonus"])
    assert bonuses == Counter((row["assignment_id"], row["reason"]) for row in study["Bonus"])
    assert set(bonuses.values()) == {1}
    requested = sum((chapter.after.requested for chapter in on_sqlite.chapters), Counter[str]())
    painted = [row["prompt_text"] for row in study["Image"] if row["creator_id"] is not None]
    assert requested == Counter(painted)


@pytest.mark.parametrize("slice_", range(SLICES))
def test_killed_at_any_call_and_run_again_a_command_does_what_it_would_have_done(
    on_sqlite: Played, slice_: int
) -> None:
    points = on_sqlite.points
    some = points[slice_ * len(points) // SLICES : (slice_ + 1) * len(points) // SLICES]
    trials = [kill(on_sqlite.world, chapter, death) for chapter, death in some]
    assert [line for trial in trials for line in trial.differences] == []


@pytest.mark.parametrize("random_seed", [1, 2])
def test_a_study_killed_once_in_every_command_ends_as_the_undisturbed_one(
    on_sqlite: Played, random_seed: int
) -> None:
    world, random = on_sqlite.world, Random(random_seed)
    world.restore(on_sqlite.chapters[0].before)
    for chapter in on_sqlite.chapters:
        chapter.step.before(world)
        killed = world.ppw(*chapter.step.command, death=random.choice(chapter.deaths))
        assert killed.ran.code == -signal.SIGKILL, killed.ran.text
        world.clock.advance(seconds=LEASE_RUNS_OUT_SECONDS)
        world.ppw(*chapter.step.command)
    assert in_words(books_of(world)) == in_words(on_sqlite.chapters[-1].after)


def test_an_edit_is_asked_for_again_only_where_its_outcome_was_unknown(on_sqlite: Played) -> None:
    """Before the request nothing was paid, and after its picture was stored nothing is asked again."""
    (collecting,) = [one for one in on_sqlite.chapters if one.step.title == "Day 1: collect, generation"]
    again = {
        (death.call, death.moment): kill(on_sqlite.world, collecting, death).edits_again
        for death in collecting.deaths
        if death.nth == 1 and death.call in {"images edits", "s3 PUT raw", "s3 PUT full"}
    }
    assert again == {
        ("images edits", Moment.BEFORE): 0,
        ("images edits", Moment.DEED_DONE): 1,
        ("s3 PUT raw", Moment.BEFORE): 1,
        ("s3 PUT raw", Moment.DEED_DONE): 0,
        ("s3 PUT full", Moment.BEFORE): 0,
        ("s3 PUT full", Moment.DEED_DONE): 0,
    }


def test_the_table_of_the_page_tells_of_the_calls_that_are_made(on_sqlite: Played) -> None:
    """Where this fails the commands make other calls than they did; run: scripts/kill_points"""
    assert read_calls(PAGE.read_text(encoding="utf-8")) == calls_of(on_sqlite.chapters)
