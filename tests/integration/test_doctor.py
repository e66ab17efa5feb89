"""`ppw doctor`: faults that are found and named, part by part, and nothing that is changed by looking."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.support.ppw import Ran
from tests.support.studies import answered_study, copied, new_study, records, run, settings_with


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on its first Day. Copy it."""
    return new_study(tmp_path_factory.mktemp("fresh") / "study")


@pytest.fixture(scope="module")
def answered(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its generation round answered and not collected. Copy it."""
    return answered_study(fresh, tmp_path_factory.mktemp("answered") / "study")


@pytest.fixture
def study(fresh: Path, tmp_path: Path) -> Path:
    return copied(fresh, tmp_path / "study")


def failures(ran: Ran) -> dict[str, str]:
    """What the doctor says of the parts that are not well."""
    return {check["part"]: check["finding"] for check in ran.json["checks"] if not check["is_well"]}


def test_the_doctor_finds_a_new_study_well_and_leaves_it_as_it_is(study: Path) -> None:
    before = (study.parent / "study.db").read_bytes()
    ran = run(study, "doctor").well()
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["ok"] * 8
    assert (study.parent / "study.db").read_bytes() == before


def test_a_seed_that_is_gone_is_found_before_day_1_and_not_missed_afterwards(study: Path) -> None:
    (study.parent / "seed.png").unlink()
    assert "ok    seed         the study has begun from it" in run(study, "doctor").well().stdout
    (study.parent / "study.db").unlink()
    ran = run(study, "doctor")
    assert ran.code == 1
    assert "FAIL  seed         Cannot read the seed" in ran.stdout


def test_a_seed_that_is_too_thin_is_found(study: Path) -> None:
    (study.parent / "study.db").unlink()
    Pillow.new("RGB", (70, 4000)).save(study.parent / "seed.png")
    assert "36 x 2048" in failures(run(study, "doctor", "--json"))["seed"]


def test_another_name_in_the_settings_is_a_warning(study: Path) -> None:
    ran = run(study, "doctor", PPW_STUDY="A cup of tea").well()
    assert "ok    study        A small study, Day 1\nwarn  study        " in ran.stdout
    document = run(study, "doctor", "--json", PPW_STUDY="A cup of tea").well().json
    assert document["is_well"] is True
    (warned,) = [check for check in document["checks"] if check["warnings"]]
    assert "`study: A cup of tea`; workers see the name with which the study began" in warned["warnings"][0]


def test_texts_left_in_english_on_pages_in_another_language_are_a_warning(study: Path) -> None:
    settings_with(study, {"language": "de", "generation.consent": "Ja?", "voting.title": "Abstimmen"})
    ran = run(study, "doctor", "--json").well()
    (warned,) = [check for check in ran.json["checks"] if check["warnings"]]
    (warning,) = warned["warnings"]
    assert warned["part"] == "pages"
    assert "`language: de`" in warning
    assert "generation.title" in warning
    assert "voting.consent" in warning
    assert "generation.consent" not in warning
    assert "voting.title" not in warning


def test_pictures_that_are_gone_are_found(answered: Path, tmp_path: Path) -> None:
    study = copied(answered, tmp_path / "study")
    run(study, "collect").well()
    checks = {check["part"]: check for check in run(study, "doctor", "--json").well().json["checks"]}
    with records(study) as store:
        seed, first, *rest = store.images()
    assert checks["pictures"]["finding"] == f"{len(rest) + 2} pictures of this Day's pages, all there"

    (study.parent / "images" / first.s3_path).unlink()
    found = failures(run(study, "doctor", "--json"))
    assert found.keys() == {"pictures"}
    assert f"1 of the {len(rest) + 2} pictures" in found["pictures"]
    assert first.s3_path in found["pictures"]

    (study.parent / "images" / seed.s3_path).unlink()
    assert f"2 of the {len(rest) + 2} pictures" in failures(run(study, "doctor", "--json"))["pictures"]


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
    assert "Cannot reach http://127.0.0.1:9" in failures(ran)["marketplace"]
    assert "serve` running there?" in failures(ran)["marketplace"]


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
    assert found.keys() == {"database", "study", "pictures", "pages"}
    assert all(f"Run: ppw --config {study} init" in finding for finding in found.values())
    assert f"Run: ppw --config {study} init" in run(study, "doctor").stdout


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
