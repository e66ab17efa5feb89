"""Values for tests of the records, told apart by a number, and a study that has come some way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Choice,
    Day,
    Edit,
    EditKey,
    EditState,
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
from pixelpatchwork.domain.ports import Judgement, Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
TODAY = date(2026, 3, 1)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=10)
SEED = ImageId("seed")
GENERATION = RoundId("1-generation")
VOTING = RoundId("1-voting")

STUDY = Study(study_id=StudyId("study"), name="Dawn", pseudonym_key="00ff", created_at=NOW)
DAY = Day(date=TODAY, number=1, seed_image_id=SEED)


def user(number: int) -> User:
    return User(
        user_id=UserId(f"u{number:03}"),
        username=f"Artist {number}",
        created_at=NOW,
        is_banned=False,
        worker_id=WorkerId(f"A{number:03}"),
    )


def image(name: str, *, creator: int | None = None, minutes: int = 0, day: date = TODAY) -> Image:
    return Image(
        image_id=ImageId(name),
        s3_path=f"images/{name}.png",
        thumbnail_path=f"thumbnails/{name}.jpg",
        raw_path=None if creator is None else f"raw/{name}.png",
        sha256="ab" * 32,
        prompt_text=f"a picture of {name}",
        created_at=NOW + minutes * MINUTE,
        creator_id=None if creator is None else user(creator).user_id,
        day=day,
        seed_image_id=None if creator is None else SEED,
        mask_rle=None if creator is None else '{"size":[2,2],"counts":"04"}',
        width=640,
        height=480,
        editor="offline",
    )


def round_(round_id: RoundId, *, day_number: int = 1) -> Round:
    kind = RoundKind.VOTING if "voting" in round_id else RoundKind.GENERATION
    return Round(
        round_id=round_id,
        day_number=day_number,
        kind=kind,
        state=RoundState.PLANNED,
        reward_usd=Usd("0.15"),
        planned_at=NOW,
    )


def hit(round_id: RoundId, index: int, *, ballot: Sequence[str] = ()) -> Hit:
    return Hit(
        token=Token(f"{round_id}-{index}"),
        round_id=round_id,
        index=index,
        annotation=f"ppw:study:{round_id}:{index}",
        max_assignments=9,
        ballot=tuple(ImageId(name) for name in ballot),
        state=HitState.PLANNED,
    )


def assignment(name: str, by: int, *, round_id: RoundId = GENERATION, minutes: int = 0) -> Assignment:
    submitted = NOW + minutes * MINUTE
    return Assignment(
        assignment_id=AssignmentId(name),
        token=Token(f"{round_id}-0"),
        user_id=user(by).user_id,
        raw_answer=f"<answer>{name}</answer>",
        accepted_at=submitted - MINUTE,
        submitted_at=submitted,
        stored_at=submitted + MINUTE,
        state=AssignmentState.STORED,
    )


def edit(name: str, *, of: str, by: int = 1, attempt: int = 1, minutes: int = 0) -> Edit:
    return Edit(
        edit_key=EditKey(name),
        assignment_id=AssignmentId(of),
        attempt=attempt,
        seed_image_id=SEED,
        creator_id=user(by).user_id,
        mask_rle='{"size":[2,2],"counts":"04"}',
        prompt="a red boat",
        editor="offline",
        model="offline-1",
        parameters="{}",
        state=EditState.PLANNED,
        planned_at=NOW + minutes * MINUTE,
    )


def vote(
    by: int, on: str, choice: Choice = Choice.UP, *, flagged: bool = False, is_own: bool = False
) -> Vote:
    return Vote(
        round_id=VOTING,
        user_id=user(by).user_id,
        image_id=ImageId(on),
        assignment_id=ballot_id(by),
        choice=choice,
        flagged=flagged,
        position=0,
        is_own=is_own,
        created_at=NOW,
    )


def ballot_id(by: int) -> AssignmentId:
    """The assignment by which a user hands in his ballot."""
    return AssignmentId(f"ballot-{by:03}")


def usable(assignment_id: str, *, votes: Sequence[Vote] = (), edit: Edit | None = None) -> Judgement:
    return Judgement(
        assignment_id=AssignmentId(assignment_id), verdict=Verdict.USABLE, votes=tuple(votes), edit=edit
    )


def unusable(assignment_id: str, reason: str) -> Judgement:
    return Judgement(assignment_id=AssignmentId(assignment_id), verdict=Verdict.UNUSABLE, reason=reason)


def begin(store: Store) -> None:
    """The study and Day 1 with its seed."""
    store.create_study(STUDY)
    store.open_first_day(DAY, image("seed"))


def begin_generation(store: Store, *, users: int = 3) -> None:
    """Day 1's generation round with one HIT, and users 1 to `users`."""
    begin(store)
    store.add_round(round_(GENERATION), [hit(GENERATION, 0)])
    store.ensure_users([user(number) for number in range(1, users + 1)])


def paint(store: Store, name: str, *, by: int, minutes: int = 0) -> None:
    """An image from an answer of `by`, by way of an edit."""
    store.add_assignments([assignment(f"for-{name}", by, minutes=minutes)])
    planned = edit(f"edit-{name}", of=f"for-{name}", by=by, minutes=minutes)
    store.record_judgements([usable(f"for-{name}", edit=planned)], at=NOW)
    while (claimed := store.claim_edit(owner="me", now=NOW, lease=MINUTE)) and claimed != planned:
        pass  # others in the queue stay leased
    painted = image(name, creator=by, minutes=minutes)
    store.finish_edit(planned.edit_key, painted, owner="me", drift=0.0, at=NOW)


def planned(store: Store, name: str, *, by: int = 1) -> EditKey:
    """An edit that an answer asked for, to Day 1's generation round."""
    store.add_assignments([assignment(f"for-{name}", by)])
    store.record_judgements([usable(f"for-{name}", edit=edit(name, of=f"for-{name}", by=by))], at=NOW)
    return EditKey(name)


def claimed(store: Store, name: str, *states: EditState) -> EditKey:
    """The same, leased to me and moved on through these states."""
    key = planned(store, name)
    found = store.claim_edit(owner="me", now=NOW, lease=LEASE)
    assert found is not None
    assert found.edit_key == key
    for state in states:
        store.mark_edit(key, state, owner="me", at=NOW)
    return key


def ends(store: Store) -> dict[str, tuple[EditState, str | None]]:
    """How the edits of Day 1's generation round stand, and why, by their keys."""
    return {one.edit_key: (one.state, one.message) for one in store.edits(GENERATION)}


def begin_voting(store: Store, *images: str, users: int = 3) -> None:
    """Day 1's voting round on images that user 1 painted, with a stored ballot of each user."""
    begin_generation(store, users=users)
    for name in images:
        paint(store, name, by=1)
    store.add_round(round_(VOTING), [hit(VOTING, 0, ballot=images)])
    store.add_assignments([assignment(ballot_id(n), n, round_id=VOTING) for n in range(1, users + 1)])
