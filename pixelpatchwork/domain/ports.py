"""What the rules and workflows ask of the outside world. Adapters answer; nothing here knows which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    Day,
    Edit,
    EditKey,
    EditState,
    Event,
    Hit,
    HitId,
    HitTypeId,
    Image,
    ImageId,
    Round,
    RoundId,
    Study,
    Token,
    Usage,
    User,
    UserId,
    Verdict,
    Vote,
    WorkerId,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import CanvasLimits


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

    `is_finished`: no further answer can come (all submitted, or expired with nothing in flight).
    """

    hit_id: HitId
    annotation: str
    max_assignments: int
    expires_at: datetime
    is_finished: bool


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
        """Every submitted assignment of a HIT, whatever became of it, over all pages, earliest first."""
        ...

    def approve(self, assignment_id: AssignmentId) -> None:
        """Pays the worker. An assignment that is approved already counts as success."""
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
    """The editor's picture as encoded bytes (PNG, JPEG or WebP), untrusted, and what the service said of it."""

    image: bytes
    usage: Usage | None
    cost_usd: Usd | None
    request_id: str | None


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

    def edit(self, request: EditRequest) -> EditResult:
        """Repaints. Raises the EditorError family, whose classes say what follows."""
        ...


# ---- pictures -------------------------------------------------------------------------------------------


class ImageStore(Protocol):
    """Pictures by key, written once. Every call may raise ImageStoreError."""

    def put(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Stores `data` unless the key is taken. True: stored. False: another picture stands there, untouched."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises ImageMissing."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is a picture under `key`."""
        ...

    def url(self, key: str) -> str:
        """Where a worker's browser finds the picture: absolute, or relative to the root of the workers' site."""
        ...


# ---- the records ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What an answer came to, to be recorded as one: the verdict, and its votes or its edit."""

    assignment_id: AssignmentId
    verdict: Verdict
    reason: str | None = None
    votes: tuple[Vote, ...] = ()
    edit: Edit | None = None


@dataclass(frozen=True, kw_only=True)
class ClosedDay:
    """How a Day ended, and the Day that follows it."""

    number: int
    winner_image_id: ImageId
    total_votes: int
    total_participants: int
    next_day: Day


class Store(Protocol):
    """The study's records. Each method is one transaction and is safe to run again.

    Every call may raise StoreError. Methods that add raise AlreadyRecorded where a unique key says
    that the thing is there, except where their text says that a repeat does nothing.
    """

    # The study and its Days

    def create_study(self, study: Study) -> None:
        """Records the study. Raises AlreadyRecorded where the database holds one."""
        ...

    def study(self) -> Study | None:
        """The study of this database, or None before `init`."""
        ...

    def open_first_day(self, day: Day, seed: Image) -> None:
        """Records the first seed and Day 1."""
        ...

    def current_day(self) -> Day | None:
        """The Day that is going on, or None before there is one."""
        ...

    def days(self) -> tuple[Day, ...]:
        """All Days, by number."""
        ...

    def advance(self, closed: ClosedDay, *, at: datetime) -> None:
        """Closes a Day and opens the next, as one. Raises AlreadyRecorded where that was done before."""
        ...

    # Publishing

    def add_round(self, round_: Round, hits: Sequence[Hit]) -> None:
        """Records a planned round with all of its HITs."""
        ...

    def rounds(self) -> tuple[Round, ...]:
        """All rounds, by Day, generation before voting."""
        ...

    def round(self, round_id: RoundId) -> Round | None:
        """One round."""
        ...

    def hits(self, round_id: RoundId) -> tuple[Hit, ...]:
        """The HITs of a round, by index."""
        ...

    def mark_hit_open(self, token: Token, hit_id: HitId, *, expires_at: datetime, at: datetime) -> None:
        """The HIT is published. A repeat with the same id does nothing."""
        ...

    def mark_round_open(self, round_id: RoundId, *, at: datetime) -> None:
        """All HITs of the round are published."""
        ...

    def mark_hits_closed(self, tokens: Sequence[Token], *, at: datetime) -> None:
        """Nothing more comes from these HITs."""
        ...

    def mark_round_closed(self, round_id: RoundId, *, at: datetime) -> None:
        """Every answer of the round is settled and every edit at its end."""
        ...

    # Answers

    def ensure_users(self, users: Sequence[User]) -> tuple[User, ...]:
        """Records those that are new; gives all of them as recorded, in the same order."""
        ...

    def users(self) -> tuple[User, ...]:
        """Everybody who took part, by user id."""
        ...

    def add_assignments(self, assignments: Sequence[Assignment]) -> tuple[AssignmentId, ...]:
        """Keeps raw answers; those already kept stay as they are. Gives the ids of the new ones."""
        ...

    def assignments(self, round_id: RoundId, *, with_answers: bool = True) -> tuple[Assignment, ...]:
        """The answers of a round, earliest submitted first; `raw_answer` is "" where not asked for."""
        ...

    def record_judgements(self, judgements: Sequence[Judgement], *, at: datetime) -> None:
        """STORED -> JUDGED with its votes and edit, and the counts of the voted images.

        A judgement on an assignment that is judged already does nothing. A vote of a user on an image
        on which he voted in the same round does nothing.
        """
        ...

    def mark_settled(self, assignment_ids: Sequence[AssignmentId], *, at: datetime) -> None:
        """JUDGED -> SETTLED: approved in the marketplace."""
        ...

    # Edits and images

    # An edit is leased to the collector that works on it. `owner` names one run of one collector; only he who
    # holds the lease may move the edit, everybody else gets LeaseLost.

    def claim_edit(self, *, owner: str, now: datetime, lease: timedelta) -> Edit | None:
        """One edit that wants work (`OPEN_EDITS`, its lease free or run out), leased to `owner`; oldest first."""
        ...

    def renew_leases(self, *, owner: str, now: datetime, lease: timedelta) -> None:
        """All leases that `owner` holds last from now on again."""
        ...

    def release_edit(self, edit_key: EditKey, *, owner: str, at: datetime) -> None:
        """Gives the lease back: the edit waits as it was. Does nothing where `owner` holds it no more."""
        ...

    def add_edit(self, edit: Edit) -> None:
        """Records one more attempt."""
        ...

    def mark_edit(
        self,
        edit_key: EditKey,
        state: EditState,
        *,
        owner: str,
        at: datetime,
        message: str | None = None,
        cost_usd: Usd | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Moves an edit on; what is None stays as it was. A state that is not open gives the lease back."""
        ...

    def finish_edit(self, edit_key: EditKey, image: Image, *, owner: str, drift: float, at: datetime) -> None:
        """Records the image and that the edit is DONE. A repeat does nothing."""
        ...

    def edits(self, round_id: RoundId) -> tuple[Edit, ...]:
        """The edits that a round's answers asked for, by planned_at and edit key."""
        ...

    def image(self, image_id: ImageId) -> Image | None:
        """One image."""
        ...

    def images(self, *, day_number: int | None = None) -> tuple[Image, ...]:
        """Images by created_at and id: all of them with the first seed, or those painted on one Day."""
        ...

    # Votes and events

    def votes(self, round_id: RoundId | None = None) -> tuple[Vote, ...]:
        """The votes of a round, or all, by created_at, user and position."""
        ...

    def add_event(self, event: Event) -> None:
        """Appends to the study's diary."""
        ...

    def events(self) -> tuple[Event, ...]:
        """The diary, oldest first."""
        ...

    def user_by_id(self, user_id: UserId) -> User | None:
        """One participant."""
        ...
