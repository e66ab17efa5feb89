"""The things a study is made of, as frozen values.

Every `_at` is an aware datetime in UTC, every `_usd` a Decimal, every size (width, height) in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from pixelpatchwork.domain.money import NO_MONEY, Usd

StudyId = NewType("StudyId", str)
UserId = NewType("UserId", str)
WorkerId = NewType("WorkerId", str)
ImageId = NewType("ImageId", str)
RoundId = NewType("RoundId", str)
Token = NewType("Token", str)
HitId = NewType("HitId", str)
HitTypeId = NewType("HitTypeId", str)
AssignmentId = NewType("AssignmentId", str)
EditKey = NewType("EditKey", str)


OFFLINE = "offline"
"""The offline editor's name. Its pictures are labelled wherever they are shown: it does not read prompts as a model
does."""


class RoundKind(StrEnum):
    """The two halves of a Day."""

    GENERATION = "generation"
    VOTING = "voting"


class RoundState(StrEnum):
    """PLANNED: its HITs are recorded, not all of them published. OPEN: all published. CLOSED: all settled."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class HitState(StrEnum):
    """PLANNED: recorded, perhaps published. OPEN: published, `hit_id` known. CLOSED: nothing more comes."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class AssignmentState(StrEnum):
    """STORED: the raw answer is kept. JUDGED: a verdict stands. SETTLED: the worker's pay is approved."""

    STORED = "stored"
    JUDGED = "judged"
    SETTLED = "settled"


class Verdict(StrEnum):
    """USABLE answers go on; UNUSABLE ones are left out, with the reason kept; HELD ones wait for the requester."""

    USABLE = "usable"
    UNUSABLE = "unusable"
    HELD = "held"


class Decision(StrEnum):
    """What is to become of a worker's pay. Nothing but a requester's own word makes it REJECT."""

    APPROVE = "approve"
    REJECT = "reject"


class Settlement(StrEnum):
    """What became of a worker's pay. LOST: decided outside this program, or the assignment is gone."""

    APPROVED = "approved"
    REJECTED = "rejected"
    LOST = "lost"


class EditState(StrEnum):
    """How far one edit has come; see `OPEN_EDITS` for those that still want work.

    PLANNED: nothing has been sent. SUBMITTED: the request is out, or was when the program stopped.
    RAW_STORED: the editor's picture is kept, the composite not yet. DONE: the image stands.
    UNKNOWN: whether the service made (and billed) the picture cannot be told; one more try may follow.
    FAILED: final, the message says why.
    """

    PLANNED = "planned"
    SUBMITTED = "submitted"
    RAW_STORED = "raw_stored"
    DONE = "done"
    UNKNOWN = "unknown"
    FAILED = "failed"


OPEN_EDITS = frozenset({EditState.PLANNED, EditState.SUBMITTED, EditState.RAW_STORED})


class ImageState(StrEnum):
    """Only VISIBLE images stand on ballots and can win.

    HIDDEN by the requester, with its round, or with its maker. FLAGGED by voters: hidden until the requester looks.
    """

    VISIBLE = "visible"
    HIDDEN = "hidden"
    FLAGGED = "flagged"


class CheckKind(StrEnum):
    """Attention checks. REPEAT: an image of the ballot once more. BROKEN: a picture that is plainly none."""

    REPEAT = "repeat"
    BROKEN = "broken"


class Choice(StrEnum):
    """One worker's opinion of one image."""

    UP = "up"
    DOWN = "down"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Study:
    """One experiment: `pseudonym_key` (hex) turns worker ids into user ids and is never published."""

    study_id: StudyId
    name: str
    pseudonym_key: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class User:
    """A participant under a pseudonym. `worker_id` serves payment only and is never published."""

    user_id: UserId
    username: str
    created_at: datetime
    is_banned: bool
    worker_id: WorkerId


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture of the study. The three paths are keys below the image store's root.

    `creator_id`, `seed_image_id`, `mask_rle` and `raw_path` are None on the first seed. `mask_rle` is the JSON text
    of `mask.Mask.to_rle`. `upvotes`, `downvotes` and `flags` are recomputed from Vote rows. `reviewed_at` is when the
    requester looked at it last: flags hide it no more.
    """

    image_id: ImageId
    s3_path: str
    thumbnail_path: str
    raw_path: str | None
    sha256: str
    prompt_text: str
    created_at: datetime
    creator_id: UserId | None
    day: date
    seed_image_id: ImageId | None
    mask_rle: str | None
    width: int
    height: int
    editor: str
    upvotes: int = 0
    downvotes: int = 0
    flags: int = 0
    state: ImageState = ImageState.VISIBLE
    reviewed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Day:
    """One numbered step. Closed once `winner_image_id` is known; then `is_current` is False."""

    date: date
    number: int
    seed_image_id: ImageId
    winner_image_id: ImageId | None = None
    total_votes: int = 0
    total_participants: int = 0
    is_current: bool = True


@dataclass(frozen=True, kw_only=True)
class Round:
    """A Day's generation or voting half, with what was promised when it was planned.

    `market` names the marketplace on which it was published. `rules` is the JSON text of `answers.GenerationRules`: its
    answers are judged by the rules under which they were given, whatever the settings say by then; "" for voting.
    `edit_usd` is what the edit of one answer costs at most. A Day may have several rounds of a kind, told apart by
    `attempt`, of which all but the last are cancelled: a cancelled round is paid for and counts for nothing else.
    """

    round_id: RoundId
    day_number: int
    kind: RoundKind
    state: RoundState
    reward_usd: Usd
    planned_at: datetime
    closed_at: datetime | None = None
    market: str = ""
    rules: str = ""
    attempt: int = 1
    edit_usd: Usd = NO_MONEY
    cancelled_at: datetime | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether the requester has called it off."""
        return self.cancelled_at is not None


@dataclass(frozen=True, kw_only=True)
class AttentionCheck:
    """A place on a ballot that shows whether somebody looked.

    `shown_as` is the id that stands for it on the ballot and in the answer; `image_id` is the image that is repeated,
    or from which the broken picture was made.
    """

    kind: CheckKind
    shown_as: ImageId
    image_id: ImageId


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One HIT of a Round, recorded before it is published.

    `token` is its identity (the UniqueRequestToken). `ballot` lists the images it shows, in order; empty for
    generation. `checks` says which of its places are attention checks.
    """

    token: Token
    round_id: RoundId
    index: int
    annotation: str
    max_assignments: int
    ballot: tuple[ImageId, ...]
    state: HitState
    hit_id: HitId | None = None
    expires_at: datetime | None = None
    checks: tuple[AttentionCheck, ...] = ()

    @property
    def images(self) -> tuple[ImageId, ...]:
        """The images that stand for election on it: its ballot without the attention checks."""
        shown_as = {check.shown_as for check in self.checks}
        return tuple(image_id for image_id in self.ballot if image_id not in shown_as)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One worker's answer to one HIT; `raw_answer` is kept as it came. `reason` says why it is unusable.

    `language` (a BCP 47 tag) and `seconds` (spent with the page) are the page's word for it, None where it has none.
    `decision` is None until there is a verdict, and while an answer is held for the requester, who looked at it at
    `reviewed_at`; `settlement` is what became of the pay.
    """

    assignment_id: AssignmentId
    token: Token
    user_id: UserId
    raw_answer: str
    accepted_at: datetime
    submitted_at: datetime
    stored_at: datetime
    state: AssignmentState
    verdict: Verdict | None = None
    reason: str | None = None
    settled_at: datetime | None = None
    language: str | None = None
    seconds: float | None = None
    decision: Decision | None = None
    settlement: Settlement | None = None
    reviewed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the image service says it used, in tokens; None where it does not say."""

    input_text_tokens: int | None
    input_image_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Seed + Mask + prompt -> Image, with the ledger of how far it has come.

    `edit_key` = sha256 over seed, mask, prompt, parameters, model, assignment and attempt. `parameters` is JSON text.
    `drift` is the share of change that the editor's raw picture shows outside the mask, 0 to 1. `cost_usd` is what it
    can cost at most from the moment its request goes out, and what it did cost once the service has said so, by the
    price table `rates`.
    """

    edit_key: EditKey
    assignment_id: AssignmentId
    attempt: int
    seed_image_id: ImageId
    creator_id: UserId
    mask_rle: str
    prompt: str
    editor: str
    model: str
    parameters: str
    state: EditState
    planned_at: datetime
    image_id: ImageId | None = None
    message: str | None = None
    cost_usd: Usd | None = None
    usage: Usage | None = None
    drift: float | None = None
    rates: str | None = None


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One opinion on one image. `position` counts from 0 on the ballot; `is_own`: the voter made the image.

    Own votes are kept as facts and counted nowhere; nor are those that are void since their voter was banned.
    """

    round_id: RoundId
    user_id: UserId
    image_id: ImageId
    assignment_id: AssignmentId
    choice: Choice
    flagged: bool
    position: int
    is_own: bool
    created_at: datetime
    is_void: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is counted."""
        return not (self.is_own or self.is_void)


@dataclass(frozen=True, kw_only=True)
class Bonus:
    """Money on top of a reward, recorded before it is sent and once only.

    `token` is its identity (the UniqueRequestToken). `rule` names the rule of the settings that grants it, `reason` is
    what the worker reads.
    """

    token: Token
    day_number: int
    rule: str
    assignment_id: AssignmentId
    user_id: UserId
    amount_usd: Usd
    reason: str
    planned_at: datetime
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Who did what, when; append-only. `subject` is the id of the thing it happened to."""

    at: datetime
    kind: str
    subject: str
    detail: str = ""
