"""Where a study's records, its marketplace and its image store disagree. Compares; asks nobody and changes nothing.

Each difference is said in plain words, with what would mend it. A worker is nowhere named: answers stand by their ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pixelpatchwork.domain.bonuses import cost_of, is_payment_of
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    Bonus,
    Hit,
    HitId,
    HitState,
    Round,
    RoundId,
    Settlement,
    Token,
)
from pixelpatchwork.domain.money import NO_MONEY, Usd, dollars, hit_cost
from pixelpatchwork.domain.plan import is_later, round_of
from pixelpatchwork.domain.ports import PaidBonus, PublishedHit, SubmittedAssignment


class Kind(StrEnum):
    """What sort of difference it is."""

    HIT_NOT_NOTED = "hit_not_noted"
    HIT_UNKNOWN = "hit_unknown"
    HIT_TWICE = "hit_twice"
    HIT_GONE = "hit_gone"
    HIT_STILL_OFFERED = "hit_still_offered"
    HIT_TERMS = "hit_terms"
    ANSWER_LACKED = "answer_lacked"
    ANSWER_GONE = "answer_gone"
    PAY_NOT_NOTED = "pay_not_noted"
    PAY_NOT_DONE = "pay_not_done"
    PAY_DIFFERS = "pay_differs"
    BONUS_UNKNOWN = "bonus_unknown"
    BONUS_NOT_NOTED = "bonus_not_noted"
    BONUS_NOT_PAID = "bonus_not_paid"
    BONUS_TWICE = "bonus_twice"
    BALANCE_SHORT = "balance_short"
    PICTURE_MISSING = "picture_missing"
    PICTURE_ALTERED = "picture_altered"
    THUMBNAIL_MISSING = "thumbnail_missing"
    THUMBNAIL_DAMAGED = "thumbnail_damaged"
    RAW_MISSING = "raw_missing"
    IMAGE_FORGOTTEN = "image_forgotten"
    ORPHAN = "orphan"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One disagreement.

    `subject` is the id or key of the thing, `hit` the HIT on record to which it belongs; `repair` is what would mend
    it, None where nothing would.
    """

    kind: Kind
    subject: str
    text: str
    repair: str | None = None
    hit: Token | None = None

    @property
    def identity(self) -> tuple[Kind, str]:
        """The same for the same difference in two readings."""
        return self.kind, self.subject


@dataclass(frozen=True, kw_only=True)
class Books:
    """What is on record. `assignments` come without their raw answers."""

    rounds: tuple[Round, ...]
    hits: tuple[Hit, ...]
    assignments: tuple[Assignment, ...]
    bonuses: tuple[Bonus, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Market:
    """What the marketplace has of the study: its HITs, the answers to those on record, and bonuses by answer.

    `bonuses` has an entry, empty or not, for each answer of which the marketplace could be asked.
    """

    hits: tuple[PublishedHit, ...]
    answers: Mapping[HitId, tuple[SubmittedAssignment, ...]]
    balance: Usd
    bonuses: Mapping[AssignmentId, tuple[PaidBonus, ...]]


# ---- the marketplace ------------------------------------------------------------------------------------


def market_differences(books: Books, market: Market, *, now: datetime) -> tuple[Difference, ...]:
    """Everything in which the records and the marketplace disagree, HITs first, then answers, then money."""
    rounds = {one.round_id: one for one in books.rounds}
    return (
        *_hits(books, rounds, market, now),
        *_answers(books, rounds, market),
        *_bonuses(books.bonuses, market.bonuses),
        *_unknown_bonuses(books.bonuses, market.bonuses),
        *_balance(books, rounds, market),
    )


def _hits(
    books: Books, rounds: Mapping[RoundId, Round], market: Market, now: datetime
) -> Iterator[Difference]:
    there: dict[str, list[PublishedHit]] = defaultdict(list)
    for published in market.hits:
        there[published.annotation].append(published)
    for hit in books.hits:
        yield from _hit(hit, rounds[hit.round_id], there.pop(hit.annotation, []), now)
    unknown = [one for some in there.values() for one in some]
    advice = _advice_on_unknown({round_of(one.annotation) for one in unknown} - rounds.keys())
    for one in unknown:
        text = f"The HIT {one.hit_id} ({one.annotation}) is published and not on record. {advice}"
        yield Difference(kind=Kind.HIT_UNKNOWN, subject=one.hit_id, text=text)


def _advice_on_unknown(forgotten: Collection[RoundId]) -> str:
    """What to do about HITs of rounds that are not on record."""
    if any(is_later(one, other) for one in forgotten for other in forgotten):
        return "The records are older than the marketplace's HITs: restore the database from a newer backup."
    return (
        "Where an older copy of the database was restored, it is taken over when its round is published. "
        "Run: ppw publish-round"
    )


def _hit(hit: Hit, round_: Round, there: list[PublishedHit], now: datetime) -> Iterator[Difference]:
    name = _name(hit, round_)
    ours = there[0] if hit.hit_id is None and there else None
    if ours is not None:
        yield Difference(
            kind=Kind.HIT_NOT_NOTED,
            subject=hit.token,
            text=f"{name} is published as {ours.hit_id}, which is not on record.",
            repair="notes it and takes it off the market, and takes in what came of it"
            if round_.is_cancelled
            else "notes it as open, so that its answers are collected",
        )
    same = next((one for one in there if one.hit_id == hit.hit_id), None)
    for other in there:
        if other is not same and other is not ours:
            text = f"{name} is published a second time, as {other.hit_id}. Take one of them off the market."
            yield Difference(kind=Kind.HIT_TWICE, subject=other.hit_id, text=text)
    if same is not None:
        yield from _published(hit, round_, same, now)
    elif hit.hit_id is not None and hit.state is HitState.OPEN:
        yield Difference(
            kind=Kind.HIT_GONE,
            subject=hit.token,
            text=f"{name} ({hit.hit_id}) is open on record, and the marketplace has it no more.",
            repair="notes it as closed: nothing more can come from it",
        )


def _published(hit: Hit, round_: Round, there: PublishedHit, now: datetime) -> Iterator[Difference]:
    name = _name(hit, round_)
    if there.max_assignments != hit.max_assignments:
        text = f"{name} takes {there.max_assignments} answers in the marketplace, {hit.max_assignments} on record."
        yield Difference(kind=Kind.HIT_TERMS, subject=hit.token, text=text)
    if there.reward_usd is not None and there.reward_usd != round_.reward_usd:
        text = f"{name} pays {dollars(there.reward_usd)} in the marketplace, {dollars(round_.reward_usd)} on record."
        yield Difference(kind=Kind.HIT_TERMS, subject=f"{hit.token}:reward", text=text)
    is_offered = not there.is_finished and there.expires_at > now
    if is_offered and (hit.state is HitState.CLOSED or round_.is_cancelled):
        ended = "its round is cancelled" if round_.is_cancelled else "it is closed on record"
        yield Difference(
            kind=Kind.HIT_STILL_OFFERED,
            subject=hit.token,
            text=f"{name} ({there.hit_id}) is still offered to workers, though {ended}.",
            repair="takes it off the market, and takes in what came of it",
        )


def _name(hit: Hit, round_: Round) -> str:
    """A HIT in words."""
    return f"HIT {hit.index + 1} of {round_.round_id}"


def _answers(books: Books, rounds: Mapping[RoundId, Round], market: Market) -> Iterator[Difference]:
    recorded: dict[str, dict[AssignmentId, Assignment]] = defaultdict(dict)
    for answer in books.assignments:
        recorded[answer.token][answer.assignment_id] = answer
    for hit in books.hits:
        if hit.hit_id is None or hit.hit_id not in market.answers:
            continue
        ours = recorded[hit.token]
        there = {one.assignment_id: one for one in market.answers[hit.hit_id]}
        name = _name(hit, rounds[hit.round_id])
        for assignment_id in sorted(there.keys() - ours.keys()):
            yield Difference(
                kind=Kind.ANSWER_LACKED,
                subject=assignment_id,
                text=f"The answer {assignment_id} to {name} was submitted and is not on record.",
                repair=_TAKES_IN[_decided(there[assignment_id])],
                hit=hit.token,
            )
        for answer in ours.values():
            yield from _answer(answer, there.get(answer.assignment_id), name)


def _answer(ours: Assignment, there: SubmittedAssignment | None, name: str) -> Iterator[Difference]:
    answer = f"The answer {ours.assignment_id} to {name}"
    settlement = ours.settlement
    if there is None:
        if settlement is not Settlement.LOST:
            yield Difference(
                kind=Kind.ANSWER_GONE,
                subject=ours.assignment_id,
                text=f"{answer} is on record, and the marketplace does not list it.",
                repair=None if settlement else "tries to settle it, and notes it as lost where that fails",
                hit=ours.token,
            )
        return
    decided = _decided(there)
    if decided is settlement:
        return
    if settlement is None and decided is not None:
        yield Difference(
            kind=Kind.PAY_NOT_NOTED,
            subject=ours.assignment_id,
            text=f"{answer} is {decided} in the marketplace, which is not on record.",
            repair="looks again, and notes it",
            hit=ours.token,
        )
    elif decided is None:
        is_due = settlement is Settlement.APPROVED
        yield Difference(
            kind=Kind.PAY_NOT_DONE,
            subject=ours.assignment_id,
            text=f"{answer} is {settlement} on record, and undecided in the marketplace.",
            repair="looks again, and approves it" if is_due else None,
        )
    else:
        yield Difference(
            kind=Kind.PAY_DIFFERS,
            subject=ours.assignment_id,
            text=f"{answer} is {settlement} on record, and {decided} in the marketplace.",
            repair="looks again, and corrects the record",
        )


_TAKES_IN = {
    None: "takes it in, judges it and pays it",
    Settlement.APPROVED: "takes it in and judges it; it is paid already",
    Settlement.REJECTED: "takes it in and notes that it was rejected; it is not paid",
}
"""What mending does with an answer that is not on record, by what was decided of its pay in the marketplace."""


def _decided(there: SubmittedAssignment) -> Settlement | None:
    if there.is_approved:
        return Settlement.APPROVED
    return Settlement.REJECTED if there.is_rejected else None


# ---- money beside the rewards ---------------------------------------------------------------------------


def _bonuses(
    bonuses: Iterable[Bonus], paid: Mapping[AssignmentId, tuple[PaidBonus, ...]]
) -> Iterator[Difference]:
    for bonus in bonuses:
        if bonus.assignment_id not in paid:
            continue  # its HIT is gone, and with it what was paid for it: nothing to compare
        times = sum(is_payment_of(one, bonus) for one in paid[bonus.assignment_id])
        name = f"The bonus {bonus.rule} of Day {bonus.day_number} for {bonus.assignment_id}"
        if times and bonus.paid_at is None:
            yield Difference(
                kind=Kind.BONUS_NOT_NOTED,
                subject=bonus.token,
                text=f"{name} was paid, which is not on record.",
                repair="notes it as paid",
            )
        if not times and bonus.paid_at is not None:
            text = f"{name} is paid on record, and the marketplace does not list it."
            yield Difference(kind=Kind.BONUS_NOT_PAID, subject=bonus.token, text=text)
        if times > 1:
            text = f"{name} ({dollars(bonus.amount_usd)}) was paid {times} times."
            yield Difference(kind=Kind.BONUS_TWICE, subject=bonus.token, text=text)


def _unknown_bonuses(
    bonuses: Iterable[Bonus], paid: Mapping[AssignmentId, tuple[PaidBonus, ...]]
) -> Iterator[Difference]:
    recorded: dict[AssignmentId, list[Bonus]] = defaultdict(list)
    for bonus in bonuses:
        recorded[bonus.assignment_id].append(bonus)
    for assignment_id, payments in sorted(paid.items()):
        for number, payment in enumerate(payments, start=1):
            if not any(is_payment_of(payment, bonus) for bonus in recorded[assignment_id]):
                text = (
                    f"A bonus of {dollars(payment.amount_usd)} was paid for the answer {assignment_id}, which is not "
                    "on record. One that the settings' rules grant is noted by: ppw bonus"
                )
                yield Difference(kind=Kind.BONUS_UNKNOWN, subject=f"{assignment_id}:{number}", text=text)


def _balance(books: Books, rounds: Mapping[RoundId, Round], market: Market) -> Iterator[Difference]:
    """What is begun and not charged yet: HITs that wait to be published, bonuses that wait to be paid."""
    there = {hit.annotation for hit in market.hits}
    waiting = [
        hit_cost(rounds[hit.round_id].reward_usd, max_assignments=hit.max_assignments).total
        for hit in books.hits
        if hit.state is HitState.PLANNED
        and hit.annotation not in there
        and not rounds[hit.round_id].is_cancelled
    ]
    due = sum(waiting, start=NO_MONEY) + cost_of(one for one in books.bonuses if one.paid_at is None)
    if market.balance < due:
        text = (
            f"The marketplace's balance is {dollars(market.balance)}, and what is begun and not paid yet needs "
            f"{dollars(due)}. Add funds."
        )
        yield Difference(kind=Kind.BALANCE_SHORT, subject="balance", text=text)
