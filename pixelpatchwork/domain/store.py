"""What the workflows ask of the study's records. The database's adapter answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pixelpatchwork.domain.budget import NO_BUDGET, Budget, RoundBooks
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Bonus,
    Day,
    Decision,
    Edit,
    EditKey,
    EditState,
    Event,
    Hit,
    HitId,
    Image,
    ImageId,
    ImageState,
    Round,
    RoundId,
    Settlement,
    Study,
    Token,
    Usage,
    User,
    UserId,
    Verdict,
    Vote,
)
from pixelpatchwork.domain.money import Usd

ROUND_CANCELLED = "The round was cancelled."
"""Why an answer or an edit of a cancelled round came to nothing."""
MAKER_BANNED = "Its maker was banned before it was sent."
"""Why an edit came to nothing that could not have won."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What an answer came to, to be recorded as one: the verdict, and its votes or its edit.

    `decision` is None where the verdict is HELD: nobody is paid or refused before the requester has looked.
    """

    assignment_id: AssignmentId
    verdict: Verdict
    decision: Decision | None = Decision.APPROVE
    reason: str | None = None
    language: str | None = None
    seconds: float | None = None
    votes: tuple[Vote, ...] = ()
    edit: Edit | None = None
    events: tuple[Event, ...] = ()
    """What else the diary is to say of the answer."""


@dataclass(frozen=True, kw_only=True)
class ClosedDay:
    """How a Day ended, and the Day that follows it."""

    number: int
    winner_image_id: ImageId
    total_votes: int
    total_participants: int
    next_day: Day


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """What is to be done of a round: HITs not closed, `room` for answers in them, answers not settled, open edits."""

    hits: int
    answers: int
    edits: int
    room: int

    @property
    def is_nothing(self) -> bool:
        """Whether the round is at its end."""
        return not (self.hits or self.answers or self.edits)


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

    def add_round(self, round_: Round, hits: Sequence[Hit], *, budget: Budget = NO_BUDGET) -> None:
        """Records a planned round with all of its HITs. Raises BudgetExceeded where there is no room for it."""
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

    def remaining(self, round_id: RoundId) -> Remaining:
        """What still is to be done of a round, as it is at one moment."""
        ...

    def mark_hit_open(self, token: Token, hit_id: HitId, *, expires_at: datetime, at: datetime) -> None:
        """The HIT is published. A repeat with the same id does nothing.

        One that was closed because it seemed unpublished (its round was cancelled) is open again, and so is its round.
        """
        ...

    def mark_round_open(self, round_id: RoundId, *, at: datetime) -> None:
        """All HITs of the round are published."""
        ...

    def open_hits(self, tokens: Sequence[Token]) -> frozenset[Token]:
        """Those of the HITs that are open."""
        ...

    def mark_hits_closed(self, tokens: Sequence[Token], *, at: datetime) -> None:
        """Nothing more comes from these HITs."""
        ...

    def mark_round_closed(self, round_id: RoundId, *, at: datetime) -> None:
        """Every answer of the round is settled and every edit at its end."""
        ...

    def mark_round_cancelled(self, round_id: RoundId, *, at: datetime) -> None:
        """The round counts for nothing but pay from here on; a repeat does nothing.

        With it, as one: its edits that are PLANNED end as FAILED, its images are HIDDEN, and its votes are counted no
        more. What comes later to a cancelled round (an edit, an image) ends so from the start. Raises AlreadyRecorded
        where the round is closed.
        """
        ...

    # Corrections after a look at the marketplace

    def reopen_hits(self, tokens: Sequence[Token], *, at: datetime) -> None:
        """CLOSED -> OPEN, the rounds with them: something came from these HITs after all. Unpublished ones stay."""
        ...

    def correct_settlement(
        self,
        assignment_id: AssignmentId,
        settlement: Settlement,
        *,
        instead_of: Settlement,
        at: datetime,
    ) -> bool:
        """What became of the pay of a settled answer. False where the record does not say `instead_of` any more."""
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

    def assignments(
        self, round_id: RoundId, *, with_answers: bool = True, state: AssignmentState | None = None
    ) -> tuple[Assignment, ...]:
        """The answers of a round, in one state or all, earliest submitted first.

        `raw_answer` is "" where not asked for.
        """
        ...

    def raw_answers(self, assignment_ids: Sequence[AssignmentId]) -> Mapping[AssignmentId, str]:
        """The texts of some answers, as they came."""
        ...

    def record_judgements(
        self, judgements: Sequence[Judgement], *, at: datetime, hide_at_flags: int = 0
    ) -> None:
        """STORED -> JUDGED with its votes and edit, and the counts of the voted images.

        A judgement on an assignment that is judged already does nothing. A vote of a user on an image
        on which he voted in the same round does nothing; one of a banned user is void. A visible image that reaches
        `hide_at_flags` (0: none does) becomes FLAGGED, unless the requester has looked at it.
        """
        ...

    def record_reviews(
        self,
        judgements: Sequence[Judgement],
        *,
        at: datetime,
        by_requester: bool = True,
        hide_at_flags: int = 0,
    ) -> tuple[AssignmentId, ...]:
        """HELD -> the verdict given now, as `record_judgements` does it. Gives those that were held until now.

        Where it is not the requester's word but what the marketplace did by itself, nobody has looked at them.
        """
        ...

    def unsettled(self, assignment_ids: Sequence[AssignmentId]) -> frozenset[AssignmentId]:
        """Those of the answers that are not settled."""
        ...

    def mark_settled(
        self, assignment_ids: Sequence[AssignmentId], *, settlement: Settlement, at: datetime
    ) -> None:
        """JUDGED -> SETTLED: approved or rejected in the marketplace, or lost to us."""
        ...

    # People and pictures, as the requester decides

    def set_banned(
        self, user_id: UserId, *, is_banned: bool, at: datetime, hide_at_flags: int = 0
    ) -> User | None:
        """Bans a user, or lets him back: his votes on the current Day are void from now on, or count again.

        With a ban his edits end that have not been sent, FAILED with MAKER_BANNED, and stay so. Gives the user as
        recorded, None where there is none. A repeat does nothing.
        """
        ...

    def review_image(self, image_id: ImageId, state: ImageState, *, at: datetime) -> Image | None:
        """The requester has looked at an image and hides or shows it: flags hide it no more.

        Gives the image as recorded, None where there is none.
        """
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

    def give_up_edit(
        self,
        edit_key: EditKey,
        again: Edit | None,
        *,
        state: EditState,
        owner: str,
        at: datetime,
        message: str,
    ) -> None:
        """Ends an edit in `state` and records the attempt that takes its place, as one."""
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
        rates: str | None = None,
    ) -> None:
        """Moves an edit on; what is None stays as it was. A state that is not open gives the lease back."""
        ...

    def submit_edit(
        self, edit_key: EditKey, *, worst_case_usd: Usd, owner: str, at: datetime, budget: Budget = NO_BUDGET
    ) -> None:
        """-> SUBMITTED: a request goes out that can cost so much. Raises BudgetExceeded where there is no room for it.

        What the round has reserved for the edit has room already.
        """
        ...

    def finish_edit(self, edit_key: EditKey, image: Image, *, owner: str, drift: float, at: datetime) -> None:
        """Records the image and that the edit is DONE. A repeat does nothing.

        Whatever `image` says, its `day` is the edit's Day, and it is HIDDEN where its round was cancelled.
        """
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

    # Money

    def books(self) -> tuple[RoundBooks, ...]:
        """What costs money in each round, counted; by Day and id."""
        ...

    def plan_bonuses(self, bonuses: Sequence[Bonus], *, at: datetime, budget: Budget = NO_BUDGET) -> None:
        """Records bonuses that are to be paid, as one. Raises BudgetExceeded where there is no room for them.

        A rule of a Day is planned once: where one of its bonuses is recorded, the others of that rule are passed over.
        """
        ...

    def mark_bonus_paid(
        self,
        token: Token,
        *,
        paid_at: datetime,
        at: datetime,
        amount_usd: Usd | None = None,
        reason: str | None = None,
    ) -> bool:
        """The bonus was paid at `paid_at`; so much, with these words, if not as planned. The first note stands.

        False where it was noted before.
        """
        ...

    def bonuses(self, *, day_number: int | None = None) -> tuple[Bonus, ...]:
        """The bonuses of a Day, or all; by Day, rule and assignment."""
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
