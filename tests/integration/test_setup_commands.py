"""`ppw init` and `ppw doctor`: studies that begin well, and faults that are found and named."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image as Pillow
from sqlalchemy import create_engine, text

from pixelpatchwork.config import load_settings
from tests.support.ppw import Ran, here
from tests.support.studies import (
    copied,
    crowd_works,
    new_study,
    run,
    run_next,
    settings_with,
    write_seed,
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on its first Day. Copy it."""
    return new_study(tmp_path_factory.mktemp("fresh") / "study")


@pytest.fixture
def study(fresh: Path, tmp_path: Path) -> Path:
    return copied(fresh, tmp_path / "study")


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


def test_a_question_mark_in_the_path_does_not_lead_to_another_database(tmp_path: Path) -> None:
    ran = here("init", tmp_path / "what?x=1")
    assert ran.code == 2
    assert "no SQLite database can have a question mark in its path" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["what?x=1"]
    assert not list((tmp_path / "what?x=1").glob("*.db"))


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
