"""`ppw bonus`, and what the other commands say of budgets and bonuses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.wiring import wired
from tests.support.ppw import Ran, ended, ppw, started
from tests.support.studies import answered_study, copied, new_study, records, run, run_next, voted_study

RULES = {"bonus.winner_usd": "0.50", "bonus.runner_up_usd": "0.20", "bonus.voter_usd": "0.05"}
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whatever goes to the network fails at once."""
MTURK_LIVE = {
    "PPW_MARKETPLACE": "mturk-live",
    "PPW_IMAGES_URL": "https://pictures.example",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not a secret",
    "HTTPS_PROXY": NOWHERE,
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on its first Day, with rules for bonuses. Copy it."""
    return new_study(tmp_path_factory.mktemp("fresh") / "study", RULES)


@pytest.fixture(scope="module")
def closed(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its first Day closed. Copy it."""
    answered = answered_study(fresh, tmp_path_factory.mktemp("answered") / "study")
    study = voted_study(answered, tmp_path_factory.mktemp("closed") / "study")
    run(study, "advance-day").well()
    return study


@pytest.fixture
def study(closed: Path, tmp_path: Path) -> Path:
    return copied(closed, tmp_path / "study")


def sent(study: Path) -> Counter[tuple[str, str, Usd]]:
    """What the marketplace has paid: answers, reasons and amounts."""
    with wired(load_settings(study, {})) as wiring:
        store, crowd = wiring.store, wiring.crowd
        answers = [answer for one in store.rounds() for answer in store.assignments(one.round_id)]
        return Counter(
            (paid.assignment_id, paid.reason, paid.amount_usd)
            for answer in answers
            for paid in crowd.bonuses(answer.assignment_id)
        )


# ---- ppw bonus ------------------------------------------------------------------------------------------


def test_a_dry_run_shows_who_gets_what_and_pays_nothing(study: Path) -> None:
    before = (study.parent / "study.db").read_bytes()
    plan = run(study, "bonus", "--dry-run", "--json").well().json["plan"]
    said = run(study, "bonus", "--dry-run").well().stdout
    assert {one["rule"] for one in plan["bonuses"]} <= {"winner", "runner_up", "voter"}
    assert plan["bonuses"]
    assert all(one["username"] in said for one in plan["bonuses"])
    assert f"Nothing was paid. To pay them, run: ppw --config {study} bonus --day 1" in said
    assert (study.parent / "study.db").read_bytes() == before
    assert sent(study) == Counter()


def test_bonuses_are_paid_once_however_often_it_is_run(study: Path) -> None:
    planned = run(study, "bonus", "--dry-run", "--json").well().json["plan"]["bonuses"]
    done = run(study, "bonus", "--json").well().json["done"]
    assert (done["paid"], done["found"], done["waiting"]) == (len(planned), 0, 0)
    again = run(study, "bonus").well()
    assert again.stdout.rstrip().endswith("all of them paid.")
    assert sent(study) == Counter(
        {(one["assignment_id"], one["reason"], Usd(one["amount_usd"])): 1 for one in planned}
    )


def test_of_two_that_pay_at_once_each_bonus_is_paid_once(study: Path) -> None:
    planned = run(study, "bonus", "--dry-run", "--json").well().json["plan"]["bonuses"]
    running = [started("--config", study, "bonus", "--json", cwd=study.parent) for _ in range(2)]
    done: list[Ran] = [ended(process) for process in running]
    assert [one.code for one in done] == [0, 0], [one.text for one in done]
    assert sum(one.json["done"]["paid"] for one in done) == len(planned)
    assert set(sent(study).values()) == {1}
    assert sum(sent(study).values()) == len(planned)
    with records(study) as store:
        assert all(one.paid_at is not None for one in store.bonuses())


def test_no_worker_is_named_by_his_id(study: Path) -> None:
    said = (
        run(study, "bonus", "--dry-run").text + run(study, "bonus", "--json").text + run(study, "bonus").text
    )
    with records(study) as store:
        assert not [user for user in store.users() if user.worker_id in said]


def test_a_day_that_goes_on_has_no_bonuses_yet(study: Path) -> None:
    ran = run(study, "bonus", "--day", 2)
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr == f"Day 2 is not closed yet. {run_next(study, 'status')}"


def test_without_a_rule_it_says_which_setting_makes_one(study: Path) -> None:
    off = {"PPW_BONUS__WINNER_USD": "0", "PPW_BONUS__RUNNER_UP_USD": "0", "PPW_BONUS__VOTER_USD": "0"}
    ran = run(study, "bonus", **off)
    assert ran.code == 3
    assert "bonus.winner_usd" in ran.stderr


def test_real_bonuses_are_not_paid_unasked(study: Path) -> None:
    cost = run(study, "bonus", "--dry-run", "--json").well().json["plan"]["cost_usd"]
    for stated in ([], ["--yes-spend", str(Usd(cost) - Usd("0.01"))]):
        ran = ppw("--config", study, "bonus", *stated, cwd=study.parent, environ=MTURK_LIVE)
        assert ran.code == 1
        assert f"on Mechanical Turk would cost up to ${cost}." in ran.stderr
        assert f"--yes-spend {cost}" in ran.stderr
    with records(study) as store:
        assert store.bonuses() == ()


# ---- what the others say --------------------------------------------------------------------------------


def test_the_status_names_bonuses_that_may_be_due_until_they_are_paid(study: Path) -> None:
    before = run(study, "status").well().stdout
    assert f"When you like, run: ppw --config {study} bonus --day 1" in before
    assert run(study, "status", "--json").json["bonuses"][0]["is_due"] is True
    run(study, "bonus").well()
    after = run(study, "status").well().stdout
    assert "bonus --day 1" not in after
    (status,) = run(study, "status", "--json").json["bonuses"]
    assert status["paid"] == status["planned"] > 0
    assert status["is_due"] is False


def test_the_status_shows_what_is_spent_reserved_and_left(study: Path) -> None:
    run(study, "publish-round").well()
    budgets = {"PPW_BUDGET__ROUND_USD": "2", "PPW_BUDGET__STUDY_USD": "20"}
    said = run(study, "status", **budgets).well().stdout
    assert "generation round  $0.00  $1.80     $0.20 of $2.00" in said
    money = run(study, "status", "--json", **budgets).json
    spent = Usd(money["money"]["spent_usd"])
    assert (money["money"]["reserved_usd"], money["money"]["left_usd"]) == ("1.80", f"{Usd('18.20') - spent}")
    assert [day["money"]["limit_usd"] for day in money["days"]] == [None, None]
    assert money["days"][1]["rounds"][0]["money"]["left_usd"] == "0.20"


def test_a_round_beyond_a_budget_is_refused_and_its_dry_run_says_so(study: Path) -> None:
    tight = {"PPW_BUDGET__ROUND_USD": "1.79"}
    dry = run(study, "publish-round", "--dry-run", **tight).well()
    ran = run(study, "publish-round", **tight)
    for said in (dry.stdout, ran.stderr):
        assert "need up to $1.80, and the budget of a round has $1.79 left" in said
        assert "raise `budget.round_usd` in the settings" in said
    assert ran.code == 1
    assert run(study, "status", "--json").json["days"][1]["rounds"] == []
    room = run(study, "publish-round", "--dry-run", "--json", PPW_BUDGET__ROUND_USD="2").well().json["plan"]
    assert room["budget"]["round"] == {
        "limit_usd": "2",
        "spent_usd": "0",
        "reserved_usd": "1.80",
        "left_usd": "0.20",
    }


def test_a_round_that_is_published_is_not_counted_twice(study: Path) -> None:
    exact = {"PPW_BUDGET__ROUND_USD": "1.80"}
    run(study, "publish-round", **exact).well()
    assert run(study, "status", "--json", **exact).json["days"][1]["rounds"][0]["money"]["left_usd"] == "0.00"
