"""`ppw rehearse`: the story it tells, that it tells it again, and that what it leaves is an ordinary study."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pillow

from pixelpatchwork import resources
from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Assignment, AssignmentState, Image, RoundId, User, Verdict, Vote
from tests.support.ppw import Ran, here, ppw
from tests.support.studies import copied

SEEDS = ("chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg")
DEFAULT_WORKERS = 12


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """A rehearsal's folder, what it said, and what it left on record."""

    folder: Path
    ran: Ran
    status: dict[str, Any]
    images: tuple[Image, ...]
    users: tuple[User, ...]
    answers: tuple[Assignment, ...]
    votes: tuple[Vote, ...]
    day_of: dict[RoundId, int]

    @property
    def settings(self) -> Path:
        return self.folder / "study.yaml"

    @property
    def report(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")

    def pixels(self, image: Image) -> npt.NDArray[np.uint8]:
        with Pillow.open(self.folder / "images" / image.s3_path) as picture:
            return np.asarray(picture.convert("RGB"))


def read(folder: Path, ran: Ran) -> Rehearsed:
    with opened(folder / "study.yaml") as store:
        return Rehearsed(
            folder=folder,
            ran=ran,
            status=here("--config", folder / "study.yaml", "status", "--json").well().json,
            images=store.images(),
            users=store.users(),
            answers=tuple(one for round_ in store.rounds() for one in store.assignments(round_.round_id)),
            votes=store.votes(),
            day_of={round_.round_id: round_.day_number for round_ in store.rounds()},
        )


@contextmanager
def opened(settings: Path) -> Iterator[SqlStore]:
    store = open_store(load_settings(settings, {}).database_url)
    try:
        yield store
    finally:
        store.close()


def rehearse(folder: Path, *options: object) -> Rehearsed:
    return read(folder, here("rehearse", folder, *options).well())


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Three Days of twelve workers, in a folder that was empty."""
    empty = tmp_path_factory.mktemp("rehearsal")
    ran = ppw(
        "rehearse", "story", "--days", 3, "--workers", DEFAULT_WORKERS, "--random-seed", 1, cwd=empty
    ).well()
    assert [path.name for path in empty.iterdir()] == ["story"]
    return read(empty / "story", ran)


# ---- the story ------------------------------------------------------------------------------------------


def test_each_closed_day_has_a_winner_that_is_the_next_ones_seed(story: Rehearsed) -> None:
    days = story.status["days"]
    assert [day["number"] for day in days] == [1, 2, 3, 4]
    assert [day["is_current"] for day in days] == [False, False, False, True]
    assert [day["winner_image_id"] for day in days[:3]] == [day["seed_image_id"] for day in days[1:]]
    assert len({day["winner_image_id"] for day in days[:3]}) == 3
    assert all(day["total_participants"] == DEFAULT_WORKERS and day["total_votes"] > 0 for day in days[:3])
    assert story.status["next_command"] == f"ppw --config {story.settings} publish-round"


def test_it_ends_with_the_days_and_the_path_of_a_page(story: Rehearsed) -> None:
    assert [line.split()[0] for line in story.ran.stdout.splitlines() if re.match(r" +\d ", line)] == list(
        "1234"
    )
    assert f"See the Days in a browser: {story.folder.resolve() / 'report.html'}\n" in story.ran.stdout
    assert "ppw --config story/study.yaml status" in story.ran.stdout


def test_off_a_terminal_its_progress_is_plain_lines(story: Rehearsed) -> None:
    lines = story.ran.stderr.splitlines()
    assert lines
    assert all(re.fullmatch(r"[A-Z][A-Za-z ]+: \d+ of \d+", line) for line in lines)


def test_its_page_stands_alone(story: Rehearsed) -> None:
    assert story.report.lower().startswith("<!doctype html>")
    assert "data:image/jpeg;base64," in story.report
    assert not re.findall(
        r"(?:src|href|url|srcset|action)\s*[=(]\s*[\"']?(?!data:|#)[^\s\"'>]*//", story.report
    )
    assert not re.findall(r"https?://(?!www\.w3\.org/)", story.report)


def test_every_image_is_its_seed_outside_its_mask(story: Rehearsed) -> None:
    by_id = {image.image_id: image for image in story.images}
    painted = [image for image in story.images if image.seed_image_id is not None]
    assert len(painted) > 2 * DEFAULT_WORKERS
    for image in painted:
        assert image.seed_image_id
        assert image.mask_rle
        mask = Mask.from_rle(image.mask_rle, size=(image.width, image.height)).pixels
        changed = (story.pixels(image) != story.pixels(by_id[image.seed_image_id])).any(axis=-1)
        assert not (changed & ~mask).any()
        assert changed.any()


def test_bad_answers_are_kept_as_they_came_and_paid_and_left_out_with_a_reason(story: Rehearsed) -> None:
    bad = [answer for answer in story.answers if answer.verdict is Verdict.UNUSABLE]
    assert bad
    assert all(answer.raw_answer and answer.reason and answer.reason.endswith(".") for answer in bad)
    assert {answer.state for answer in story.answers} == {AssignmentState.SETTLED}
    assert len(story.answers) == 3 * 2 * DEFAULT_WORKERS


def test_no_worker_and_no_assignment_is_named_in_what_it_shows(story: Rehearsed) -> None:
    config = ("--config", story.settings)
    shown = [story.report, story.ran.text]
    shown += [here(*config, command).text for command in ("status", "doctor")]
    shown += [here(*config, command, "--json").text for command in ("status", "doctor")]
    for text in shown:
        assert not [user for user in story.users if user.worker_id in text]
        assert not [answer for answer in story.answers if answer.assignment_id in text]


def test_what_it_leaves_is_an_ordinary_study(story: Rehearsed, tmp_path: Path) -> None:
    names = {path.name for path in story.folder.iterdir()}
    assert {"study.yaml", "study.db", "marketplace.db", "images", ".env.example", "report.html"} <= names

    config = ("--config", copied(story.settings, tmp_path / "copy"))
    assert here(*config, "doctor", "--json").well().json["is_well"]
    published = here(*config, "publish-round", "--json").well().json
    assert (published["plan"]["day"], published["plan"]["kind"], published["created"]) == (4, "generation", 2)
    assert here(*config, "status", "--json").well().json["next_command"].endswith(" collect")
    assert here(*config, "collect", "--json").well().json["answers_missing"] == DEFAULT_WORKERS
    here(*config, "report", "--output", tmp_path / "page.html").well()
    assert (tmp_path / "page.html").stat().st_size > 100_000


# ---- the same again -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the first Days of a story consist of: no dates, no ids that are random elsewhere."""

    names: set[str]
    painted: list[tuple[int, str, str, str]]
    voted: list[tuple[int, str, str, str]]
    winners: list[str]


def told(rehearsed: Rehearsed, *, days: int) -> Told:
    number_of = {day["date"]: day["number"] for day in rehearsed.status["days"]}
    names = {user.user_id: user.username for user in rehearsed.users}
    painted = [
        (number_of[image.day.isoformat()], names[image.creator_id], image.prompt_text, image.sha256)
        for image in rehearsed.images
        if image.creator_id is not None
    ]
    voted = [
        (rehearsed.day_of[vote.round_id], names[vote.user_id], vote.image_id, vote.choice.value)
        for vote in rehearsed.votes
    ]
    return Told(
        names=set(names.values()),
        painted=sorted(one for one in painted if one[0] <= days),
        voted=sorted(one for one in voted if one[0] <= days),
        winners=[day["winner_image_id"] for day in rehearsed.status["days"][:days]],
    )


def test_the_same_seed_tells_the_same_story(story: Rehearsed, tmp_path: Path) -> None:
    again = rehearse(tmp_path / "again", "--days", 2, "--workers", DEFAULT_WORKERS, "--random-seed", 1)
    assert told(again, days=2) == told(story, days=2)


def test_another_seed_tells_another_story(story: Rehearsed, tmp_path: Path) -> None:
    other = rehearse(tmp_path / "other", "--days", 1, "--workers", DEFAULT_WORKERS, "--random-seed", 2)
    ours, theirs = told(story, days=1), told(other, days=1)
    assert ours.names.isdisjoint(theirs.names)
    assert {prompt for _, _, prompt, _ in ours.painted} != {prompt for _, _, prompt, _ in theirs.painted}
    assert ours.winners != theirs.winners


@pytest.mark.parametrize("seed", SEEDS)
def test_every_photograph_that_travels_with_the_program_can_begin_a_story(seed: str, tmp_path: Path) -> None:
    photograph = resources.config() / "seeds" / seed
    rehearsed = rehearse(tmp_path / "story", "--days", 1, "--workers", 3, "--seed", photograph)
    first, painted = rehearsed.images[0], rehearsed.images[1:]
    with Pillow.open(photograph) as picture:
        assert picture.size == (first.width, first.height)
    assert painted
    assert rehearsed.status["days"][0]["winner_image_id"]


# ---- its folder -----------------------------------------------------------------------------------------


def test_a_folder_with_other_things_in_it_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("Chapter 1")
    ran = here("rehearse", tmp_path)
    assert ran.code == 1
    assert "is not empty and was not made by a rehearsal" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_study_that_no_rehearsal_made_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    here("init", tmp_path / "study").well()
    before = (tmp_path / "study" / "study.db").read_bytes()
    assert here("rehearse", tmp_path / "study").code == 1
    assert (tmp_path / "study" / "study.db").read_bytes() == before


def test_a_bad_seed_leaves_the_rehearsal_that_was_there(tmp_path: Path) -> None:
    rehearse(tmp_path / "story", "--days", 1, "--workers", 2)
    (tmp_path / "seed.png").write_bytes(b"no picture")
    ran = here("rehearse", tmp_path / "story", "--seed", tmp_path / "seed.png")
    assert ran.code == 1
    assert "no picture that can be read" in ran.stderr
    assert here("--config", tmp_path / "story" / "study.yaml", "status", "--json").well().json["days"]


def test_the_seed_may_stand_in_the_rehearsal_that_is_replaced(tmp_path: Path) -> None:
    first = rehearse(tmp_path / "story", "--days", 1, "--workers", 2)
    seed = tmp_path / "story" / "seed.png"
    second = rehearse(tmp_path / "story", "--days", 1, "--workers", 2, "--seed", seed)
    assert second.images[0].sha256 == first.images[0].sha256


def test_the_folder_may_be_the_one_where_one_stands(tmp_path: Path) -> None:
    for _ in range(2):
        assert ppw("rehearse", ".", "--days", 1, "--workers", 2, cwd=tmp_path).well()
    assert (tmp_path / "report.html").is_file()


def test_a_rehearsal_that_was_stopped_early_is_replaced_too(tmp_path: Path) -> None:
    rehearse(tmp_path / "story", "--days", 1, "--workers", 2)
    for leftover in ("study.yaml", "study.db", "marketplace.db", "seed.png", "report.html", ".env.example"):
        (tmp_path / "story" / leftover).unlink()
    rehearse(tmp_path / "story", "--days", 1, "--workers", 2)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a rehearsal of one Day. Copy it."""
    return rehearse(tmp_path_factory.mktemp("short") / "story", "--days", 1, "--workers", 2).settings


def test_a_study_that_went_on_is_refused_and_stays_as_it_is(short: Path, tmp_path: Path) -> None:
    study = copied(short, tmp_path / "story")
    here("--config", study, "publish-round").well()
    before = {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()}
    ran = here("rehearse", study.parent, "--days", 1, "--workers", 2)
    assert ran.code == 1
    assert (
        "went on after its rehearsal, and would be lost. Move it away, or rehearse in another" in ran.stderr
    )
    assert {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("marker", ["", "days many, workers 2, seed 1", "days 0, workers 2, seed 1"])
def test_a_marker_that_says_nothing_makes_no_study_a_rehearsals(
    short: Path, tmp_path: Path, marker: str
) -> None:
    study = copied(short, tmp_path / "story")
    (study.parent / ".rehearsal").write_text(marker)
    assert "would be lost" in here("rehearse", study.parent).stderr
    assert study.is_file()


def test_a_study_that_cannot_be_read_is_not_thrown_away(short: Path, tmp_path: Path) -> None:
    for number, spoil in enumerate(("study.yaml", "study.db")):
        study = copied(short, tmp_path / str(number))
        (study.parent / spoil).write_text("no: settings, and no database either\n" * 50)
        ran = here("rehearse", study.parent)
        assert ran.code == 1
        assert "cannot be told" in ran.stderr
        assert (study.parent / "marketplace.db").is_file()


def test_a_dotenv_that_its_owner_wrote_is_not_thrown_away(short: Path, tmp_path: Path) -> None:
    study = copied(short, tmp_path / "story")
    (study.parent / ".env").write_text("OPENAI_API_KEY=sk-hunter2\n")
    ran = here("rehearse", study.parent)
    assert ran.code == 1
    assert ".env is no rehearsal's" in ran.stderr
    assert (study.parent / ".env").is_file()


def test_its_document_names_a_next_command_that_can_be_typed(tmp_path: Path) -> None:
    ran = here("rehearse", tmp_path / "story", "--days", 1, "--workers", 2, "--json").well()
    assert ran.json["status"]["next_command"] == f"ppw --config {tmp_path / 'story/study.yaml'} publish-round"


def test_it_replaces_its_own_and_takes_nothing_from_the_environment(tmp_path: Path) -> None:
    rehearse(tmp_path / "story", "--days", 1, "--workers", 2)
    elsewhere = {"PPW_MARKETPLACE": "mturk-live", "PPW_EDITOR": "openai", "PPW_DATABASE": "sqlite:////x/y.db"}
    ran = here("rehearse", tmp_path / "story", "--days", 1, "--workers", 3, "--json", environ=elsewhere)
    assert ran.well().json["status"]["days"][0]["total_participants"] == 3
    assert ran.stderr == ""
