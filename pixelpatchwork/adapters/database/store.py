"""The study's records on SQLite or MySQL: `ports.Store`, each method one transaction.

The work is done in `_days`, `_rounds`, `_answers`, `_votes` and `_edits`; this class gives each function its
transaction. What the methods promise is written at the port, and shown by tests/contract on both databases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from pixelpatchwork.adapters.database import (
    _answers,
    _bonuses,
    _cancel,
    _corrections,
    _days,
    _edits,
    _money,
    _reviews,
    _rounds,
    _sums,
    _votes,
    schema,
)
from pixelpatchwork.adapters.database.engine import (
    Database,
    build_engine,
    is_in_memory,
    is_missing_file,
    parse_url,
)
from pixelpatchwork.adapters.database.revisions import describe, require_current
from pixelpatchwork.domain.budget import NO_BUDGET, Budget, RoundBooks
from pixelpatchwork.domain.errors import StoreError
from pixelpatchwork.domain.model import (
    Assignment,
    AssignmentId,
    AssignmentState,
    Bonus,
    Day,
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
    Vote,
)
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import ClosedDay, Judgement, Remaining


def open_store(url: str) -> SqlStore:
    """The store of a database whose schema is up to date. Threads may share it.

    A database in memory (`sqlite://`) is new, gets its tables here, and is gone when the store is closed.

    Raises:
        StoreError: the database cannot be reached, or its schema is missing, older or newer.
    """
    parsed = parse_url(url)
    if is_missing_file(parsed):
        raise StoreError("There is no database yet. Run: ppw init")
    store = SqlStore(build_engine(parsed))
    try:
        if is_in_memory(parsed):
            store.database.write(schema.metadata.create_all)
        else:
            store.database.read(require_current)
    except StoreError:
        store.close()
        raise
    return store


def check(url: str) -> str:
    """Which database this is, and its schema, in a line. Raises StoreError where it cannot be used."""
    store = open_store(url)
    try:
        return (
            "SQLite in memory" if is_in_memory(store.database.engine.url) else store.database.read(describe)
        )
    finally:
        store.close()


class SqlStore:
    """`ports.Store` over SQLAlchemy Core."""

    def __init__(self, engine: Engine) -> None:
        self.database = Database(engine)

    def close(self) -> None:
        """Closes all connections."""
        self.database.engine.dispose()

    # The study and its Days

    def create_study(self, study: Study) -> None:
        """See the port."""
        self.database.write(_days.create_study, study)

    def study(self) -> Study | None:
        """See the port."""
        return self.database.read(_days.study)

    def open_first_day(self, day: Day, seed: Image) -> None:
        """See the port."""
        self.database.write(_days.open_first_day, day, seed)

    def current_day(self) -> Day | None:
        """See the port."""
        return self.database.read(_days.current_day)

    def days(self) -> tuple[Day, ...]:
        """See the port."""
        return self.database.read(_days.days)

    def advance(self, closed: ClosedDay, *, at: datetime) -> None:
        """See the port."""
        self.database.write(_days.advance, closed, at=at)

    # Publishing

    def add_round(self, round_: Round, hits: Sequence[Hit], *, budget: Budget = NO_BUDGET) -> None:
        """See the port."""
        self.database.write(_money.plan_round, round_, hits, budget=budget)

    def rounds(self) -> tuple[Round, ...]:
        """See the port."""
        return self.database.read(_rounds.rounds)

    def round(self, round_id: RoundId) -> Round | None:
        """See the port."""
        return self.database.read(_rounds.round_by_id, round_id)

    def hits(self, round_id: RoundId) -> tuple[Hit, ...]:
        """See the port."""
        return self.database.read(_rounds.hits, round_id)

    def remaining(self, round_id: RoundId) -> Remaining:
        """See the port."""
        return self.database.read(_rounds.remaining, round_id)

    def mark_hit_open(self, token: Token, hit_id: HitId, *, expires_at: datetime, at: datetime) -> None:
        """See the port. Raises AlreadyRecorded where the HIT has been published under another id."""
        self.database.write(_rounds.mark_hit_open, token, hit_id, expires_at=expires_at, at=at)

    def mark_round_open(self, round_id: RoundId, *, at: datetime) -> None:
        """See the port."""
        self.database.write(_rounds.mark_round_open, round_id, at=at)

    def open_hits(self, tokens: Sequence[Token]) -> frozenset[Token]:
        """See the port."""
        return self.database.read(_rounds.open_hits, tokens)

    def mark_hits_closed(self, tokens: Sequence[Token], *, at: datetime) -> None:
        """See the port."""
        self.database.write(_rounds.mark_hits_closed, tokens, at=at)

    def mark_round_closed(self, round_id: RoundId, *, at: datetime) -> None:
        """See the port."""
        self.database.write(_rounds.mark_round_closed, round_id, at=at)

    def mark_round_cancelled(self, round_id: RoundId, *, at: datetime) -> None:
        """See the port."""
        self.database.write(_cancel.mark_round_cancelled, round_id, at=at)

    # Corrections after a look at the marketplace

    def reopen_hits(self, tokens: Sequence[Token], *, at: datetime) -> None:
        """See the port."""
        self.database.write(_corrections.reopen_hits, tokens, at=at)

    def correct_settlement(
        self,
        assignment_id: AssignmentId,
        settlement: Settlement,
        *,
        instead_of: Settlement,
        at: datetime,
    ) -> bool:
        """See the port."""
        return self.database.write(
            _corrections.correct_settlement, assignment_id, settlement, instead_of=instead_of, at=at
        )

    # Answers

    def ensure_users(self, users: Sequence[User]) -> tuple[User, ...]:
        """See the port."""
        return self.database.write(_answers.ensure_users, users)

    def users(self) -> tuple[User, ...]:
        """See the port."""
        return self.database.read(_answers.users)

    def user_by_id(self, user_id: UserId) -> User | None:
        """See the port."""
        return self.database.read(_answers.user_by_id, user_id)

    def add_assignments(self, assignments: Sequence[Assignment]) -> tuple[AssignmentId, ...]:
        """See the port."""
        return self.database.write(_answers.add_assignments, assignments)

    def assignments(
        self, round_id: RoundId, *, with_answers: bool = True, state: AssignmentState | None = None
    ) -> tuple[Assignment, ...]:
        """See the port."""
        return self.database.read(_answers.assignments, round_id, with_answers=with_answers, state=state)

    def raw_answers(self, assignment_ids: Sequence[AssignmentId]) -> Mapping[AssignmentId, str]:
        """See the port."""
        return self.database.read(_answers.raw_answers, assignment_ids)

    def record_judgements(
        self, judgements: Sequence[Judgement], *, at: datetime, hide_at_flags: int = 0
    ) -> None:
        """See the port."""
        self.database.write(_reviews.record_judgements, judgements, at=at, hide_at_flags=hide_at_flags)

    def record_reviews(
        self,
        judgements: Sequence[Judgement],
        *,
        at: datetime,
        by_requester: bool = True,
        hide_at_flags: int = 0,
    ) -> tuple[AssignmentId, ...]:
        """See the port."""
        return self.database.write(
            _reviews.record_reviews,
            judgements,
            at=at,
            by_requester=by_requester,
            hide_at_flags=hide_at_flags,
        )

    def set_banned(
        self, user_id: UserId, *, is_banned: bool, at: datetime, hide_at_flags: int = 0
    ) -> User | None:
        """See the port."""
        return self.database.write(
            _reviews.set_banned, user_id, is_banned=is_banned, at=at, hide_at_flags=hide_at_flags
        )

    def review_image(self, image_id: ImageId, state: ImageState, *, at: datetime) -> Image | None:
        """See the port."""
        return self.database.write(_reviews.review_image, image_id, state, at=at)

    def unsettled(self, assignment_ids: Sequence[AssignmentId]) -> frozenset[AssignmentId]:
        """See the port."""
        return self.database.read(_answers.unsettled, assignment_ids)

    def mark_settled(
        self, assignment_ids: Sequence[AssignmentId], *, settlement: Settlement, at: datetime
    ) -> None:
        """See the port."""
        self.database.write(_answers.mark_settled, assignment_ids, settlement=settlement, at=at)

    # Edits and images

    def claim_edit(self, *, owner: str, now: datetime, lease: timedelta) -> Edit | None:
        """See the port."""
        return self.database.write(_edits.claim_edit, owner=owner, now=now, lease=lease)

    def renew_leases(self, *, owner: str, now: datetime, lease: timedelta) -> None:
        """See the port."""
        self.database.write(_edits.renew_leases, owner=owner, now=now, lease=lease)

    def release_edit(self, edit_key: EditKey, *, owner: str, at: datetime) -> None:
        """See the port."""
        self.database.write(_edits.release_edit, edit_key, owner=owner, at=at)

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
        """See the port."""
        self.database.write(
            _edits.give_up_edit, edit_key, again, state=state, owner=owner, at=at, message=message
        )

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
        """See the port."""
        self.database.write(
            _edits.mark_edit,
            edit_key,
            state,
            owner=owner,
            at=at,
            message=message,
            cost_usd=cost_usd,
            usage=usage,
            rates=rates,
        )

    def submit_edit(
        self, edit_key: EditKey, *, worst_case_usd: Usd, owner: str, at: datetime, budget: Budget = NO_BUDGET
    ) -> None:
        """See the port."""
        self.database.write(
            _money.submit_edit, edit_key, worst_case_usd=worst_case_usd, budget=budget, owner=owner, at=at
        )

    def finish_edit(self, edit_key: EditKey, image: Image, *, owner: str, drift: float, at: datetime) -> None:
        """See the port."""
        self.database.write(_edits.finish_edit, edit_key, image, owner=owner, drift=drift, at=at)

    def edits(self, round_id: RoundId) -> tuple[Edit, ...]:
        """See the port."""
        return self.database.read(_edits.edits, round_id)

    def image(self, image_id: ImageId) -> Image | None:
        """See the port."""
        return self.database.read(_edits.image, image_id)

    def images(self, *, day_number: int | None = None) -> tuple[Image, ...]:
        """See the port."""
        return self.database.read(_edits.images, day_number=day_number)

    # Money

    def books(self) -> tuple[RoundBooks, ...]:
        """See the port."""
        return self.database.read(_sums.books)

    def plan_bonuses(self, bonuses: Sequence[Bonus], *, at: datetime, budget: Budget = NO_BUDGET) -> None:
        """See the port."""
        self.database.write(_bonuses.plan_bonuses, bonuses, at=at, budget=budget)

    def mark_bonus_paid(
        self,
        token: Token,
        *,
        paid_at: datetime,
        at: datetime,
        amount_usd: Usd | None = None,
        reason: str | None = None,
    ) -> bool:
        """See the port."""
        return self.database.write(
            _bonuses.mark_bonus_paid, token, paid_at=paid_at, at=at, amount_usd=amount_usd, reason=reason
        )

    def bonuses(self, *, day_number: int | None = None) -> tuple[Bonus, ...]:
        """See the port."""
        return self.database.read(_bonuses.bonuses, day_number)

    # Votes and events

    def votes(self, round_id: RoundId | None = None) -> tuple[Vote, ...]:
        """See the port."""
        return self.database.read(_votes.votes, round_id)

    def add_event(self, event: Event) -> None:
        """See the port."""
        self.database.write(_days.add_event, event)

    def events(self) -> tuple[Event, ...]:
        """See the port."""
        return self.database.read(_days.events)
