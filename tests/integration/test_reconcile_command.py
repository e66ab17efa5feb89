"""`ppw reconcile` as its user meets it: what it says, what it mends, and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.studies import WORKERS, answered_study, copied, new_study, records, run, run_next


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reconciling")
    return answered_study(new_study(folder / "fresh"), folder / "answered")


@pytest.fixture
def study(answered: Path, tmp_path: Path) -> Path:
    return copied(answered, tmp_path / "study")


def test_where_all_agrees_it_says_so(study: Path) -> None:
    run(study, "collect").well()
    ran = run(study, "reconcile").well()
    assert ran.stdout == "All agrees: the records, the marketplace and the image store.\n"


def test_without_repair_it_says_every_difference_and_changes_nothing(study: Path) -> None:
    ran = run(study, "reconcile")
    assert ran.code == 1
    assert ran.stdout.count("was submitted and is not on record") == WORKERS
    assert f"{WORKERS} differences, of which {WORKERS} can be mended." in ran.stdout
    assert ran.stdout.endswith(run_next(study, "reconcile --repair").replace("Run:", "run:"))
    with records(study) as store:
        assert store.assignments(store.rounds()[0].round_id) == ()
        ids = [user.worker_id for user in store.users()]
    assert not [worker for worker in ids if worker in ran.text]


def test_with_repair_work_is_taken_in_and_paid(study: Path) -> None:
    ran = run(study, "reconcile", "--repair").well()
    assert ran.stdout.endswith(f"Mended: {WORKERS}. Remaining: 0.\n")
    with records(study) as store:
        assert len(store.assignments(store.rounds()[0].round_id)) == WORKERS


def test_what_cannot_be_mended_remains(study: Path) -> None:
    run(study, "collect").well()
    with records(study) as store:
        seed = store.images()[0]
    (study.parent / "images" / seed.s3_path).unlink()
    told = run(study, "reconcile", "--repair", "--json")
    assert told.code == 1
    assert [one["kind"] for one in told.json["repaired"]["remaining"]] == ["picture_missing"]
