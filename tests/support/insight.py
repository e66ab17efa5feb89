"""Small studies in memory, for what reads a study and shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from pixelpatchwork.domain.errors import ImageMissing
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Choice,
    Day,
    Edit,
    Hit,
    HitState,
    Image,
    ImageId,
    Round,
    RoundId,
    RoundKind,
    RoundState,
    Study,
    StudyId,
    Token,
    User,
    UserId,
    Verdict,
    Vote,
    WorkerId,
)
from pixelpatchwork.domain.money import Usd

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIRST_DATE = date(2026, 11, 1)
WIDTH, HEIGHT = 48, 32
CHOICES = {"u": Choice.UP, "d": Choice.DOWN, "s": Choice.SKIP}


def user(name: str, *, username: str | None = None) -> User:
    return User(
        user_id=UserId(name),
        username=username or f"{name}-heron",
        created_at=NOON,
        is_banned=False,
        worker_id=WorkerId(f"AWORKER{name}"),
    )


def vote(voter: str, image_id: str, choice: str, *, round_id: str = "v1", is_own: bool = False) -> Vote:
    """One vote; `choice` is u, d or s."""
    return Vote(
        round_id=RoundId(round_id),
        user_id=UserId(voter),
        image_id=ImageId(image_id),
        assignment_id=AssignmentId(f"ASSIGNMENT-{round_id}-{voter}"),
        choice=CHOICES[choice],
        flagged=False,
        position=0,
        is_own=is_own,
        created_at=NOON,
    )


def votes_of(table: dict[str, str], *, round_id: str = "v1") -> list[Vote]:
    """`{"ann": "ud.s"}`: Ann's votes on the images 0, 1, 2, 3; a dot is no vote at all."""
    return [
        vote(voter, str(index), choice, round_id=round_id)
        for voter, choices in table.items()
        for index, choice in enumerate(choices)
        if choice != "."
    ]


def answer(
    name: str,
    round_id: str,
    *,
    verdict: Verdict | None = Verdict.USABLE,
    reason: str | None = None,
    is_settled: bool = True,
) -> Assignment:
    return Assignment(
        assignment_id=AssignmentId(f"ASSIGNMENT-{round_id}-{name}"),
        token=Token(round_id),
        user_id=UserId(name),
        raw_answer="",
        accepted_at=NOON,
        submitted_at=NOON,
        stored_at=NOON,
        state=AssignmentState.SETTLED if is_settled else AssignmentState.JUDGED,
        verdict=verdict,
        reason=reason,
        settled_at=NOON if is_settled else None,
    )


def painted_round(round_id: str, day_number: int, kind: RoundKind, *, reward: str = "0.25") -> Round:
    return Round(
        round_id=RoundId(round_id),
        day_number=day_number,
        kind=kind,
        state=RoundState.CLOSED,
        reward_usd=Usd(reward),
        planned_at=NOON,
    )


def hit(round_id: str, *ballot: str, max_assignments: int = 9) -> Hit:
    return Hit(
        token=Token(round_id),
        round_id=RoundId(round_id),
        index=0,
        annotation="",
        max_assignments=max_assignments,
        ballot=tuple(ImageId(one) for one in ballot),
        state=HitState.CLOSED,
    )


def first_seed() -> Image:
    return Image(
        image_id=ImageId("seed"),
        s3_path="seed.png",
        thumbnail_path="seed.jpg",
        raw_path=None,
        sha256="",
        prompt_text="",
        created_at=NOON,
        creator_id=None,
        day=FIRST_DATE,
        seed_image_id=None,
        mask_rle=None,
        width=WIDTH,
        height=HEIGHT,
        editor="photograph",
    )


def painted(
    image_id: str, creator: str, prompt: str = "a fox", *, day_number: int = 1, editor: str = "openai"
) -> Image:
    """An image whose left half was painted."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    pixels[:, : WIDTH // 2] = True
    return Image(
        image_id=ImageId(image_id),
        s3_path=f"{image_id}.png",
        thumbnail_path=f"{image_id}.jpg",
        raw_path=None,
        sha256="",
        prompt_text=prompt,
        created_at=NOON,
        creator_id=UserId(creator),
        day=FIRST_DATE + timedelta(days=day_number - 1),
        seed_image_id=ImageId("seed"),
        mask_rle=Mask(pixels=pixels).to_rle(),
        width=WIDTH,
        height=HEIGHT,
        editor=editor,
    )


def day(number: int, seed: str, winner: str | None = None) -> Day:
    return Day(
        date=FIRST_DATE + timedelta(days=number - 1),
        number=number,
        seed_image_id=ImageId(seed),
        winner_image_id=ImageId(winner) if winner else None,
        is_current=winner is None,
    )


def png(width: int = WIDTH, height: int = HEIGHT, colour: str = "teal") -> bytes:
    out = BytesIO()
    Pillow.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@dataclass
class MemoryPictures:
    """An image store that only remembers; it keeps the keys it was asked for."""

    data: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def put(self, key: str, data: bytes, *, content_type: str) -> bool:
        del content_type
        return self.data.setdefault(key, data) is data

    def replace(self, key: str, data: bytes, *, content_type: str) -> None:
        del content_type
        self.data[key] = data

    def get(self, key: str) -> bytes:
        self.asked.append(key)
        if key not in self.data:
            raise ImageMissing(key)
        return self.data[key]

    def exists(self, key: str) -> bool:
        return key in self.data

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted(key for key in self.data if key.startswith(prefix)))

    def url(self, key: str) -> str:
        return f"/{key}"


@dataclass(kw_only=True)
class MemoryRecords:
    """A study's records as they would come from a store."""

    name: str = "A fox in the cup"
    has_study: bool = True
    all_days: Sequence[Day] = ()
    all_rounds: Sequence[Round] = ()
    all_hits: Sequence[Hit] = ()
    all_answers: Sequence[Assignment] = ()
    all_edits: Sequence[Edit] = ()
    all_images: Sequence[Image] = ()
    all_votes: Sequence[Vote] = ()
    all_users: Sequence[User] = ()

    def study(self) -> Study | None:
        if not self.has_study:
            return None
        return Study(study_id=StudyId("s"), name=self.name, pseudonym_key="KEYOFPSEUDONYMS", created_at=NOON)

    def days(self) -> tuple[Day, ...]:
        return tuple(self.all_days)

    def rounds(self) -> tuple[Round, ...]:
        return tuple(self.all_rounds)

    def hits(self, round_id: RoundId) -> tuple[Hit, ...]:
        return tuple(one for one in self.all_hits if one.round_id == round_id)

    def assignments(self, round_id: RoundId, *, with_answers: bool = True) -> tuple[Assignment, ...]:
        assert not with_answers, "no report needs the raw answers"
        return tuple(one for one in self.all_answers if one.token == Token(round_id))

    def edits(self, round_id: RoundId) -> tuple[Edit, ...]:
        return tuple(self.all_edits) if round_id == "g1" else ()

    def images(self, *, day_number: int | None = None) -> tuple[Image, ...]:
        assert day_number is None
        return tuple(self.all_images)

    def votes(self, round_id: RoundId | None = None) -> tuple[Vote, ...]:
        assert round_id is None
        return tuple(self.all_votes)

    def users(self) -> tuple[User, ...]:
        return tuple(self.all_users)


def stored(images: Sequence[Image]) -> MemoryPictures:
    """A store that holds every picture and thumbnail of `images`."""
    return MemoryPictures({key: png() for image in images for key in (image.s3_path, image.thumbnail_path)})


def one_day_story() -> MemoryRecords:
    """Ann and Bob painted, Cid's answer was unusable; Ann's fox won the first Day with three ups.

    Everybody voted on everything, Ann on her own fox too.
    """
    images = [first_seed(), painted("fox", "ann", "a sleeping fox"), painted("door", "bob", "a small door")]
    return MemoryRecords(
        all_days=[day(1, "seed", "fox"), day(2, "fox")],
        all_rounds=[
            painted_round("g1", 1, RoundKind.GENERATION, reward="0.25"),
            painted_round("v1", 1, RoundKind.VOTING, reward="0.10"),
        ],
        all_hits=[hit("g1"), hit("v1", "seed", "fox", "door")],
        all_answers=[
            answer("ann", "g1"),
            answer("bob", "g1"),
            answer("cid", "g1", verdict=Verdict.UNUSABLE, reason="The mask is empty."),
            *(answer(name, "v1") for name in ("ann", "bob", "cid", "dee")),
        ],
        all_images=images,
        all_votes=[
            vote("ann", "fox", "u", is_own=True),
            *(vote(name, "fox", "u") for name in ("bob", "cid", "dee")),
            vote("ann", "door", "u"),
            vote("cid", "door", "d"),
            vote("dee", "door", "s"),
            *(vote(name, "seed", "d") for name in ("ann", "bob", "cid")),
            vote("dee", "seed", "u"),
        ],
        all_users=[user(name) for name in ("ann", "bob", "cid", "dee")],
    )
