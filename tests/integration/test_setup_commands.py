"""`ppw init`: studies that begin well, and attempts that leave nothing behind."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from PIL import Image as Pillow
from sqlalchemy import create_engine, text
from werkzeug.test import Client

from pixelpatchwork.config import load_settings
from pixelpatchwork.config_texts import default_texts, seed_caption
from pixelpatchwork.domain.errors import SeedError
from pixelpatchwork.domain.pictures import MAX_SEED_BYTES
from pixelpatchwork.founding import read_file
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.pages import generation_question
from tests.support.hit_host import html_of
from tests.support.ppw import here
from tests.support.studies import (
    copied,
    crowd_works,
    new_study,
    records,
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


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("Überschrift — mit Straße", "uberschrift-mit-strasse-"),
        ("Ça va, señor?", "ca-va-senor-"),
        ("世界", "study-"),
    ],
)
def test_a_studys_id_keeps_the_letters_of_its_name(tmp_path: Path, name: str, beginning: str) -> None:
    here("init", tmp_path / "mine", "--name", name).well()
    with records(tmp_path / "mine" / "study.yaml") as store:
        study = store.study()
    assert study is not None
    assert study.study_id.startswith(beginning)


def test_only_its_owner_reads_a_studys_records(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        new_study(tmp_path / "mine")
        assert run(tmp_path / "mine" / "study.yaml", "publish-round").well()
    finally:
        os.umask(before)
    for file in (tmp_path / "mine").glob("study.db*"):
        assert file.stat().st_mode & 0o777 == 0o600


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
    assert not list(tmp_path.iterdir())


def test_init_again_changes_nothing(study: Path) -> None:
    before = {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()}
    first = here("init", study.parent).well()
    second = run(study, "init", "--json").well()
    assert "is there already, and up to date" in first.stdout
    assert second.json["is_new"] is False
    assert {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()} == before


def test_init_refuses_to_change_a_study_that_is_there(study: Path, tmp_path: Path) -> None:
    other = write_seed(tmp_path / "other.png", (100, 90))
    for option in (["--name", "Another"], ["--seed", other]):
        ran = here("init", study.parent, *option)
        assert ran.code == 2
        assert "is there already" in ran.stderr


def test_a_study_in_another_language_leads_to_pages_in_it_all_through(tmp_path: Path) -> None:
    small = ("--seed", write_seed(tmp_path / "seed.png"), "--language", "de")
    here("init", tmp_path / "mine", *small).well()
    study = tmp_path / "mine" / "study.yaml"
    german, english = default_texts("de"), default_texts("en")
    assert "language: de" in study.read_text()
    with records(study) as store:
        assert [image.prompt_text for image in store.images()] == [seed_caption("de")]
    with wired(load_settings(study, {})) as wiring:
        page = BeautifulSoup(html_of(generation_question(wiring.exhibition)), "html.parser").text
    shown = ("study", "generation.instructions", "generation.consent")
    assert [key for key in shown if german[key] not in page] == []
    assert [key for key in english if english[key] in page] == []
    run(study, "publish-round").well()
    with wired(load_settings(study, {})) as wiring:
        listed = Client(wiring.site).get("/").text
    assert f"{german['generation.title']} (Tag 1)" in listed
    assert german["generation.description"] in listed
    assert "warn" not in run(study, "doctor").well().stdout


def test_init_again_with_another_language_is_refused(study: Path) -> None:
    assert here("init", study.parent, "--language", "en").well()
    for ran in (here("init", study.parent, "--language", "de"), run(study, "init", "--language", "de")):
        assert ran.code == 2
        assert "language" in ran.stderr


def test_the_same_init_may_be_run_again(study: Path) -> None:
    same = ("init", study.parent, "--name", "A small study", "--seed", study.parent / "seed.png", "--json")
    assert here(*same).well().json["is_new"] is False
    (study.parent / "study.db").unlink()
    assert here(*same).well().json["is_new"] is True


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
    elif kind == "HEIC":
        path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    elif kind == "thin":
        Pillow.new("RGB", (70, 4000), "teal").save(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        Pillow.new("1", (30_000, 30_000)).save(path)
    else:
        frames = [Pillow.new("RGB", (80, 80), colour) for colour in ("red", "green")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no picture", "damaged"),
        ("HEIC", "Export it as JPEG"),
        ("huge", "megapixels"),
        ("animated", "animated"),
        ("thin", "36 x 2048 once it is reduced"),
        ("endless", "is no file"),
    ],
)
def test_a_seed_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path, kind: str, words: str) -> None:
    seed = bad_seed(tmp_path, kind)
    by_option = here("init", tmp_path / "study", "--seed", seed)
    (tmp_path / "study.yaml").write_text("seed: bad.png\ndatabase: sqlite:///deep/study.db\n")
    by_settings = run(tmp_path / "study.yaml", "init")
    for ran in (by_option, by_settings):
        assert ran.code == 1
        assert words in ran.stderr
        assert str(seed) in ran.stderr or str(seed.resolve()) in ran.stderr
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


def test_no_more_of_a_seed_is_read_than_it_takes_to_refuse_it(tmp_path: Path) -> None:
    with (tmp_path / "film.raw").open("wb") as film:
        film.truncate(100 * MAX_SEED_BYTES)
    assert len(read_file(tmp_path / "film.raw")) == MAX_SEED_BYTES + 1
    ran = here("init", tmp_path / "study", "--seed", tmp_path / "film.raw")
    assert "more than 50 MB" in ran.stderr
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SeedError, match="is no file"):
        read_file(tmp_path / "pipe")


def test_settings_that_are_wrong_leave_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    long_name = here("init", folder, "--name", "x" * 70)
    bad_variable = here("init", folder, environ={"PPW_SERVE__PORT": "99999"})
    assert (long_name.code, bad_variable.code) == (2, 2)
    assert "Invalid value for '--name'" in long_name.stderr
    assert "allowed: text of at most 60 characters" in long_name.stderr
    assert "study.yaml" not in long_name.stderr
    assert "serve.port (PPW_SERVE__PORT in the environment)" in bad_variable.stderr
    assert not list(tmp_path.iterdir())
    assert here("init", folder, "--name", "A name").well()


def test_a_bad_dotenv_in_the_folder_is_found_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PPW_TIMEZONE=Mars")
    assert "timezone (PPW_TIMEZONE in .env)" in here("init", tmp_path).stderr
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


# ---- where the settings are -----------------------------------------------------------------------------


def test_a_study_of_this_folder_is_found_without_saying_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here("init", "--name", "Here").well()
    assert (tmp_path / "study.yaml").is_file()
    status = here("status", "--json").well().json
    assert (status["study"], status["next_command"]) == ("Here", "ppw publish-round")


def test_an_exported_config_does_not_keep_another_study_from_being_made(study: Path, tmp_path: Path) -> None:
    exported = {"PPW_CONFIG": str(study)}
    made = here("init", tmp_path / "other", "--name", "Another", "--json", environ=exported).well().json
    assert made["is_new"] is True
    assert made["settings"] == str(tmp_path / "other" / "study.yaml")


def test_without_a_directory_init_is_for_the_exported_config(study: Path) -> None:
    (study.parent / "study.db").unlink()
    exported = {"PPW_CONFIG": str(study)}
    assert "Run: ppw init" in here("status", environ=exported).stderr
    refused = here("init", "--name", "Another", environ=exported)
    assert refused.code == 2
    assert f"Name, seed and language are those of {study}, or give a DIRECTORY." in refused.stderr
    assert here("init", "--json", environ=exported).well().json["is_new"] is True
    assert here("status", environ=exported).well()


def test_a_directory_and_a_config_that_was_typed_contradict_each_other(study: Path, tmp_path: Path) -> None:
    ran = run(study, "init", tmp_path / "other")
    assert ran.code == 2
    assert "either DIRECTORY or --config" in ran.stderr
    assert not (tmp_path / "other").exists()
