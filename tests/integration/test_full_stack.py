"""Two Days on everything that a shared study uses: MariaDB, S3, OpenAI's API, and a marketplace behind a socket.

The image service here paints noise over the whole picture, so whatever is kept outside a mask is kept by the program.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from html import unescape
from pathlib import Path
from random import Random
from typing import Any

import boto3
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pillow

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.crowd.browser import HttpBrowser
from pixelpatchwork.crowd.simulation import Simulation
from pixelpatchwork.crowd.workers import draw_personas
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Assignment, AssignmentState, Day, Edit, EditState, Image, User
from tests.support.images_api import KEY, MODEL, USAGE, EditCall, ImagesApi, paint_noise
from tests.support.ppw import Ran, here, ppw, serving
from tests.support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Service, s3_service
from tests.support.stores import fresh_database, mysql_server_url
from tests.support.studies import new_study

pytestmark = pytest.mark.mysql

DAYS = 2
WORKERS = 4
PREFIX = "patchwork/a-study"
MARKETPLACE_KEYS = {
    "PPW_MARKETPLACE_ACCESS_KEY_ID": "AKIDOFTHEFULLSTACK",
    "PPW_MARKETPLACE_SECRET_ACCESS_KEY": "marketplace-secret-of-the-full-stack",
}
SECRETS = (KEY, SECRET_KEY, MARKETPLACE_KEYS["PPW_MARKETPLACE_SECRET_ACCESS_KEY"])


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """The study's pictures, as somebody else reads them."""

    service: S3Service
    client: Any

    def pixels(self, key: str) -> npt.NDArray[np.uint8]:
        body = self.client.get_object(Bucket=self.service.bucket, Key=f"{PREFIX}/{key}")["Body"]
        with body, Pillow.open(io.BytesIO(body.read())) as picture:
            return np.asarray(picture.convert("RGB"))

    def content_types(self) -> dict[str, str]:
        """By key below the prefix."""
        listed = self.client.list_objects_v2(Bucket=self.service.bucket)["Contents"]
        keys = [one["Key"] for one in listed]
        return {
            key.removeprefix(f"{PREFIX}/"): self.client.head_object(Bucket=self.service.bucket, Key=key)[
                "ContentType"
            ]
            for key in keys
        }


@dataclass(kw_only=True)
class Story:
    """What happened, and what is on record afterwards."""

    folder: Path
    bucket: Bucket
    calls: list[EditCall]
    marketplace_url: str = ""
    said: list[Ran] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    hit_pages: list[str] = field(default_factory=list)
    images: tuple[Image, ...] = ()
    edits: tuple[Edit, ...] = ()
    answers: tuple[Assignment, ...] = ()
    days: tuple[Day, ...] = ()
    users: tuple[User, ...] = ()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("full-stack")
    file = new_study(folder / "study")
    with ExitStack() as stack:
        databases = [stack.enter_context(fresh_database(mysql_server_url())) for _ in range(2)]
        s3 = stack.enter_context(s3_service())
        api = stack.enter_context(ImagesApi(painter=paint_noise))
        environ = _environment(s3, api, *databases)
        market = stack.enter_context(serving("--config", file, cwd=folder, environ=environ))
        story = Story(
            folder=folder,
            bucket=stack.enter_context(_bucket(s3)),
            calls=api.calls,
            marketplace_url=market.url,
        )
        _play(story, file, environ | {"PPW_MARKETPLACE": market.url})
        _read(story, databases[0])
        yield story
    assert market.ran is not None
    assert not [secret for secret in SECRETS if secret in market.ran.text]


def _environment(s3: S3Service, api: ImagesApi, study: str, marketplace: str) -> dict[str, str]:
    return {
        **s3.environment,
        **MARKETPLACE_KEYS,
        "OPENAI_API_KEY": KEY,
        "PPW_DATABASE": study,
        "PPW_MARKETPLACE_DATABASE": marketplace,
        "PPW_IMAGES": f"s3://{s3.bucket}/{PREFIX}",
        "PPW_S3__ENDPOINT_URL": s3.endpoint_url,
        "PPW_EDITOR": "openai",
        "PPW_OPENAI__BASE_URL": api.base_url,
        "PPW_OPENAI__IMAGES_PER_MINUTE": "1000",
        "PPW_GENERATION__ASSIGNMENTS": str(WORKERS),
        "PPW_VOTING__ASSIGNMENTS": str(WORKERS),
    }


@contextmanager
def _bucket(s3: S3Service) -> Iterator[Bucket]:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    yield Bucket(service=s3, client=client)
    client.close()


def _play(story: Story, file: Path, environ: dict[str, str]) -> None:
    def run(*arguments: str) -> Ran:
        story.said.append(here("--config", file, *arguments, environ=environ))
        return story.said[-1].well()

    run("init")
    crowd = Simulation(
        browsers=lambda: HttpBrowser(story.marketplace_url),
        personas=draw_personas(WORKERS, Random(3)),
        random_seed=1,
    )
    for _ in range(DAYS):
        for _round in range(2):
            run("publish-round")
            story.hit_pages += _frames(story.marketplace_url)
            crowd.work()
            run("collect", "--close", "--yes-spend", "50")
        run("advance-day")
    run("report", "--output", str(story.folder / "report.html"))
    story.checks = run("doctor", "--json").json["checks"]
    story.said.append(ppw("--config", file, "status", "--json", cwd=story.folder, environ=environ))
    story.status = story.said[-1].well().json


def _frames(url: str) -> list[str]:
    """The documents of the HITs on the list."""
    browser = HttpBrowser(url)
    previews = [browser.get(str(link["href"])) for link in browser.get("/").soup.select("a.hit")]
    frames = [page.soup.select_one("iframe.preview") for page in previews]
    return [browser.get(str(frame["src"])).html for frame in frames if frame is not None]


def _read(story: Story, database_url: str) -> None:
    store = open_store(database_url)
    try:
        rounds = store.rounds()
        story.images, story.days, story.users = store.images(), store.days(), store.users()
        story.edits = tuple(edit for one in rounds for edit in store.edits(one.round_id))
        story.answers = tuple(answer for one in rounds for answer in store.assignments(one.round_id))
    finally:
        store.close()


def test_each_day_is_closed_and_its_winner_is_the_next_ones_seed(story: Story) -> None:
    *closed, current = story.days
    assert [day.number for day in closed] == [1, 2]
    assert [day.winner_image_id for day in closed] == [day.seed_image_id for day in story.days[1:]]
    assert not any(day.is_current for day in closed)
    assert current.is_current
    assert [day["winner_image_id"] for day in story.status["days"][:DAYS]] == [
        day.winner_image_id for day in closed
    ]
    assert all(day.total_votes > 0 for day in closed)


def test_outside_its_mask_every_picture_in_the_bucket_is_its_seed(story: Story) -> None:
    by_id = {image.image_id: image for image in story.images}
    painted = [image for image in story.images if image.seed_image_id is not None]
    assert {image.day for image in painted} == {day.date for day in story.days[:DAYS]}
    for image in painted:
        assert image.seed_image_id
        assert image.mask_rle
        seed = story.bucket.pixels(by_id[image.seed_image_id].s3_path)
        mask = Mask.from_rle(image.mask_rle, size=(image.width, image.height)).pixels
        changed = (story.bucket.pixels(image.s3_path) != seed).any(axis=-1)
        assert not (changed & ~mask).any()
        assert changed.sum() > 0.9 * mask.sum()


def test_every_object_says_what_it_is(story: Story) -> None:
    kinds = story.bucket.content_types()
    assert {key.partition("/")[0]: kind for key, kind in kinds.items()} == {
        "full": "image/png",
        "thumbnails": "image/jpeg",
        "raw": "image/png",
    }
    for image in story.images:
        assert {image.s3_path, image.thumbnail_path} <= kinds.keys()
        assert image.raw_path is None or image.raw_path in kinds


def test_every_edit_was_asked_for_once_and_its_use_and_cost_are_kept(story: Story) -> None:
    assert len(story.edits) == len(story.calls) == len({edit.assignment_id for edit in story.edits})
    assert {call.fault for call in story.calls} == {None}
    for edit in story.edits:
        assert (edit.state, edit.model, edit.editor) == (EditState.DONE, MODEL, "openai")
        assert edit.usage is not None
        assert edit.usage.output_tokens == USAGE["output_tokens"]
        # By the default rates: 40 tokens of text at $5, 2,040 of pictures at $8, 1,056 made at $30 a million.
        assert edit.cost_usd == Decimal("0.0482")
        assert edit.drift is not None
        assert edit.drift > 0.2


def test_every_answer_is_kept_judged_and_paid(story: Story) -> None:
    assert {answer.state for answer in story.answers} == {AssignmentState.SETTLED}
    assert len(story.answers) == 2 * DAYS * WORKERS
    assert all(answer.raw_answer.startswith("<?xml") for answer in story.answers)
    assert all(answer.reason for answer in story.answers if answer.verdict == "unusable")


def test_workers_get_their_pictures_by_links_that_are_signed(story: Story) -> None:
    sources = [link for page in story.hit_pages for link in re.findall(r'<img[^>]* src="([^"]+)"', page)]
    assert sources
    start = f"{story.bucket.service.endpoint_url}/{story.bucket.service.bucket}/{PREFIX}/"
    assert all(link.startswith(start) and "X-Amz-Signature=" in link for link in sources)


def test_the_doctor_finds_every_part_well(story: Story) -> None:
    assert {check["part"] for check in story.checks if check["is_well"]} == {
        "seed", "database", "study", "images",
        "pictures", "marketplace", "editor", "pages",
    }  # fmt: skip


def test_the_report_shows_the_winners(story: Story) -> None:
    page = unescape((story.folder / "report.html").read_text(encoding="utf-8"))
    winners = {day.winner_image_id for day in story.days[:DAYS]}
    assert all(image.prompt_text in page for image in story.images if image.image_id in winners)
    assert "data:image/jpeg;base64," in page


def test_no_key_and_no_worker_is_named_anywhere(story: Story) -> None:
    page = (story.folder / "report.html").read_text(encoding="utf-8")
    for text in (page, *(ran.text for ran in story.said)):
        assert not [secret for secret in SECRETS if secret in text]
        assert not [user.worker_id for user in story.users if user.worker_id in text]
        assert not [answer for answer in story.answers if answer.assignment_id in text]
