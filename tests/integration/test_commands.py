"""Every command as its users meet it: exit codes, JSON, refusals, and two of one kind at the same moment."""

from __future__ import annotations

import shlex
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image as Pillow
from sqlalchemy import create_engine, text

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.cli import COMMANDS
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.model import AssignmentState, EditState
from tests.support.ppw import (
    Ran,
    copied,
    crowd_works,
    dead_proxy,
    ended,
    first_line,
    here,
    new_study,
    ppw,
    settings_with,
    started,
    write_seed,
)

SIX = {"generation.assignments": "6", "voting.assignments": "6"}
WORKERS = 6
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
    return new_study(tmp_path_factory.mktemp("fresh") / "study", SIX)


@pytest.fixture(scope="module")
def answered(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its generation round answered and not collected. Copy it."""
    file = copied(fresh, tmp_path_factory.mktemp("answered") / "study")
    here("--config", file, "publish-round").well()
    assert crowd_works(file, workers=WORKERS).submitted == WORKERS
    return file


@pytest.fixture(scope="module")
def voted(answered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same at the end of its Day, which only has to be closed. Copy it."""
    file = copied(answered, tmp_path_factory.mktemp("voted") / "study")
    for command in ("collect", "publish-round"):
        here("--config", file, command).well()
    crowd_works(file, workers=WORKERS)
    here("--config", file, "collect", "--close").well()
    return file


@pytest.fixture
def study(fresh: Path, tmp_path: Path) -> Path:
    return copied(fresh, tmp_path / "study")


def run_next(study: Path, name: str) -> str:
    """How a command is named where it comes next: as it can be typed, for this study."""
    return f"Run: ppw --config {study} {name}\n"


def run(study: Path, *arguments: object, **environ: str) -> Ran:
    return here("--config", study, *arguments, environ=environ)


@contextmanager
def records(study: Path) -> Iterator[SqlStore]:
    store = open_store(load_settings(study, {}).database_url)
    try:
        yield store
    finally:
        store.close()


# ---- a Day at the command line --------------------------------------------------------------------------


def test_each_step_says_what_it_did_and_what_comes_next(answered: Path, tmp_path: Path) -> None:
    study = copied(answered, tmp_path / "study")
    collected = run(study, "collect").well()
    assert collected.stdout.startswith("6 new answers; 6 judged, ")
    assert f"The round is closed. {run_next(study, 'status')}" in collected.stdout
    assert {"Reading answers: 1 of 1", "Approving answers: 6 of 6"} <= set(collected.stderr.splitlines())
    assert run_next(study, "publish-round") in run(study, "status").well().stdout

    published = run(study, "publish-round").well()
    assert "Day 1, voting round: 6 assignments in 2 HITs (3 each) at $0.10 each.\n" in published.stdout
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
    assert run(study, "status", "--json").json["next_command"] == "ppw advance-day"
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
        "Interrupted. Nothing is lost: the same command goes on where this one stopped.\n"
    )
    assert here("rehearse", tmp_path / "story", "--days", 1, "--workers", 2).well()


# ---- publishing -----------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_changes_nothing(study: Path) -> None:
    before = (study.parent / "study.db").read_bytes()
    ran = run(study, "publish-round", "--dry-run").well()
    assert "6 assignments in 1 HITs (6 each) at $0.25 each" in ran.stdout
    assert "Nothing was published." in ran.stdout
    assert (study.parent / "study.db").read_bytes() == before
    assert run(study, "status", "--json").json["days"][0]["rounds"] == []


def test_no_hit_costs_double_fees(fresh: Path, tmp_path: Path) -> None:
    study = copied(fresh, tmp_path / "study")
    plan = run(study, "publish-round", "--dry-run", "--json", PPW_GENERATION__ASSIGNMENTS="20").json["plan"]
    assert [hit["max_assignments"] for hit in plan["hits"]] == [7, 7, 6]
    assert plan["fees_usd"] == "1.00"


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
    assert "Nothing was spent: 1 HITs on Mechanical Turk would cost up to $1.80." in ran.stderr
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


# ---- init -----------------------------------------------------------------------------------------------


def test_init_makes_a_folder_that_explains_itself(tmp_path: Path) -> None:
    ran = here(
        "init", tmp_path / "mine", "--name", "A cup of tea", "--seed", write_seed(tmp_path / "Cup.PNG")
    )
    assert "The study “A cup of tea” begins" in ran.well().stdout
    assert f"ppw --config {tmp_path / 'mine' / 'study.yaml'} publish-round" in ran.stdout
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names == {".env.example", "images", "seed.png", "study.db", "study.yaml"}
    assert "OPENAI_API_KEY=" in (tmp_path / "mine" / ".env.example").read_text()


def test_a_folders_name_may_hold_anything_that_a_shell_would_stumble_over(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100% größer; #1"
    said = here("init", folder).well().stdout
    typed = said[said.index("ppw --config") :].strip()
    assert shlex.split(typed) == ["ppw", "--config", str(folder / "study.yaml"), "publish-round"]
    assert run(folder / "study.yaml", "publish-round").well()
    assert (folder / "marketplace.db").is_file()

    said = here("rehearse", tmp_path / "a story", "--days", 1, "--workers", 2).well().stdout
    typed = said[said.index("ppw --config") :].strip()
    assert shlex.split(typed) == ["ppw", "--config", str(tmp_path / "a story" / "study.yaml"), "status"]


def test_init_again_changes_nothing(study: Path) -> None:
    before = {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()}
    first = here("init", study.parent).well()
    second = run(study, "init", "--json").well()
    assert "is there already, and up to date" in first.stdout
    assert second.json["is_new"] is False
    assert {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()} == before


def test_init_refuses_to_change_a_study_that_is_there(study: Path) -> None:
    for option in (["--name", "Another"], ["--seed", study.parent / "seed.png"]):
        ran = here("init", study.parent, *option)
        assert ran.code == 2
        assert "is there already" in ran.stderr


def test_init_gives_an_empty_database_its_tables(study: Path) -> None:
    engine = create_engine(load_settings(study, {}).database_url)
    with engine.begin() as connection:
        for (table,) in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        ).all():
            connection.execute(text(f'DROP TABLE "{table}"'))
    engine.dispose()
    assert run_next(study, "init") in run(study, "status").stderr
    made = run(study, "init", "--json").well().json
    assert (made["is_new"], made["schema_from"]) == (True, None)
    assert run(study, "status").well()


def bad_seed(folder: Path, kind: str) -> Path:
    path = folder / "bad.png"
    if kind == "no picture":
        path.write_bytes(b"\x89PNG\r\n\x1a\n and then something else")
    elif kind == "huge":
        Pillow.new("1", (30_000, 30_000)).save(path)
    else:
        frames = [Pillow.new("RGB", (80, 80), colour) for colour in ("red", "green")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize(
    ("kind", "words"), [("no picture", "damaged"), ("huge", "megapixels"), ("animated", "animated")]
)
def test_a_seed_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path, kind: str, words: str) -> None:
    seed = bad_seed(tmp_path, kind)
    by_option = here("init", tmp_path / "study", "--seed", seed)
    (tmp_path / "study.yaml").write_text("seed: bad.png\ndatabase: sqlite:///deep/study.db\n")
    by_settings = run(tmp_path / "study.yaml", "init")
    for ran in (by_option, by_settings):
        assert ran.code == 1
        assert words in ran.stderr
        assert "Traceback" not in ran.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bad.png", "study.yaml"}


def test_init_does_not_take_another_picture_for_the_seed(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    write_seed(tmp_path / "study" / "seed.png", (100, 90))
    ran = here("init", tmp_path / "study", "--seed", write_seed(tmp_path / "mine.png"))
    assert ran.code == 1
    assert "seed.png is there already, and another picture" in ran.stderr
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["seed.png"]


def test_a_seed_as_large_as_seeds_may_be_is_painted_like_any_other(tmp_path: Path) -> None:
    Pillow.new("RGB", (5000, 4000), "teal").save(tmp_path / "large.png")
    here("init", tmp_path / "study", "--seed", tmp_path / "large.png").well()
    study = tmp_path / "study" / "study.yaml"
    settings_with(study, {"generation.assignments": "1"})
    run(study, "publish-round").well()
    assert crowd_works(study, workers=1).submitted == 1
    assert run(study, "collect", "--json").well().json["edits"]["made"] == 1


# ---- doctor ---------------------------------------------------------------------------------------------


def failures(ran: Ran) -> dict[str, str]:
    """What the doctor says of the parts that are not well."""
    return {check["part"]: check["finding"] for check in ran.json["checks"] if not check["is_well"]}


def test_the_doctor_finds_a_new_study_well_and_leaves_it_as_it_is(study: Path) -> None:
    before = (study.parent / "study.db").read_bytes()
    ran = run(study, "doctor").well()
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["ok"] * 7
    assert (study.parent / "study.db").read_bytes() == before


def test_a_seed_that_is_gone_is_found(study: Path) -> None:
    (study.parent / "seed.png").unlink()
    ran = run(study, "doctor")
    assert ran.code == 1
    assert "FAIL  seed         Cannot read the seed" in ran.stdout
    assert ran.stdout.count("FAIL") == 1


def test_pictures_that_cannot_be_kept_are_found(study: Path) -> None:
    (study.parent / "notes.txt").write_text("no folder")
    ran = run(study, "doctor", "--json", PPW_IMAGES="notes.txt/images")
    assert ran.code == 1
    assert "folder's permissions" in failures(ran)["images"]


def test_a_marketplace_that_is_not_there_is_found(study: Path) -> None:
    keys = {"PPW_MARKETPLACE_ACCESS_KEY_ID": "AKIDOFNOBODY", "PPW_MARKETPLACE_SECRET_ACCESS_KEY": "hush"}
    ran = run(study, "doctor", "--json", PPW_MARKETPLACE="http://127.0.0.1:9", **keys)
    assert ran.code == 1
    assert failures(ran).keys() == {"marketplace"}
    assert "is `ppw serve` running there?" in failures(ran)["marketplace"].replace("Is", "is")


@pytest.mark.parametrize(
    ("environ", "part", "words"),
    [
        ({"PPW_EDITOR": "openai"}, "editor", "OPENAI_API_KEY"),
        ({"PPW_MARKETPLACE": "http://127.0.0.1:9"}, "marketplace", "PPW_MARKETPLACE_ACCESS_KEY_ID"),
    ],
)
def test_a_missing_key_is_found_and_the_other_parts_are_tried(
    study: Path, environ: dict[str, str], part: str, words: str
) -> None:
    ran = run(study, "doctor", "--json", **environ)
    assert ran.code == 1
    assert failures(ran).keys() == {part}
    assert words in failures(ran)[part]


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"PPW_IMAGES": "s3://a-bucket/prefix", "PPW_S3__ENDPOINT_URL": "http://127.0.0.1:9"}, "images"),
        ({"PPW_MARKETPLACE": "mturk-sandbox", "PPW_IMAGES_URL": "https://pictures.example"}, "marketplace"),
    ],
)
def test_missing_keys_of_aws_are_asked_for_where_they_are_looked_for(
    study: Path, environ: dict[str, str], part: str
) -> None:
    nobody = {"HOME": str(study.parent), "AWS_EC2_METADATA_DISABLED": "true"}
    finding = failures(run(study, "doctor", "--json", **environ, **nobody))[part]
    assert "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment" in finding
    assert "~/.aws/credentials" in finding
    assert ".env" not in finding


def test_before_init_the_doctor_says_to_run_it(study: Path) -> None:
    (study.parent / "study.db").unlink()
    found = failures(run(study, "doctor", "--json"))
    assert found.keys() == {"database", "study", "pages"}
    assert all("ppw init" in finding for finding in found.values())


@pytest.mark.parametrize("database", ["sqlite:///notes.txt", "mysql+pymysql://ada:sesame@127.0.0.1:9/turk"])
def test_a_marketplaces_database_that_cannot_be_used_is_found(study: Path, database: str) -> None:
    (study.parent / "notes.txt").write_text("This is no database, and never was. " * 50)
    chosen = {"PPW_MARKETPLACE_DATABASE": database}
    found = failures(run(study, "doctor", "--json", **chosen))
    assert found.keys() == {"marketplace"}
    assert "Check that it is there and whole, and the setting `marketplace_database`." in found["marketplace"]
    for command in ("publish-round", "serve"):
        ran = run(study, command, **chosen)
        assert ran.code == 1
        assert "cannot be used" in ran.stderr
        assert "sesame" not in ran.text


# ---- report ---------------------------------------------------------------------------------------------


def test_a_report_that_cannot_be_written_says_so(study: Path, tmp_path: Path) -> None:
    ran = run(study, "report", "--output", tmp_path / "none" / "report.html")
    assert ran.code == 1
    assert "Choose another file with --output" in ran.stderr


# ---- two at once ----------------------------------------------------------------------------------------


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


def test_the_program_runs_where_no_settings_are(tmp_path: Path) -> None:
    ran = ppw("--help", cwd=tmp_path).well()
    assert ran.stdout.startswith("Usage: ppw [OPTIONS] COMMAND")
    assert not list(tmp_path.iterdir())
