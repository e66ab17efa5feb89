"""The same command twice at the same moment: what may happen once happens once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pixelpatchwork.domain.model import AssignmentState, EditState
from tests.support.ppw import Ran, ended, started
from tests.support.studies import (
    WORKERS,
    answered_study,
    copied,
    new_study,
    records,
    run,
    voted_study,
    write_seed,
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on its first Day. Copy it."""
    return new_study(tmp_path_factory.mktemp("fresh") / "study")


@pytest.fixture(scope="module")
def answered(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its generation round answered and not collected. Copy it."""
    return answered_study(fresh, tmp_path_factory.mktemp("answered") / "study")


@pytest.fixture(scope="module")
def voted(answered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same at the end of its Day, which only has to be closed. Copy it."""
    return voted_study(answered, tmp_path_factory.mktemp("voted") / "study")


@pytest.fixture
def study(fresh: Path, tmp_path: Path) -> Path:
    return copied(fresh, tmp_path / "study")


def both(study: Path, *arguments: str) -> list[Ran]:
    """The same command twice at the same moment."""
    running = [started("--config", study, *arguments, cwd=study.parent) for _ in range(2)]
    return [ended(process) for process in running]


def test_of_two_that_collect_each_answer_is_judged_paid_and_painted_once(
    answered: Path, tmp_path: Path
) -> None:
    study = copied(answered, tmp_path / "study")
    balance = money(study)
    codes = [ran.code for ran in both(study, "collect", "--json")]
    assert set(codes) <= {0, 3}
    assert 0 in codes
    with records(study) as store:
        (round_,) = store.rounds()
        answers = store.assignments(round_.round_id)
        edits = store.edits(round_.round_id)
        events = Counter(event.kind for event in store.events())
        painted = [image for image in store.images() if image.creator_id is not None]
    usable = sum(answer.verdict == "usable" for answer in answers)
    assert {answer.state for answer in answers} == {AssignmentState.SETTLED}
    assert [edit.state for edit in edits] == [EditState.DONE] * usable
    assert len({edit.assignment_id for edit in edits}) == len(painted) == usable
    assert events["assignment_judged"] == events["assignment_settled"] == len(answers) == WORKERS
    assert events["edit_submitted"] == events["image_made"] == usable
    assert money(study) == balance


def money(study: Path) -> str:
    """The balance: what a round costs is put aside when it is published, so that paying does not change it."""
    checks = run(study, "doctor", "--json").json["checks"]
    return str(next(check["finding"] for check in checks if check["part"] == "marketplace"))


def test_of_two_that_publish_each_hit_is_there_once(study: Path) -> None:
    ran = both(study, "publish-round", "--json")
    assert {one.code for one in ran} <= {0, 3}
    assert sum(one.json["created"] for one in ran if one.code == 0) == 1
    assert run(study, "status", "--json").json["days"][0]["rounds"][0]["hits_open"] == 1


def test_of_two_that_advance_one_wins_and_the_other_has_nothing_to_do(voted: Path, tmp_path: Path) -> None:
    study = copied(voted, tmp_path / "study")
    ran = both(study, "advance-day")
    assert sorted(one.code for one in ran) == [0, 3]
    days = run(study, "status", "--json").json["days"]
    assert [day["number"] for day in days] == [1, 2]


def test_of_two_that_init_one_opens_the_day(tmp_path: Path) -> None:
    write_seed(tmp_path / "seed.png")
    (tmp_path / "study.yaml").write_text("seed: seed.png\n")
    ran = both(tmp_path / "study.yaml", "init", "--json")
    assert sorted(one.well().json["is_new"] for one in ran) == [False, True]
