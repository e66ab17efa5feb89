"""Several processes at the same instant on one database server: what may happen once happens once."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from threading import Event

import pytest

from pixelpatchwork.domain.model import AssignmentState, EditState
from tests.support.images_api import EditCall, Reply, paint_inside
from tests.support.kill_points import Played
from tests.support.kill_world import LEASE_RUNS_OUT_SECONDS, World
from tests.support.ppw import Ran, ended, started
from tests.support.study import answer_hit, box_mask

pytestmark = pytest.mark.mysql

COLLECTORS = 4
ANSWERS = 10
COLLECT = ("collect", "--json", "--yes-spend", "20")
LARGE = {"PPW_GENERATION__ASSIGNMENTS": str(ANSWERS), "PPW_GENERATION__ASSIGNMENTS_PER_HIT": "3"}


class Gathering:
    """Paints only after all collectors have an edit in hand, so that they are seen to work at the same time."""

    def __init__(self) -> None:
        self._came = count(1)
        self._all_there = Event()

    def __call__(self, call: EditCall) -> bytes:
        if next(self._came) == COLLECTORS:
            self._all_there.set()
        assert self._all_there.wait(60)
        return paint_inside(call)


@pytest.fixture
def world(on_mariadb: Played) -> Iterator[World]:
    """The study on its first Day, at the present time, with nothing published."""
    world = on_mariadb.world
    world.restore(on_mariadb.chapters[1].before)
    world.clock.now = datetime.now(UTC)
    yield world
    world.images_api.painter = paint_inside
    world.images_api.replies.clear()


def at_once(world: World, number: int, *arguments: str) -> list[Ran]:
    """The same command in several processes, begun at the same moment."""
    return [ended(process) for process in [process_of(world, *arguments) for _ in range(number)]]


def process_of(world: World, *arguments: str) -> subprocess.Popen[str]:
    return started("--config", world.settings, *arguments, cwd=world.folder, environ=world.environ)


def answered(world: World, answers: int) -> None:
    """A generation round is published and answered; every third answer is of no use."""
    ended(
        started("--config", world.settings, "publish-round", cwd=world.folder, environ=world.environ | LARGE)
    ).well()
    for number in range(answers):
        mask = "no mask" if number % 3 == 2 else box_mask()
        fields = {"mask": mask, "prompt": f"wish {number}", "consent": "yes"}
        answer_hit(world.app, f"Worker {number}", fields)


def test_of_four_that_collect_each_answer_is_judged_paid_and_painted_once(world: World) -> None:
    answered(world, ANSWERS)
    world.images_api.painter = Gathering()
    codes = [ran.code for ran in at_once(world, COLLECTORS, *COLLECT)]
    assert codes == [0] * COLLECTORS

    rows = world.rows()
    usable = sum(row["verdict"] == "usable" for row in rows["Assignment"])
    assert usable >= COLLECTORS
    assert [row["state"] for row in rows["Assignment"]] == [AssignmentState.SETTLED] * ANSWERS
    assert [row["state"] for row in rows["Edit"]] == [EditState.DONE] * usable
    assert sorted(world.edits_requested().values()) == [1] * usable
    rewards = world.market_rows("SELECT assignment_id FROM ledger WHERE kind = 'reward'")
    assert len({row["assignment_id"] for row in rewards}) == len(rewards) == ANSWERS
    told = Counter((row["kind"], row["subject"]) for row in rows["Event"] if "edit_sub" not in row["kind"])
    assert [what for what, times in told.items() if times > 1] == []


def test_of_two_that_advance_at_once_one_closes_the_day(on_mariadb: Played) -> None:
    (advancing,) = [one for one in on_mariadb.chapters if one.step.title == "Day 1: advance"]
    world = on_mariadb.world
    world.restore(advancing.before)
    codes = sorted(ran.code for ran in at_once(world, 2, "advance-day"))
    assert codes == [0, 3]
    days = [(row["number"], row["is_current"]) for row in world.rows()["Day"]]
    assert sorted(days) == [(1, False), (2, True)]


def test_a_collector_that_dies_in_mid_edit_gives_it_back_by_time(world: World) -> None:
    answered(world, 2)
    world.images_api.replies.append(Reply(holds=True))
    dying = process_of(world, *COLLECT)
    while not world.images_api.calls:
        assert dying.poll() is None, ended(dying).text
    dying.send_signal(signal.SIGKILL)
    assert ended(dying).code == -signal.SIGKILL
    world.wait_for_the_dead()

    world.clock.now = datetime.now(UTC)
    soon = world.ppw(*COLLECT).ran.json["edits"]
    assert (soon["made"], soon["unknown"], soon["waiting"]) == (1, 0, 1)
    world.clock.advance(seconds=LEASE_RUNS_OUT_SECONDS)
    later = world.ppw(*COLLECT).ran.json["edits"]
    assert (later["made"], later["unknown"], later["waiting"]) == (1, 1, 0)
    assert sorted(world.edits_requested().values()) == [1, 2]
    assert world.ppw("status", "--json").ran.json["edits_unknown"] == 1
