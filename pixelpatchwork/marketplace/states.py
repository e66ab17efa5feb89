"""The life of a HIT, as pure decisions: what may happen next, and what the API calls the result.

Assignable -> Unassignable (all slots taken) -> Assignable (one came back) -> Reviewable (all submitted, or
expired with nobody at work) <-> Reviewing -> Disposed. Approval changes nothing here, and a rejection does not
reopen a slot. A worker who accepted before the expiry may still submit. A HIT that nobody deletes is disposed of
120 days after the last thing that happened to it (facts of the service: "disposal after 120 days").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from pixelpatchwork.marketplace.clock import DAY, Millis
from pixelpatchwork.marketplace.fees import MANY_ASSIGNMENTS

DISPOSED_AFTER: Millis = 120 * DAY


class HitStatus(StrEnum):
    """What GetHIT calls `HITStatus`."""

    ASSIGNABLE = "Assignable"
    UNASSIGNABLE = "Unassignable"
    REVIEWABLE = "Reviewable"
    REVIEWING = "Reviewing"
    DISPOSED = "Disposed"


class AssignmentStatus(StrEnum):
    """An assignment's state. The API shows only the three that a requester can judge."""

    ACCEPTED = "Accepted"
    SUBMITTED = "Submitted"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    RETURNED = "Returned"
    ABANDONED = "Abandoned"


class IllegalMoveError(Exception):
    """The HIT's state does not allow this."""


@dataclass(frozen=True, kw_only=True)
class HitState:
    """The facts from which a HIT's status follows. `expires_at` is in milliseconds.

    `available` slots are free, `pending` ones are being worked on, `completed` ones are approved or rejected;
    the rest of `max_assignments` is submitted and waits for a decision.
    """

    max_assignments: int
    available: int
    expires_at: Millis
    pending: int = 0
    completed: int = 0
    reviewing: bool = False
    disposed: bool = False

    @property
    def undecided(self) -> int:
        """Assignments that were submitted and neither approved nor rejected."""
        return self.max_assignments - self.available - self.pending - self.completed

    def expired(self, now: Millis) -> bool:
        """True from the expiry on."""
        return self.expires_at <= now

    def status(self, now: Millis) -> HitStatus:
        """What the API calls this state at this instant."""
        if self.disposed:
            return HitStatus.DISPOSED
        if self.pending == 0 and (self.available == 0 or self.expired(now)):
            return HitStatus.REVIEWING if self.reviewing else HitStatus.REVIEWABLE
        if self.available > 0 and not self.expired(now):
            return HitStatus.ASSIGNABLE
        return HitStatus.UNASSIGNABLE

    def reviewable_since(self, at: Millis) -> Millis:
        """When a HIT that something happened to at `at` became reviewable by it, or by its expiry after that."""
        return at if self.available == 0 else max(at, self.expires_at)

    def next_due(self, now: Millis, changed_at: Millis) -> Millis | None:
        """The next instant at which time alone changes this HIT; None where it waits for somebody.

        `changed_at` is when it last changed: an open HIT runs until it expires, and one with nothing left to decide
        until its disposal.
        """
        status = self.status(now)
        if status in {HitStatus.ASSIGNABLE, HitStatus.UNASSIGNABLE}:
            return None if self.expired(now) else self.expires_at
        if status is HitStatus.DISPOSED or self.undecided:
            return None
        return self.reviewable_since(changed_at) + DISPOSED_AFTER

    def slots_owed(self, now: Millis) -> int:
        """How many assignments the requester may still have to pay: for these, money is held."""
        if self.disposed:
            return 0
        open_slots = 0 if self.expired(now) else self.available
        return open_slots + self.pending + self.undecided

    def accept(self, now: Millis) -> HitState:
        """A worker takes a slot."""
        if self.status(now) is not HitStatus.ASSIGNABLE:
            raise IllegalMoveError("No assignment of this HIT is free.")
        return replace(self, available=self.available - 1, pending=self.pending + 1)

    def give_back(self) -> HitState:
        """A worker returned the slot, or ran out of time."""
        self._need(self.pending > 0, "Nobody is working on this HIT.")
        return replace(self, available=self.available + 1, pending=self.pending - 1)

    def submit(self) -> HitState:
        """A worker handed an answer in."""
        self._need(self.pending > 0, "Nobody is working on this HIT.")
        return replace(self, pending=self.pending - 1)

    def decide(self) -> HitState:
        """An answer was approved or rejected."""
        self._need(self.undecided > 0, "No answer waits for a decision.")
        return replace(self, completed=self.completed + 1)

    def review(self, now: Millis, *, revert: bool) -> HitState:
        """Reviewable -> Reviewing, or back."""
        wanted = HitStatus.REVIEWING if revert else HitStatus.REVIEWABLE
        self._need(self.status(now) is wanted, f"Only a HIT in state {wanted} can change this way.")
        return replace(self, reviewing=not revert)

    def extend(self, more: int) -> HitState:
        """More assignments of the same HIT."""
        self._need(not self.disposed, "The HIT was deleted.")
        self._need(
            self.max_assignments >= MANY_ASSIGNMENTS or self.max_assignments + more < MANY_ASSIGNMENTS,
            "A HIT created with fewer than ten assignments stays below ten.",
        )
        return replace(
            self,
            max_assignments=self.max_assignments + more,
            available=self.available + more,
            reviewing=False,
        )

    def expire_at(self, instant: Millis) -> HitState:
        """Another expiry, earlier or later. A HIT that opens again is no longer under review."""
        self._need(not self.disposed, "The HIT was deleted.")
        reopened = instant > self.expires_at and self.available > 0
        return replace(self, expires_at=instant, reviewing=self.reviewing and not reopened)

    def dispose(self, now: Millis) -> HitState:
        """Deleted: nothing more can happen to it."""
        self._need(
            self.status(now) in {HitStatus.REVIEWABLE, HitStatus.REVIEWING} and self.undecided == 0,
            "Only a HIT that is Reviewable or Reviewing, with every answer decided, can be deleted.",
        )
        return replace(self, disposed=True)

    @staticmethod
    def _need(condition: bool, why: str) -> None:
        if not condition:
            raise IllegalMoveError(why)
