"""A rehearsal on a marketplace that throttles, loses answers and lags tells the story of one that does not."""

from __future__ import annotations

from pathlib import Path

from tests.support.ppw import here

FAULTS = "throttle=0.03,timeout_after_commit=0.15,late_assignments=30s,approve_lag=1m,seed=3"


def test_trouble_changes_nothing_of_the_story(tmp_path: Path) -> None:
    quiet = here("rehearse", tmp_path / "quiet", "--days", 1, "--workers", 4).well()
    troubled = here("rehearse", tmp_path / "troubled", "--days", 1, "--workers", 4, "--faults", FAULTS).well()

    assert lines(troubled.stdout) == lines(quiet.stdout)


def lines(text: str) -> list[str]:
    """What was told, without the folder's name."""
    return [line for line in text.splitlines() if "/" not in line]


def test_faults_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    ran = here("rehearse", tmp_path / "x", "--faults", "throttle=often")

    assert (ran.code, (tmp_path / "x").exists()) == (2, False)
