"""Reconciliation: the records beside the marketplace and the image store, and what mends where they disagree.

A collector may be at work meanwhile. So what stands in one reading only is not reported, and nothing is done about a
difference before another look at the thing itself. Nothing is paid but what the records say is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pixelpatchwork.domain.bonuses import is_payment_of
from pixelpatchwork.domain.differences import (
    Books,
    Difference,
    Kind,
    Market,
    market_differences,
)
from pixelpatchwork.domain.edits import image_id_of
from pixelpatchwork.domain.errors import HitGone, ImageMissing, NothingToDo, PatchworkError
from pixelpatchwork.domain.model import AssignmentId, EditState, HitId, Image, Settlement, Token
from pixelpatchwork.domain.picture_differences import Pictures, picture_differences
from pixelpatchwork.domain.pictures import PictureError, sha256_hex
from pixelpatchwork.domain.plan import study_prefix
from pixelpatchwork.domain.ports import Crowd, ImageStore, PaidBonus, SubmittedAssignment
from pixelpatchwork.workflow.collect import collect
from pixelpatchwork.workflow.parallel import each
from pixelpatchwork.workflow.remake import is_readable, known_keys, remake_picture, remake_thumbnail
from pixelpatchwork.workflow.services import Progress, Services, no_progress

FOLDERS = ("full/", "raw/", "thumbnails/")
"""Where the program keeps pictures; whatever else is in the image store is not its own."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What disagrees. `elsewhere` rounds were published on another marketplace and could not be compared."""

    differences: tuple[Difference, ...]
    elsewhere: int


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """What a repair came to: differences that are gone, those that remain, and what failed on the way."""

    mended: tuple[Difference, ...]
    remaining: tuple[Difference, ...]
    failures: tuple[str, ...]


# ---- comparing ------------------------------------------------------------------------------------------


def compare(services: Services, progress: Progress = no_progress) -> Comparison:
    """Reads everything and says where it disagrees. Changes nothing. Raises CrowdError, ImageStoreError."""
    first = _compare_market(services, progress)
    found = first
    if first:
        seen = {one.identity for one in first}
        found = tuple(one for one in _compare_market(services, progress) if one.identity in seen)
    elsewhere = sum(one.market != services.market for one in services.store.rounds())
    return Comparison(differences=(*found, *_compare_pictures(services, progress)), elsewhere=elsewhere)


def _compare_market(services: Services, progress: Progress) -> tuple[Difference, ...]:
    books = _read_books(services)
    return market_differences(books, _read_market(books, services, progress), now=services.clock.now())


def _read_books(services: Services) -> Books:
    store = services.store
    rounds = tuple(one for one in store.rounds() if one.market == services.market)
    days = {one.day_number for one in rounds}
    return Books(
        rounds=rounds,
        hits=tuple(hit for one in rounds for hit in store.hits(one.round_id)),
        assignments=tuple(
            answer for one in rounds for answer in store.assignments(one.round_id, with_answers=False)
        ),
        bonuses=tuple(one for one in store.bonuses() if one.day_number in days),
    )


def _read_market(books: Books, services: Services, progress: Progress) -> Market:
    crowd, workers = services.crowd, services.rules.parallel_calls
    hits = tuple(crowd.hits(study_prefix(services.study().study_id)))
    there = {hit.hit_id for hit in hits}
    ours = [hit.hit_id for hit in books.hits if hit.hit_id is not None and hit.hit_id in there]
    answers: dict[HitId, tuple[SubmittedAssignment, ...]] = {}
    bonuses: dict[AssignmentId, tuple[PaidBonus, ...]] = {}
    calls = each(lambda hit_id: _read_hit(hit_id, crowd), ours, workers=workers)
    for done, (hit_id, found) in enumerate(calls, start=1):
        if found is not None:
            answers[hit_id] = found.answers
            bonuses |= found.bonuses
        progress("Comparing HITs", done, len(ours))
    return Market(hits=hits, answers=answers, balance=crowd.balance(), bonuses=bonuses)


@dataclass(frozen=True, kw_only=True)
class _ReadHit:
    answers: tuple[SubmittedAssignment, ...]
    bonuses: Mapping[AssignmentId, tuple[PaidBonus, ...]]


def _read_hit(hit_id: HitId, crowd: Crowd) -> _ReadHit | None:
    """A HIT's answers, and what was paid for each on top; None where it was disposed of since it was listed."""
    try:
        answers, paid = tuple(crowd.assignments(hit_id)), tuple(crowd.bonuses_of_hit(hit_id))
    except HitGone:
        return None
    keys = {one.assignment_id for one in answers} | {one.assignment_id for one in paid}
    bonuses = {key: tuple(one for one in paid if one.assignment_id == key) for key in keys}
    return _ReadHit(answers=answers, bonuses=bonuses)


def _compare_pictures(services: Services, progress: Progress) -> tuple[Difference, ...]:
    """The keys are listed before the records are read: what is stored meanwhile is on record by then."""
    store, images = services.store, services.images
    keys = frozenset(key for folder in FOLDERS for key in images.keys(folder))
    rounds = store.rounds()
    edits = [edit for one in rounds for edit in store.edits(one.round_id)]
    recorded = store.images()  # after the edits: an edit that is done by then has its image there
    known = known_keys(recorded, edits, (hit for one in rounds for hit in store.hits(one.round_id)))
    digests: dict[str, str] = {}
    paths = [image.s3_path for image in recorded]
    calls = each(lambda path: _digest(path, images), paths, workers=services.rules.parallel_calls)
    for done, (path, digest) in enumerate(calls, start=1):
        if digest is not None:
            digests[path] = digest
        progress("Comparing pictures", done, len(paths))
    needed = {key for one in recorded for key in (one.thumbnail_path, one.raw_path) if key is not None}
    later = frozenset(key for key in needed - keys if images.exists(key))
    pictures = Pictures(
        digests=digests,
        keys=keys | later,
        known=known,
        damaged=_damaged([one.thumbnail_path for one in recorded if one.thumbnail_path in keys], services),
        made=frozenset(image_id_of(edit) for edit in edits if edit.state is EditState.DONE),
    )
    return picture_differences(recorded, pictures)


def _damaged(keys: list[str], services: Services) -> frozenset[str]:
    """Which of these are no pictures."""
    calls = each(lambda key: _is_damaged(key, services.images), keys, workers=services.rules.parallel_calls)
    return frozenset(key for key, is_damaged in calls if is_damaged)


def _is_damaged(key: str, images: ImageStore) -> bool:
    try:
        return not is_readable(images.get(key))
    except ImageMissing:
        return False


def _digest(path: str, images: ImageStore) -> str | None:
    try:
        return sha256_hex(images.get(path))
    except ImageMissing:
        return None


# ---- mending --------------------------------------------------------------------------------------------


def repair(
    differences: Iterable[Difference], services: Services, *, owner: str, progress: Progress = no_progress
) -> Repaired:
    """Mends what can be mended, and compares once more. Safe to run again, and beside a collector.

    One difference that cannot be mended does not hold up the others. Makes no edit that costs money.
    """
    before = tuple(differences)
    mender = _Mender(services=services, books=_read_books(services), images=services.store.images())
    failures: list[str] = []
    for difference in before:
        try:
            mender.mend(difference)
        except (PatchworkError, PictureError) as error:
            failures.append(str(error))
    if any(one.kind in _COLLECTED for one in before):
        with suppress(NothingToDo):  # another collector has taken everything in
            done = collect(services, owner=owner, may_spend=lambda _amount, _what: False, progress=progress)
            failures += [] if done.first_failure is None else [done.first_failure]
    remaining = compare(services, progress).differences
    still = {one.identity for one in remaining}
    return Repaired(
        mended=tuple(one for one in before if one.identity not in still),
        remaining=remaining,
        failures=tuple(failures),
    )


_COLLECTED = frozenset(
    {
        Kind.HIT_NOT_NOTED,
        Kind.HIT_STILL_OFFERED,
        Kind.ANSWER_LACKED,
        Kind.ANSWER_GONE,
        Kind.PAY_NOT_NOTED,
    }
)
"""What is mended in the end by taking in, judging and settling, as `collect` does it."""


@dataclass(frozen=True, kw_only=True)
class _Mender:
    """Mends one difference at a time, each after another look at the thing itself."""

    services: Services
    books: Books
    images: tuple[Image, ...]

    def mend(self, difference: Difference) -> None:
        """Does what the difference's `repair` says; nothing where it says nothing."""
        menders: Mapping[Kind, Callable[[Difference], None]] = {
            Kind.HIT_NOT_NOTED: self._note_hit,
            Kind.HIT_GONE: self._close_hit,
            Kind.HIT_STILL_OFFERED: self._withdraw_hit,
            Kind.ANSWER_LACKED: self._reopen_hit,
            Kind.ANSWER_GONE: self._reopen_hit,
            Kind.PAY_NOT_NOTED: self._reopen_hit,
            Kind.PAY_NOT_DONE: self._approve,
            Kind.PAY_DIFFERS: self._correct,
            Kind.BONUS_NOT_NOTED: self._note_bonus,
            Kind.PICTURE_MISSING: self._remake,
            Kind.PICTURE_ALTERED: self._remake,
            Kind.THUMBNAIL_MISSING: self._remake_thumbnail,
            Kind.THUMBNAIL_DAMAGED: self._remake_thumbnail,
        }
        if difference.repair is not None:
            menders[difference.kind](difference)

    # HITs

    def _note_hit(self, difference: Difference) -> None:
        hit = next(one for one in self.books.hits if one.token == difference.subject)
        now = self.services.clock.now()
        for found in self.services.crowd.hits(hit.annotation):
            if found.annotation == hit.annotation:
                self.services.store.mark_hit_open(
                    hit.token, found.hit_id, expires_at=found.expires_at, at=now
                )
                return

    def _close_hit(self, difference: Difference) -> None:
        hit = next(one for one in self.books.hits if one.token == difference.subject)
        if hit.hit_id is None:
            return
        try:
            self.services.crowd.hit(hit.hit_id)
        except HitGone:
            self.services.store.mark_hits_closed([hit.token], at=self.services.clock.now())

    def _withdraw_hit(self, difference: Difference) -> None:
        hit = next(one for one in self.books.hits if one.token == difference.subject)
        if hit.hit_id is not None:
            self.services.crowd.expire(hit.hit_id)
            self._reopen(hit.token)

    # Answers

    def _reopen_hit(self, difference: Difference) -> None:
        """So that `collect` reads the HIT, and settles its round."""
        self._reopen(difference.hit)

    def _reopen(self, token: Token | None) -> None:
        tokens = [] if token is None else [token]
        self.services.store.reopen_hits(tokens, at=self.services.clock.now())

    def _approve(self, difference: Difference) -> None:
        key = AssignmentId(difference.subject)
        if self.services.crowd.settlement(key) is None:
            self.services.crowd.approve(key)

    def _correct(self, difference: Difference) -> None:
        answer = next(one for one in self.books.assignments if one.assignment_id == difference.subject)
        became = self.services.crowd.settlement(answer.assignment_id)
        if became in {Settlement.APPROVED, Settlement.REJECTED} and answer.settlement is not None:
            self.services.store.correct_settlement(
                answer.assignment_id, became, instead_of=answer.settlement, at=self.services.clock.now()
            )

    def _note_bonus(self, difference: Difference) -> None:
        bonus = next(one for one in self.books.bonuses if one.token == difference.subject)
        for paid in self.services.crowd.bonuses(bonus.assignment_id):
            if is_payment_of(paid, bonus):
                self.services.store.mark_bonus_paid(
                    bonus.token, paid_at=paid.paid_at, at=self.services.clock.now()
                )
                return

    # Pictures

    def _remake(self, difference: Difference) -> None:
        remake_picture(next(one for one in self.images if one.s3_path == difference.subject), self.services)

    def _remake_thumbnail(self, difference: Difference) -> None:
        remake_thumbnail(
            next(one for one in self.images if one.thumbnail_path == difference.subject), self.services
        )
