"""A marketplace in memory with this study's HIT pages on it, and pictures beside it, for the crowd to work in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
from PIL import Image
from werkzeug.wrappers import Response

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.domain.model import ImageId
from pixelpatchwork.domain.ports import GenerationPage, ShownImage, VotingPage
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SIZE = WIDTH, HEIGHT = 240, 160
PATCH = np.s_[40:90, 60:120]
PAGES = HitPages(resources.hit_templates())


def seed_png() -> bytes:
    """A grey landscape of blocks."""
    return _png(_landscape())


def edited_png(*colour: int) -> bytes:
    """The landscape with a patch in it, stripes of a colour and its opposite."""
    pixels = _landscape()
    pixels[PATCH] = colour
    pixels[PATCH][::5] = 255 - np.array(colour)
    return _png(pixels)


def _landscape() -> np.ndarray[Any, np.dtype[np.uint8]]:
    grey = np.random.default_rng(7).integers(90, 140, (HEIGHT // 8, WIDTH // 8), dtype=np.uint8)
    return np.repeat(np.kron(grey, np.ones((8, 8), dtype=np.uint8))[..., None], 3, axis=2)


def _png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@dataclass
class Pictures:
    """A WSGI application: pictures by path, everything else is the site's. Counts what was fetched."""

    site: WSGIApplication
    files: Mapping[str, bytes]
    fetched: list[str] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in self.files:
            return self.site(environ, start_response)
        self.fetched.append(path)
        return Response(self.files[path], content_type="image/png")(environ, start_response)


@dataclass
class Hands:
    """A clock that is moved by hand."""

    now: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, duration: timedelta) -> None:
        self.now += duration


class Fair:
    """A marketplace, its requester's client, and a site with pictures for workers."""

    def __init__(self, files: Mapping[str, bytes], *, ids: int = 1) -> None:
        self.clock = Hands()
        market = create_app(
            Hosting(database_url="sqlite://", clock=self.clock, secret_key="a secret", random=Random(ids))
        )
        self.site = Pictures(market, files)
        self.client: Any = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://turk.test")
        attach(self.client, market)

    def publish(self, question: str, *, assignments: int, title: str = "Paint") -> str:
        """One HIT; its id."""
        hit = self.client.create_hit(
            MaxAssignments=assignments,
            LifetimeInSeconds=86_400,
            AssignmentDurationInSeconds=1_800,
            Reward="0.15",
            Title=title,
            Description="Paint or vote.",
            Question=question,
        )
        return str(hit["HIT"]["HITId"])

    def answers(self, hit_id: str) -> list[dict[str, Any]]:
        """The assignments that were submitted, as the requester reads them."""
        listed = self.client.list_assignments_for_hit(HITId=hit_id, MaxResults=100)
        return list(listed["Assignments"])


def shown(image_id: str) -> ShownImage:
    """A picture at `/pictures/<its id>`."""
    return ShownImage(image_id=ImageId(image_id), url=f"/pictures/{image_id}", width=WIDTH, height=HEIGHT)


def generation_question(*, day: int = 1) -> str:
    """The real page of a generation HIT on the picture `seed`."""
    return PAGES.generation(
        GenerationPage(
            study_name="A study",
            day_number=day,
            reward_usd=Decimal("0.15"),
            seed=shown("seed"),
            past_winners=(),
            min_coverage=0.005,
            max_coverage=0.5,
            max_prompt=500,
            consent="Kept.",
            instructions="Paint.",
        )
    )


def voting_question(ballot: Mapping[str, str], *, day: int = 1) -> str:
    """The real page of a ballot: prompts by image id."""
    return PAGES.voting(
        VotingPage(
            study_name="A study",
            day_number=day,
            reward_usd=Decimal("0.10"),
            seed=shown("seed"),
            ballot=tuple((shown(image_id), prompt) for image_id, prompt in ballot.items()),
            consent="Kept.",
            instructions="Vote.",
        )
    )
