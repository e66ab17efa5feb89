"""A sample of the kill points on a database server; `scripts/kill_points` kills at all of them there, too."""

from __future__ import annotations

import pytest

from tests.support.kill_points import Played, kill

EVERY = 9
SLICES = 3
pytestmark = pytest.mark.mysql


@pytest.mark.parametrize("slice_", range(SLICES))
def test_killed_and_run_again_a_command_does_what_it_would_have_done(on_mariadb: Played, slice_: int) -> None:
    some = on_mariadb.points[::EVERY]
    assert len(some) >= 40
    trials = [kill(on_mariadb.world, chapter, death) for chapter, death in some[slice_::SLICES]]
    assert [line for trial in trials for line in trial.differences] == []
