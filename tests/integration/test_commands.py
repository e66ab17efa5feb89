"""The commands of a Day as their users meet them: exit codes, JSON, refusals, and what is said next."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pixelpatchwork.cli import COMMANDS
from pixelpatchwork.domain.model import AssignmentState, EditState
from pixelpatchwork.domain.wording import counted
from tests.support.ppw import dead_proxy, ended, first_line, here, ppw, started
from tests.support.studies import (
    WORKERS,
    answered_study,
    copied,
    crowd_works,
    new_study,
    records,
    run,
    run_next,
    settings_with,
    voted_study,
)

MTURK_LIVE = {
    "PPW_MARKETPLACE": "mturk-live",
    "PPW_IMAGES_URL": "https://pictures.example",
    "AWS_ACCESS_KEY_ID": "AKIDOFNOBODY",
    "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
}
OPENAI = {"PPW_EDITOR": "openai", "OPENAI_API_KEY": "sk-proj-key-of-nobody"}


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


# ---- a Day at the command line --------------------------------------------------------------------------


def test_each_step_says_what_it_did_and_what_comes_next(answered: Path, tmp_path: Path) -> None:
    study = copied(answered, tmp_path / "study")
    collected = run(study, "collect").well()
    assert collected.stdout.startswith("6 new answers; 6 judged, ")
    assert f"The round is closed. {run_next(study, 'status')}" in collected.stdout
    assert {"Reading answers: 1 of 1", "Settling answers: 6 of 6"} <= set(collected.stderr.splitlines())
    assert run_next(study, "publish-round") in run(study, "status").well().stdout

    published = run(study, "publish-round").well()
    assert "Day 1, voting round: 6 assignments in 6 HITs (1 each) at $0.10 each.\n" in published.stdout
    assert "Costs at most $0.72: $0.60 for the workers, $0.12 in fees.\n" in published.stdout
    assert f"run: ppw --config {study} collect\n" in published.stdout

    waiting = run(study, "collect").well()
    assert "6 answers may still come." in waiting.stdout
    crowd_works(study, workers=WORKERS)
    run(study, "collect", "--close").well()

    advanced = run(study, "advance-day").well()
    assert advanced.stdout.startswith("Day 1 is closed. The winner is ")
    assert advanced.stdout.endswith(f"starts from it. {run_next(study, 'publish-round')}")


def test_a_day_that_nobody_paints_on_is_closed_early_and_its_seed_stays(study: Path) -> None:
    run(study, "publish-round").well()
    assert run(study, "collect", "--json").well().json["rounds_closed"] == 0
    closed = run(study, "collect", "--close", "--json").well().json
    assert (closed["rounds_closed"], closed["new_answers"], closed["answers_missing"]) == (1, 0, 0)
    assert run(study, "status", "--json").json["next_command"] == f"ppw --config {study} advance-day"
    assert "for want of another" in run(study, "advance-day").well().stdout
    first, second = run(study, "status", "--json").json["days"]
    assert first["winner_image_id"] == first["seed_image_id"] == second["seed_image_id"]


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["publish-round", "--dry-run", "--json"], {"plan", "dry_run"}),
        (["publish-round", "--json"], {"plan", "created", "found"}),
        (["collect", "--json"], {"new_answers", "judged", "unusable", "paid", "unpaid", "edits"}),
        (["status", "--json"], {"study", "days", "next_step", "next_command", "edits_waiting"}),
        (["report", "--json"], {"report", "bytes"}),
        (["doctor", "--json"], {"is_well", "checks"}),
        (["init", "--json"], {"settings", "is_new", "schema_from", "schema_to"}),
    ],
)
def test_json_is_one_document_and_nothing_else(
    fresh: Path, answered: Path, tmp_path: Path, command: list[str], keys: set[str]
) -> None:
    study = copied(answered if command[0] == "collect" else fresh, tmp_path / "study")
    ran = run(study, *command).well()
    assert keys <= ran.json.keys()
    assert ran.stderr == ""


def test_advance_day_has_a_document_too(voted: Path, tmp_path: Path) -> None:
    document = run(copied(voted, tmp_path / "study"), "advance-day", "--json").well().json
    assert document["day"]["number"] == 1
    assert document["next_day"]["seed_image_id"] == document["winner_image_id"]
    assert document["tallies"][0]["image_id"] == document["winner_image_id"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_shows_an_example(name: str) -> None:
    ran = here(name, "--help").well()
    assert ran.stdout.startswith(f"Usage: ppw {name} ")
    assert "\n  Example:\n    ppw " in ran.stdout


def test_the_next_command_can_be_typed_as_the_document_has_it(study: Path) -> None:
    """Where the settings were exported, the next command finds them by itself."""
    for ran, command in (
        (run(study, "status", "--json"), f"ppw --config {study} publish-round"),
        (here("status", "--json", environ={"PPW_CONFIG": str(study)}), "ppw publish-round"),
    ):
        assert ran.well().json["next_command"] == command


def test_one_thing_is_not_many(fresh: Path, tmp_path: Path) -> None:
    study = copied(fresh, tmp_path / "study")
    settings_with(study, {"generation.assignments": "1"})
    published = run(study, "publish-round").well().stdout
    assert "1 assignment in 1 HIT (1 each)" in published
    assert "Published 1 HIT. " in published
    assert "0 of 1 answer, 1 of 1 HIT open" in run(study, "status").well().stdout
    assert "1 answer may still come." in run(study, "collect").well().stdout
    crowd_works(study, workers=1)
    collected = run(study, "collect").well().stdout
    assert collected.startswith(
        "1 new answer; 1 judged, 0 left out; 1 approved.\n1 image made, 0 edits failed, "
    )


# ---- exit codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["collect", "advance-day"])
def test_what_is_not_due_ends_with_3_and_says_what_comes_first(study: Path, command: str) -> None:
    ran = run(study, command)
    assert (ran.code, ran.stdout) == (3, "")
    assert f"Run: ppw --config {study} " in ran.stderr
    assert "Error" not in ran.stderr


def test_a_round_is_published_once(study: Path) -> None:
    run(study, "publish-round").well()
    ran = run(study, "publish-round", "--json")
    assert (ran.code, ran.json["exit_code"]) == (3, 3)
    assert "the next step is to collect the generation round" in ran.json["error"]
    assert ran.stderr.endswith(run_next(study, "collect"))


def test_before_init_every_command_says_to_run_it(study: Path) -> None:
    (study.parent / "study.db").unlink()
    for command in ("publish-round", "collect", "advance-day", "status", "report"):
        ran = run(study, command)
        assert ran.code in {1, 3}
        assert run_next(study, "init") in ran.stderr
    assert not (study.parent / "study.db").exists()


def test_wrong_settings_are_all_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("timezone: Mars/Olympus\ngeneration:\n  reward_usd: a lot\nvotting: 3\n")
    ran = ppw("--config", file, "status", cwd=tmp_path, environ={"PPW_SERVE__PORT": "99999"})
    assert (ran.code, ran.stdout) == (2, "")
    for key in ("timezone", "generation.reward_usd", "votting", "serve.port"):
        assert key in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_settings_file_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    ran = run(tmp_path / "none.yaml", "status")
    assert ran.code == 2
    assert "none.yaml cannot be read" in ran.stderr


@pytest.mark.parametrize(
    "arguments", [["collect", "--yes-spend", "much"], ["init", "a", "b"], ["rehearse", "--days", "0"]]
)
def test_bad_usage_ends_with_2(study: Path, arguments: list[str]) -> None:
    assert run(study, *arguments).code == 2


def test_debug_shows_where_an_error_came_from(study: Path) -> None:
    ran = here("--debug", "--config", study, "collect")
    assert ran.code == 3
    assert "Traceback (most recent call last)" in ran.stderr
    assert ran.stderr.endswith(f"No round is open. {run_next(study, 'status')}")


def test_an_interruption_says_how_to_go_on(tmp_path: Path) -> None:
    process = started("rehearse", "story", "--days", 3, cwd=tmp_path)
    assert first_line(process).startswith("Day 1: ")
    process.send_signal(signal.SIGINT)
    ran = ended(process, seconds=20)
    assert ran.code == 130
    assert ran.stderr.endswith(
        "Interrupted. Nothing that was recorded is lost; the same command may be run again.\n"
    )
    assert here("rehearse", tmp_path / "story", "--days", 1, "--workers", 2).well()


# ---- publishing -----------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_changes_nothing(study: Path) -> None:
    before = (study.parent / "study.db").read_bytes()
    ran = run(study, "publish-round", "--dry-run").well()
    assert ran.stdout.startswith(
        "“A small study”, Day 1, generation round: 6 assignments in 1 HIT (6 each) at $0.25 each."
    )
    assert "Nothing was published." in ran.stdout
    assert (study.parent / "study.db").read_bytes() == before
    assert run(study, "status", "--json").json["days"][0]["rounds"] == []


def test_no_hit_costs_double_fees(fresh: Path, tmp_path: Path) -> None:
    study = copied(fresh, tmp_path / "study")
    plan = run(study, "publish-round", "--dry-run", "--json", PPW_GENERATION__ASSIGNMENTS="20").json["plan"]
    assert [hit["max_assignments"] for hit in plan["hits"]] == [7, 7, 6]
    assert plan["fees_usd"] == "1.00"


def test_images_without_a_place_on_a_ballot_are_told_before_the_round_is_published(
    answered: Path, tmp_path: Path
) -> None:
    study = copied(answered, tmp_path / "study")
    made = run(study, "collect", "--json").well().json["edits"]["made"]
    few = {"PPW_VOTING__ASSIGNMENTS": "1", "PPW_VOTING__BALLOT_SIZE": "2"}
    unseen = run(study, "publish-round", "--dry-run", "--json", **few).well().json["plan"]["unseen_images"]
    assert unseen == made + 1 - 2  # the seed stands for election too
    said = run(study, "publish-round", "--dry-run", **few).well().stdout
    assert f"The ballots have no room for {counted(unseen, 'image')}: raise `voting.assignments`" in said


# ---- spending -------------------------------------------------------------------------------------------


def test_real_hits_are_not_published_unasked(study: Path) -> None:
    with dead_proxy() as watch:
        environ = MTURK_LIVE | watch.environment
        ran = ppw("--config", study, "publish-round", cwd=study.parent, environ=environ)
        little = ppw(
            "--config", study, "publish-round", "--yes-spend", "1.79", cwd=study.parent, environ=environ
        )
        assert not watch.saw_somebody
    assert ran.code == little.code == 1
    assert "Nothing was spent: 1 HIT on Mechanical Turk would cost up to $1.80." in ran.stderr
    assert "--yes-spend 1.80" in ran.stderr
    assert run(study, "status", "--json").json["days"][0]["rounds"] == []


def test_real_edits_wait_until_they_are_allowed_and_everybody_is_paid(answered: Path, tmp_path: Path) -> None:
    study = copied(answered, tmp_path / "study")
    with dead_proxy() as watch:
        ran = ppw("--config", study, "collect", "--json", cwd=tmp_path, environ=OPENAI | watch.environment)
        assert not watch.saw_somebody
    assert ran.code == 1
    assert ran.json["edits"]["stopped"] == "The edits wait for your permission to spend."
    assert ran.json["paid"] == WORKERS
    assert ran.json["edits"]["waiting"] == ran.json["judged"] - ran.json["unusable"] > 0
    with records(study) as store:
        (round_,) = store.rounds()
        assert {edit.state for edit in store.edits(round_.round_id)} == {EditState.PLANNED}
        assert {one.state for one in store.assignments(round_.round_id)} == {AssignmentState.SETTLED}


@pytest.mark.parametrize("options", [["--dry-run"], ["--json"]])
def test_a_round_whose_edits_will_wait_for_a_key_says_so(study: Path, options: list[str]) -> None:
    ran = run(study, "publish-round", *options, PPW_EDITOR="openai").well()
    assert ran.stderr.startswith("There is no OpenAI key. Set OPENAI_API_KEY in the environment or in .env. ")
    assert "their edits wait" in ran.stderr


def test_with_a_key_nothing_is_said_of_it(study: Path) -> None:
    assert run(study, "publish-round", "--json", **OPENAI).well().stderr == ""


def test_edits_that_another_run_holds_are_said_to_be_so(answered: Path, tmp_path: Path) -> None:
    study = copied(answered, tmp_path / "study")
    with dead_proxy() as watch:
        ppw("--config", study, "collect", cwd=tmp_path, environ=OPENAI | watch.environment)
    with records(study) as store:
        now, lease = datetime.now(UTC), timedelta(minutes=10)
        while store.claim_edit(owner="another run", now=now, lease=lease):
            held = True
    assert held
    ran = run(study, "collect").well()
    waiting = run(study, "collect", "--json").well().json["edits"]["waiting"]
    assert f"0 images made, 0 edits failed, {waiting} waiting.\n" in ran.stdout
    assert (
        f"{waiting} edits are being made by another run, or by one that was stopped; they are taken up within two "
        f"minutes. Then run again: ppw --config {study} collect\n"
    ) in ran.stdout


# ---- report ---------------------------------------------------------------------------------------------


def test_a_report_that_cannot_be_written_says_so(study: Path, tmp_path: Path) -> None:
    ran = run(study, "report", "--output", tmp_path / "none" / "report.html")
    assert ran.code == 1
    assert "Choose another file" in ran.stderr


def test_a_report_replaces_an_earlier_page_and_no_other_file(study: Path, tmp_path: Path) -> None:
    database = study.parent / "study.db"
    before = database.read_bytes()
    ran = run(study, "report", "--output", str(database))
    assert (ran.code, "is no HTML page" in ran.stderr) == (1, True)
    assert database.read_bytes() == before
    for _ in range(2):
        run(study, "report", "--output", str(tmp_path / "report.html")).well()


def test_the_program_runs_where_no_settings_are(tmp_path: Path) -> None:
    ran = ppw("--help", cwd=tmp_path).well()
    assert ran.stdout.startswith("Usage: ppw [OPTIONS] COMMAND")
    assert not list(tmp_path.iterdir())
