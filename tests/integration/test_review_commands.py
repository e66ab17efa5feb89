"""`ppw review`, `ppw users` and `ppw images` as their users meet them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.model import Assignment, RoundId, Verdict
from pixelpatchwork.wiring import wired
from tests.support.ppw import Ran
from tests.support.studies import WORKERS, copied, new_study, records, run, run_next
from tests.support.study import answer_hit, box_mask

HOSTILE = '<script>alert("paint")</script>'


TINY, FAIR = (10, 10, 14, 14), (20, 20, 120, 100)
ANSWERS = {
    "Ann": (FAIR, "a moon"),
    "Bob": (TINY, "a boat"),
    "Cem": (TINY, HOSTILE),
    "Dora": (FAIR, ""),
    "Eve": (FAIR, "a star"),
    "Finn": (FAIR, " "),
}
HELD = 4


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that holds what it cannot use, its first round collected: two masks too small, two prompts empty."""
    study = new_study(tmp_path_factory.mktemp("holding") / "study", {"judgement.policy": "hold"})
    run(study, "publish-round").well()
    with wired(load_settings(study, {})) as wiring:
        for worker, (box, prompt) in ANSWERS.items():
            mask = box_mask(box, size=(240, 160))
            answer_hit(wiring.marketplace, worker, {"mask": mask, "prompt": prompt, "consent": "yes"})
    run(study, "collect").well()
    return study


@pytest.fixture
def study(holding: Path, tmp_path: Path) -> Path:
    return copied(holding, tmp_path / "study")


def held(study: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(study, "review", "--json").well().json["held"]
    return found


def answers(study: Path) -> dict[str, Assignment]:
    with records(study) as store:
        return {one.assignment_id: one for one in store.assignments(RoundId("day-1-generation"))}


def worker_ids(study: Path) -> set[str]:
    with records(study) as store:
        return {user.worker_id for user in store.users()}


def names_nobody(study: Path, ran: Ran) -> bool:
    return not any(worker_id in ran.text for worker_id in worker_ids(study))


# ---- what is held ---------------------------------------------------------------------------------------


def test_what_is_held_is_listed_with_why_and_until_when(study: Path) -> None:
    waiting = held(study)
    assert len(waiting) == HELD
    ran = run(study, "review").well()
    for one in waiting:
        assert one["assignment_id"] in ran.stdout
        assert one["artist"] in ran.stdout
        assert one["reason"] in ran.stdout
    assert ran.stdout.count("pays itself 20") == HELD
    assert f"ppw --config {study} review ASSIGNMENT --accept" in ran.stdout
    assert names_nobody(study, ran)
    assert f"{HELD} answers held for you" in run(study, "status").well().stdout
    assert run_next(study, "review") in run(study, "status").stdout


def test_collect_says_what_it_held(holding: Path, tmp_path: Path) -> None:
    study = copied(holding, tmp_path / "study")
    assert run_next(study, "review") in run(study, "collect").well().stdout


def test_the_page_shows_masks_and_words_and_nothing_of_anybody(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "held.html"
    ran = run(study, "review", "--page", page).well()
    html = page.read_text(encoding="utf-8")
    assert str(page) in ran.stdout
    for one in held(study):
        assert f"ppw --config {study} review {one['assignment_id']} --accept" in html
    assert html.count('class="outline"') >= 1
    assert "<script" not in html
    assert "&lt;script&gt;alert(" in html
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert not any(worker_id in html for worker_id in worker_ids(study))


def test_a_page_that_cannot_be_written_is_said(study: Path, tmp_path: Path) -> None:
    ran = run(study, "review", "--page", tmp_path / "nowhere" / "held.html")
    assert (ran.code, "Cannot write" in ran.text) == (1, True)


# ---- decisions ------------------------------------------------------------------------------------------


def test_decisions_are_settled_at_once_and_the_round_goes_on(study: Path) -> None:
    accepted, rejected = [one["assignment_id"] for one in held(study) if "less than" in one["reason"]]
    ran = run(study, "review", accepted, "--accept").well()
    assert ran.stdout.startswith("1 answer accepted; 1 paid, 0 rejected.\n")
    ran = run(study, "review", rejected, "--reject", "--reason", "A test stroke.").well()
    assert ran.stdout.startswith("1 answer rejected; 0 paid, 1 rejected.\n")
    left = run(study, "review", "--all", "--leave-out", "--json").well().json
    assert (left["ruling"], len(left["decided"]), left["unusable"]) == ("leave-out", HELD - 2, [])
    assert "No answer is held." in run(study, "review").well().stdout

    collected = run(study, "collect", "--json").well().json
    assert (collected["edits"]["made"], collected["rounds_closed"]) == (1, 1)
    found = answers(study)
    assert (found[accepted].verdict, found[rejected].reason) == (Verdict.USABLE, "A test stroke.")


def test_what_was_decided_cannot_be_decided_again(study: Path) -> None:
    key = held(study)[0]["assignment_id"]
    run(study, "review", key, "--leave-out").well()
    again = run(study, "review", key, "--leave-out")
    assert (again.code, f"Not held, so there is nothing to decide: {key}." in again.text) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["3ABC"], "Say what becomes of it"),
        (["--accept"], "Name the assignments"),
        (["3ABC", "--all", "--accept"], "Name the assignments"),
        (["--all", "--reject", "--reason", "No."], "one by one"),
        (["3ABC", "--reject"], "needs a reason"),
        (["3ABC", "--reject", "--reason", "x" * 1025], "at most 1,024"),
        (["3ABC", "--accept", "--page", "x.html"], "before you decide"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(study: Path, arguments: list[str], says: str) -> None:
    ran = run(study, "review", *arguments)
    assert (ran.code, says in ran.text) == (2, True)


def test_an_answer_that_cannot_be_read_is_not_accepted(study: Path) -> None:
    wordless = next(one["assignment_id"] for one in held(study) if not one["prompt"])
    ran = run(study, "review", wordless, "--accept")
    assert (ran.code, f"{wordless} cannot be accepted: There is no prompt" in ran.stdout) == (1, True)


# ---- people and pictures --------------------------------------------------------------------------------


def test_users_are_listed_banned_and_let_back(study: Path) -> None:
    people = run(study, "users", "list", "--json").well().json["users"]
    assert len(people) == WORKERS
    assert set(people[0]) == {"user_id", "username", "answers", "images", "votes", "is_banned"}
    listed = run(study, "users", "list").well()
    assert names_nobody(study, listed)

    name = people[0]["username"]
    banned = run(study, "users", "ban", name).well()
    assert banned.stdout == f"{name} ({people[0]['user_id']}) is banned.\n"
    only = run(study, "users", "list", "--banned", "--json").well().json["users"]
    assert [one["username"] for one in only] == [name]
    assert "is no longer banned" in run(study, "users", "unban", people[0]["user_id"]).well().stdout
    assert run(study, "users", "ban", "Nobody At All").code == 1


def test_pictures_are_listed_hidden_and_shown(study: Path) -> None:
    listed = run(study, "images", "list", "--json").well().json["images"]
    seed = listed[0]["image_id"]
    hidden = run(study, "images", "hide", seed).well()
    assert hidden.stdout.startswith(f"{seed} is hidden.\nDay 1 goes on from it")
    assert run(study, "images", "list").well().stdout.count("hidden") == 1
    assert run(study, "images", "list", "--flagged", "--json").well().json["images"] == []
    assert run(study, "images", "show", seed, "--json").well().json["state"] == "visible"
    assert run(study, "images", "hide", "nothing").code == 1
