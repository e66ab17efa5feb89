"""Settings: what goes before what, where paths lead, and what travels with the program."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pixelpatchwork import resources
from pixelpatchwork.config import (
    Bucket,
    GenerationSettings,
    Settings,
    describe,
    load_settings,
    render_settings,
    shown,
)
from pixelpatchwork.domain.errors import ConfigurationError
from tests.support.settings import Load

SHIPPED = sorted(resources.config().glob("*.yaml"))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(tmp_path)


# ---- precedence -----------------------------------------------------------------------------------------


def test_an_empty_file_gives_the_defaults(load: Load) -> None:
    settings = load("")
    assert settings.marketplace == "embedded"
    assert settings.generation.reward_usd == Decimal("0.25")
    assert settings == Settings(folder=settings.folder)


@pytest.mark.parametrize(
    ("environ", "dotenv", "port"),
    [
        ({"PPW_SERVE__PORT": "4"}, "PPW_SERVE__PORT=3", 4),
        ({}, "PPW_SERVE__PORT=3", 3),
        ({}, "", 2),
    ],
)
def test_the_environment_goes_before_dotenv_before_the_file(
    load: Load, environ: dict[str, str], dotenv: str, port: int
) -> None:
    settings = load("serve: {port: 2, threads: 5}", environ, dotenv)
    assert (settings.serve.port, settings.serve.threads) == (port, 5)


@pytest.mark.parametrize(
    ("line", "study"),
    [
        ("PPW_STUDY=plain words  # a remark", "plain words"),
        ("export PPW_STUDY = 'it is # one'", "it is # one"),
        ('PPW_STUDY="$HOME ${HOME}"', "$HOME ${HOME}"),
        ("PPW_STUDY=p#q", "p#q"),
        ("PPW_STUDY=", "A patchwork picture"),
        ("# PPW_STUDY=x", "A patchwork picture"),
        ("OTHER=1", "A patchwork picture"),
    ],
)
def test_dotenv_values_are_taken_as_they_are_written(load: Load, line: str, study: str) -> None:
    assert load("", dotenv=f"\n{line}\n").study == study


@pytest.mark.parametrize("line", ["no assignment", "PPW_STUDY='unfinished", "PPW STUDY=x", "=x"])
def test_a_line_of_dotenv_that_says_nothing_is_a_fault(load: Load, line: str) -> None:
    with pytest.raises(ConfigurationError, match=r"line 2 \(\.env\): is no line of the form NAME=VALUE"):
        load("", dotenv=f"\n{line}\n")


def test_an_empty_variable_counts_as_not_set(load: Load) -> None:
    assert load("study: From the file", {"PPW_STUDY": ""}).study == "From the file"


def test_an_empty_value_or_section_means_the_default(load: Load) -> None:
    assert load("study:\nimages_url: null\nserve:\n").serve.port == 8765


def test_values_are_text_until_they_are_read(load: Load) -> None:
    settings = load("study: no\ngeneration:\n  reward_usd: 0.10\nvoting:\n  incumbent: off\n")
    assert settings.study == "no"
    assert str(settings.generation.reward_usd) == "0.10"
    assert settings.voting.incumbent is False


def test_settings_built_by_hand_do_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPW_STUDY", "Hidden")
    assert Settings().study == "A patchwork picture"


def test_ppw_config_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("study: Mine")
    assert load_settings(None, {"PPW_CONFIG": str(file)}).study == "Mine"


def test_each_place_for_the_file_goes_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    for name in ("typed.yaml", "exported.yaml", "study.yaml", "config/local.yaml"):
        (tmp_path / name).write_text(f"study: {name}")
    monkeypatch.chdir(tmp_path)
    exported = {"PPW_CONFIG": "exported.yaml"}
    assert load_settings(Path("typed.yaml"), exported).study == "typed.yaml"
    assert load_settings(None, exported).study == "exported.yaml"
    assert load_settings(None, {}).study == "study.yaml"
    (tmp_path / "study.yaml").unlink()
    assert load_settings(None, {}).study == "config/local.yaml"


def test_a_study_in_the_current_directory_has_its_paths_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.yaml").write_text("seed: a.png")
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).seed_path == tmp_path / "a.png"


def test_a_file_can_be_tried_before_it_is_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PPW_SERVE__PORT=3")
    file = tmp_path / "study.yaml"
    settings = load_settings(file, {}, text="study: Not yet")
    assert (settings.study, settings.serve.port, settings.folder) == ("Not yet", 3, tmp_path)
    with pytest.raises(ConfigurationError, match=r"study \(study.yaml, line 1\)"):
        load_settings(file, {}, text="study: ''")
    assert not file.exists()


def test_without_any_file_the_shipped_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, {})
    assert settings.marketplace == "embedded"
    assert settings.seed_path.is_file()


def test_a_folder_without_a_study_does_not_reach_the_demos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, {})
    assert settings.database_url == f"sqlite:///{tmp_path}/demo-study/study.db"
    assert settings.path(settings.images) == tmp_path / "demo-study" / "images"


@pytest.mark.parametrize("folder", [".", "docs"])
def test_within_a_checkout_the_demos_study_is_found(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = resources.config().parent
    monkeypatch.chdir(checkout / folder)
    assert load_settings(None, {}).database_url == f"sqlite:///{checkout}/demo-study/study.db"


# ---- paths and addresses --------------------------------------------------------------------------------


def test_paths_are_relative_to_the_file(load: Load, tmp_path: Path) -> None:
    settings = load("database: sqlite:///data/study.db?timeout=5\nimages: ../pictures\nseed: a.png")
    assert settings.database_url == f"sqlite:///{tmp_path}/data/study.db?timeout=5"
    assert settings.path(settings.images) == tmp_path.parent / "pictures"
    assert settings.seed_path == tmp_path / "a.png"


@pytest.mark.parametrize("url", ["sqlite:////var/lib/study.db", "mysql+pymysql://ppw@db.example.org/study"])
def test_absolute_addresses_stay_as_they_are(load: Load, url: str) -> None:
    assert load(f"database: {url}").database_url == url


@pytest.mark.parametrize(
    ("images", "bucket"),
    [
        ("s3://my-bucket", Bucket(name="my-bucket", prefix="")),
        ("s3://my-bucket/a/b/", Bucket(name="my-bucket", prefix="a/b")),
        ("pictures", None),
    ],
)
def test_images_are_a_folder_or_a_bucket(load: Load, images: str, bucket: Bucket | None) -> None:
    assert load(f"images: {images}").bucket == bucket


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql+pymysql://root:p@ss/w:rd@host/db", "mysql+pymysql://root:***@host/db"),
        ("mysql+pymysql://host/db?user=a&password=hunter2", "mysql+pymysql://host/db?user=a&password=***"),
        ("root:hunter2@host", "root:***@host"),
        ("https://host:8080/path", "https://host:8080/path"),
        ("sqlite:///study.db", "sqlite:///study.db"),
    ],
)
def test_passwords_are_masked_in_addresses(url: str, expected: str) -> None:
    assert shown(url) == expected


# ---- what travels with the program ----------------------------------------------------------------------


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.name)
def test_shipped_settings_are_valid_and_name_a_seed_that_is_there(file: Path) -> None:
    assert load_settings(file, {}).seed_path.is_file()


def test_there_are_four_shipped_settings() -> None:
    assert [file.stem for file in SHIPPED] == ["hosted", "local", "mturk-live", "mturk-sandbox"]


def test_every_key_is_described() -> None:
    keys = list(describe())
    assert len({key.name for key in keys}) == len(keys) > 60
    assert all(key.description.endswith(".") and key.allowed for key in keys)


def test_rendered_settings_say_what_they_were_made_from(load: Load) -> None:
    text = render_settings({"study": "null: #1", "images_url": None, "generation.assignments": 7})
    settings = load(text)
    assert settings.model_copy(update={"folder": Path()}) == Settings(
        folder=Path(), study="null: #1", generation=GenerationSettings(assignments=7)
    )
    assert "openai_api_key" not in text


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("\xa0>;")  # white space to Python, none to YAML
@given(
    title=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128).filter(str.strip)
)
def test_any_title_survives_rendering(load: Load, title: str) -> None:
    assert load(render_settings({"generation.title": title})).generation.title == title.strip()


def test_rendering_refuses_a_key_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"generation\.reward$"):
        render_settings({"generation.reward": 1})
