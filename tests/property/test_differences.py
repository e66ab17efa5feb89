"""Records beside a marketplace: a study in order agrees, whatever it holds; one change is said as what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pixelpatchwork.domain.differences import (
    Books,
    Difference,
    Kind,
    Market,
    market_differences,
)
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Hit,
    HitId,
    HitState,
    Round,
    RoundId,
    Settlement,
    WorkerId,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.picture_differences import Pictures, picture_differences
from pixelpatchwork.domain.ports import PublishedHit, SubmittedAssignment
from tests.support.records import MINUTE, NOW, assignment, hit, image, round_

WORKER = WorkerId("AWORKERWHOISNAMEDNOWHERE")
settlements = st.sampled_from([None, Settlement.APPROVED, Settlement.REJECTED])
answers = st.lists(settlements, max_size=4)
worlds = st.lists(st.lists(answers, max_size=3), max_size=3)
"""Rounds of HITs of answers, each with what became of its pay."""


@dataclass(frozen=True, kw_only=True)
class World:
    books: Books
    market: Market

    def differences(self) -> tuple[Difference, ...]:
        return market_differences(self.books, self.market, now=NOW)


def in_order(rounds: list[list[list[Settlement | None]]]) -> World:
    """Records and a marketplace that agree."""
    recorded: list[Round] = []
    hits: list[Hit] = []
    ours: list[Assignment] = []
    published: list[PublishedHit] = []
    there: dict[HitId, tuple[SubmittedAssignment, ...]] = {}
    for day, of_round in enumerate(rounds, start=1):
        this = round_(RoundId(f"day-{day}-generation"), day_number=day)
        recorded.append(this)
        for index, pays in enumerate(of_round):
            one = replace(
                hit(this.round_id, index),
                state=HitState.OPEN,
                hit_id=HitId(f"H{day}X{index}"),
                max_assignments=4,
            )
            hits.append(one)
            published.append(listed(one, this))
            answered = [answer(one, number, pay) for number, pay in enumerate(pays)]
            ours += answered
            there[published[-1].hit_id] = tuple(map(submitted, answered))
    return World(
        books=Books(rounds=tuple(recorded), hits=tuple(hits), assignments=tuple(ours)),
        market=Market(hits=tuple(published), answers=there, balance=Usd("100"), bonuses={}),
    )


def listed(one: Hit, this: Round) -> PublishedHit:
    return PublishedHit(
        hit_id=one.hit_id or HitId("H0"),
        annotation=one.annotation,
        max_assignments=one.max_assignments,
        expires_at=NOW + MINUTE,
        is_finished=False,
        submitted=0,
        reward_usd=this.reward_usd,
    )


def answer(to: Hit, number: int, pay: Settlement | None) -> Assignment:
    return replace(
        assignment(f"{to.token}-{number}", 1),
        token=to.token,
        state=AssignmentState.JUDGED if pay is None else AssignmentState.SETTLED,
        settlement=pay,
    )


def submitted(ours: Assignment) -> SubmittedAssignment:
    return SubmittedAssignment(
        assignment_id=ours.assignment_id,
        hit_id=HitId("H"),
        worker_id=WORKER,
        answer="",
        accepted_at=NOW,
        submitted_at=NOW,
        is_approved=ours.settlement is Settlement.APPROVED,
        is_rejected=ours.settlement is Settlement.REJECTED,
    )


def with_answer(world: World, key: AssignmentId, **changes: object) -> World:
    """The same with one answer changed on record."""
    changed = tuple(
        replace(one, **changes) if one.assignment_id == key else one  # type: ignore[arg-type]  # its own fields
        for one in world.books.assignments
    )
    return replace(world, books=replace(world.books, assignments=changed))


@given(worlds)
def test_what_is_in_order_agrees(rounds: list[list[list[Settlement | None]]]) -> None:
    assert in_order(rounds).differences() == ()


@given(worlds, st.data())
def test_an_answer_that_is_missing_on_one_side_is_said(
    rounds: list[list[list[Settlement | None]]], data: st.DataObject
) -> None:
    world = in_order([*rounds, [[None]]])
    lost = data.draw(st.sampled_from(world.books.assignments)).assignment_id
    kept = tuple(one for one in world.books.assignments if one.assignment_id != lost)
    forgotten = replace(world, books=replace(world.books, assignments=kept))
    gone: Mapping[HitId, tuple[SubmittedAssignment, ...]] = {
        key: tuple(one for one in some if one.assignment_id != lost)
        for key, some in world.market.answers.items()
    }
    vanished = replace(world, market=replace(world.market, answers=gone))

    assert [(one.kind, one.subject) for one in forgotten.differences()] == [(Kind.ANSWER_LACKED, lost)]
    assert [(one.kind, one.subject) for one in vanished.differences()] == [(Kind.ANSWER_GONE, lost)]


@given(worlds, settlements, settlements, st.data())
def test_pay_that_differs_is_said_and_paid_only_where_it_is_due(
    rounds: list[list[list[Settlement | None]]],
    here: Settlement | None,
    there: Settlement | None,
    data: st.DataObject,
) -> None:
    world = in_order([*rounds, [[there]]])
    same = [one for one in world.books.assignments if one.settlement is there]
    world = with_answer(world, data.draw(st.sampled_from(same)).assignment_id, settlement=here)
    expected = {
        (True, True): [],
        (True, False): [Kind.PAY_NOT_NOTED],
        (False, True): [Kind.PAY_NOT_DONE],
        (False, False): [] if here is there else [Kind.PAY_DIFFERS],
    }[here is None, there is None]

    told = world.differences()

    assert [one.kind for one in told] == expected
    approves = [one for one in told if one.repair is not None and "approves" in one.repair]
    assert bool(approves) == (here is Settlement.APPROVED and there is None)


@given(worlds, st.sampled_from(["planned", "elsewhere", "gone", "twice", "terms", "closed"]), st.data())
def test_one_changed_hit_is_one_difference(
    rounds: list[list[list[Settlement | None]]], change: str, data: st.DataObject
) -> None:
    world = in_order([*rounds, [[]]])
    number = data.draw(st.integers(0, len(world.books.hits) - 1))
    ours, there = world.books.hits[number], world.market.hits[number]
    hits, listing = list(world.books.hits), list(world.market.hits)
    if change == "planned":
        hits[number] = replace(ours, state=HitState.PLANNED, hit_id=None)
        kind = Kind.HIT_NOT_NOTED
    elif change == "elsewhere":
        listing.append(replace(there, hit_id=HitId("OTHER"), annotation="pixelpatchwork:study:other:0"))
        kind = Kind.HIT_UNKNOWN
    elif change == "gone":
        del listing[number]
        kind = Kind.HIT_GONE
    elif change == "twice":
        listing.insert(number, replace(there, hit_id=HitId("OTHER")))
        kind = Kind.HIT_TWICE
    elif change == "terms":
        listing[number] = replace(there, reward_usd=Usd("9.99"))
        kind = Kind.HIT_TERMS
    else:
        hits[number] = replace(ours, state=HitState.CLOSED)
        kind = Kind.HIT_STILL_OFFERED
    changed = World(
        books=replace(world.books, hits=tuple(hits)), market=replace(world.market, hits=tuple(listing))
    )
    if change in {"planned", "gone"}:  # such a HIT's answers are not read
        answers = {key: some for key, some in world.market.answers.items() if key != ours.hit_id}
        changed = replace(changed, market=replace(changed.market, answers=answers))

    told = changed.differences()

    assert [one.kind for one in told] == [kind]
    assert all(WORKER not in one.text for one in told)
    later = market_differences(changed.books, changed.market, now=NOW + timedelta(days=1))
    assert [one.kind for one in later] == ([] if change == "closed" else [kind])


@given(
    st.lists(st.sampled_from(["fine", "missing", "altered", "thumbnail", "raw"]), max_size=6), st.booleans()
)
def test_every_picture_that_is_not_as_recorded_is_said(fates: list[str], has_stray: bool) -> None:
    images = [image(f"image-{number}", creator=1) for number in range(len(fates))]
    keys = {key for one in images for key in (one.s3_path, one.thumbnail_path, one.raw_path) if key}
    known = frozenset(keys)
    digests = {one.s3_path: one.sha256 for one in images}
    for one, fate in zip(images, fates, strict=True):
        lost = {"missing": one.s3_path, "thumbnail": one.thumbnail_path, "raw": one.raw_path}.get(fate)
        keys -= {lost}
        if fate == "missing":
            del digests[one.s3_path]
        if fate == "altered":
            digests[one.s3_path] = "00" * 32
    stray = {"full/stray.png"} if has_stray else set()

    told = picture_differences(images, Pictures(digests=digests, keys=frozenset(keys | stray), known=known))

    kinds = {
        "missing": Kind.PICTURE_MISSING,
        "altered": Kind.PICTURE_ALTERED,
        "thumbnail": Kind.THUMBNAIL_MISSING,
        "raw": Kind.RAW_MISSING,
    }
    expected = [kinds[fate] for fate in fates if fate in kinds] + [Kind.ORPHAN] * has_stray
    assert [one.kind for one in told] == expected
