"""What the rules and workflows ask of the outside world. Adapters answer; nothing here knows which.

The largest port, the study's records, stands in `store.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pixelpatchwork.domain.model import (
    AssignmentId,
    EditKey,
    HitId,
    HitTypeId,
    ImageId,
    Settlement,
    Token,
    Usage,
    WorkerId,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import CanvasLimits
from pixelpatchwork.domain.store import ClosedDay, Judgement, Remaining, Store

__all__ = [
    "Clock",
    "ClosedDay",
    "Crowd",
    "EditRequest",
    "EditResult",
    "Editor",
    "GenerationPage",
    "HitRequest",
    "HitTypeSpec",
    "ImageStore",
    "Judgement",
    "Pages",
    "PaidBonus",
    "PastWinner",
    "PublishedHit",
    "Remaining",
    "ShownImage",
    "Store",
    "SubmittedAssignment",
    "VotingPage",
]


class Clock(Protocol):
    """The time, as an argument."""

    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        ...


# ---- the crowd ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HitTypeSpec:
    """What workers read about a round's HITs before they open one."""

    title: str
    description: str
    keywords: str
    reward_usd: Usd
    assignment_duration: timedelta
    auto_approval_delay: timedelta


@dataclass(frozen=True, kw_only=True)
class HitRequest:
    """One HIT to be published. `question` is the whole HTMLQuestion XML; `lifetime` runs from the call."""

    hit_type_id: HitTypeId
    token: Token
    annotation: str
    question: str
    max_assignments: int
    lifetime: timedelta


@dataclass(frozen=True, kw_only=True)
class PublishedHit:
    """A HIT as the marketplace shows it.

    `is_finished`: no further answer can come (all submitted, or expired with nothing in flight). `submitted` answers
    have come; the marketplace may need a while until it lists them all. `reward_usd` is None where it does not say.
    """

    hit_id: HitId
    annotation: str
    max_assignments: int
    expires_at: datetime
    is_finished: bool
    submitted: int
    reward_usd: Usd | None = None


@dataclass(frozen=True, kw_only=True)
class SubmittedAssignment:
    """An answer as the marketplace hands it over. `is_approved`: by us or by the passing of time."""

    assignment_id: AssignmentId
    hit_id: HitId
    worker_id: WorkerId
    answer: str
    accepted_at: datetime
    submitted_at: datetime
    is_approved: bool
    is_rejected: bool


@dataclass(frozen=True, kw_only=True)
class PaidBonus:
    """A bonus that the marketplace has paid, as it lists it."""

    assignment_id: AssignmentId
    amount_usd: Usd
    reason: str
    paid_at: datetime


class Crowd(Protocol):
    """The MTurk requester API, in our words. Every call may raise CrowdError."""

    def balance(self) -> Usd:
        """What is left of the prepaid balance."""
        ...

    def ensure_hit_type(self, spec: HitTypeSpec) -> HitTypeId:
        """The id of this HIT type; equal specs give the same id."""
        ...

    def create_hit(self, request: HitRequest) -> HitId:
        """Publishes a HIT. Raises HitExists where the token was used before, InsufficientFunds."""
        ...

    def hits(self, annotation_prefix: str) -> Iterator[PublishedHit]:
        """Every HIT of the account whose RequesterAnnotation starts so, over all pages."""
        ...

    def hit(self, hit_id: HitId) -> PublishedHit:
        """One HIT as it stands now."""
        ...

    def assignments(self, hit_id: HitId) -> Iterator[SubmittedAssignment]:
        """Every submitted assignment of a HIT, whatever became of it, over all pages, earliest first.

        Raises HitGone, as `hit` does.
        """
        ...

    def approve(self, assignment_id: AssignmentId) -> None:
        """Pays the worker. An assignment that is approved already counts as success.

        Raises DecidedElsewhere where it can never be approved.
        """
        ...

    def reject(self, assignment_id: AssignmentId, *, feedback: str) -> None:
        """Refuses to pay; the worker reads `feedback`. An assignment that is rejected already counts as success.

        Raises DecidedElsewhere where it was approved, or is gone.
        """
        ...

    def settlement(self, assignment_id: AssignmentId) -> Settlement | None:
        """What stands in the marketplace: approved, rejected or gone (LOST); None where nothing is decided yet."""
        ...

    def block(self, worker_id: WorkerId, *, reason: str) -> None:
        """Keeps a worker from this account's HITs, who never reads `reason`; blocked already counts as success."""
        ...

    def unblock(self, worker_id: WorkerId, *, reason: str) -> None:
        """Lets a worker back in; one who is not blocked counts as success."""
        ...

    def send_bonus(
        self, assignment_id: AssignmentId, worker_id: WorkerId, *, token: Token, amount_usd: Usd, reason: str
    ) -> None:
        """Pays money on top of the reward. Raises InsufficientFunds, DecidedElsewhere where the assignment is gone.

        A token that was used within the last 24 hours pays nothing and raises CrowdError; what was paid, then or
        longer ago, `bonuses` tells.
        """
        ...

    def bonuses(self, assignment_id: AssignmentId) -> Iterator[PaidBonus]:
        """Every bonus that was paid for an assignment, by whomever, over all pages."""
        ...

    def bonuses_of_hit(self, hit_id: HitId) -> Iterator[PaidBonus]:
        """The same for all assignments of a HIT. Raises HitGone, as `hit` does."""
        ...

    def notify(self, hit_id: HitId, *, queue: str) -> None:
        """Has the SQS queue of this URL told of every answer to this HIT, and to all others of its type.

        Whether anything ever arrives cannot be told: the queue may refuse it, or the marketplace may send nothing.
        """
        ...

    def expire(self, hit_id: HitId) -> None:
        """Takes a HIT off the market at once; work in flight may still be submitted."""
        ...

    def delete(self, hit_id: HitId) -> None:
        """Disposes of a finished HIT. One that is gone already counts as success."""
        ...


# ---- the HIT pages --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ShownImage:
    """A picture on a page. `label` names the editor where its pictures need one (`offline`), else ""."""

    image_id: ImageId
    url: str
    width: int
    height: int
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class PastWinner:
    """An earlier Day's winner, for workers to see what came before."""

    day_number: int
    image: ShownImage
    prompt: str
    username: str


@dataclass(frozen=True, kw_only=True)
class GenerationPage:
    """What the page of a generation HIT shows. `min_coverage`, `max_coverage`: shares of the picture, 0 to 1."""

    study_name: str
    day_number: int
    reward_usd: Usd
    seed: ShownImage
    past_winners: tuple[PastWinner, ...]
    min_coverage: float
    max_coverage: float
    max_prompt: int
    consent: str
    instructions: str


@dataclass(frozen=True, kw_only=True)
class VotingPage:
    """What the page of a voting HIT shows: the Day's seed and the images of one ballot, in order."""

    study_name: str
    day_number: int
    reward_usd: Usd
    seed: ShownImage
    ballot: tuple[tuple[ShownImage, str], ...]
    """Image and prompt."""
    consent: str
    instructions: str


class Pages(Protocol):
    """Renders HIT pages as HTMLQuestion XML of at most 65,535 bytes. Raises PageTooLarge."""

    def generation(self, page: GenerationPage) -> str:
        """The question of a generation HIT."""
        ...

    def voting(self, page: VotingPage) -> str:
        """The question of a voting HIT."""
        ...


# ---- the editor -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """One picture to be repainted, already framed for the editor (see `patch.plan_frame`).

    `image_png` is RGB, `mask_png` RGBA of the same `width` x `height`: alpha 0 = repaint.
    `safety_identifier` is a hash that stands for the worker.
    """

    image_png: bytes
    mask_png: bytes
    width: int
    height: int
    prompt: str
    edit_key: EditKey
    safety_identifier: str


@dataclass(frozen=True, kw_only=True)
class EditResult:
    """The editor's picture as encoded bytes (PNG, JPEG or WebP), untrusted, and what the service said of it.

    `cost_usd` is None where the service does not say what it used; `rates` names the price table behind it.
    """

    image: bytes
    usage: Usage | None
    cost_usd: Usd | None
    request_id: str | None
    rates: str | None = None


class Editor(Protocol):
    """Repaints a masked picture. What it does outside the mask is undone afterwards."""

    @property
    def name(self) -> str:
        """The word for it in settings, pages and records: `offline`, `openai`."""
        ...

    @property
    def model(self) -> str:
        """The model's id, pinned."""
        ...

    @property
    def parameters(self) -> str:
        """Everything else that shapes the picture, as JSON text with sorted keys."""
        ...

    @property
    def limits(self) -> CanvasLimits:
        """Which picture sizes it takes."""
        ...

    @property
    def worst_case_usd(self) -> Usd:
        """What one edit costs at most; 0 where it costs nothing."""
        ...

    @property
    def parallel(self) -> int:
        """How many edits may run at once."""
        ...

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        """Repaints. Raises the EditorError family, whose classes say what follows.

        `sending` is called right before a request goes out that may be billed, again before each repetition; what it
        raises ends the edit, with nothing sent. Screening and waiting for a place in the rate come before it.
        """
        ...


# ---- pictures -------------------------------------------------------------------------------------------


class ImageStore(Protocol):
    """Pictures by key, written once but by `replace`. Every call may raise ImageStoreError."""

    def put(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Stores `data` unless the key is taken. True: stored. False: another picture stands there, untouched."""
        ...

    def replace(self, key: str, data: bytes, *, content_type: str) -> None:
        """Stores `data` in the place of what is there, in one step: only for what was damaged outside the program."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises ImageMissing."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is a picture under `key`."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that begins so, in their order. `prefix` is empty, or a folder with its slash: `raw/`."""
        ...

    def url(self, key: str) -> str:
        """Where a worker's browser finds the picture: absolute, or relative to the root of the workers' site."""
        ...
