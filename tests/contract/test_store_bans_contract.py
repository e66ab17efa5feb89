"""What every store promises of the edits of banned users, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.errors import LeaseLost
from pixelpatchwork.domain.model import EditState, ImageId
from pixelpatchwork.domain.store import MAKER_BANNED
from tests.support.records import (
    LEASE,
    NOW,
    begin_generation,
    claimed,
    edit,
    ends,
    image,
    planned,
    user,
)
from tests.support.stores import DATABASES, fresh_store

ENDED = (EditState.FAILED, MAKER_BANNED)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        begin_generation(fresh, users=12)
        yield fresh


def ban(store: SqlStore, number: int = 1, *, is_banned: bool = True) -> None:
    store.set_banned(user(number).user_id, is_banned=is_banned, at=NOW)


def test_edits_that_were_not_sent_end_with_their_makers_ban(store: SqlStore) -> None:
    submitted = claimed(store, "sent", EditState.SUBMITTED)
    painted = claimed(store, "painted", EditState.SUBMITTED, EditState.RAW_STORED)
    leased = claimed(store, "leased")
    waiting = planned(store, "waiting")
    of_another = planned(store, "another", by=2)

    ban(store)

    assert ends(store) == {
        submitted: (EditState.SUBMITTED, None),
        painted: (EditState.RAW_STORED, None),
        leased: ENDED,
        waiting: ENDED,
        of_another: (EditState.PLANNED, None),
    }
    with pytest.raises(LeaseLost):
        store.mark_edit(leased, EditState.SUBMITTED, owner="me", at=NOW)
    failed = {event.subject for event in store.events() if event.kind == "edit_failed"}
    assert failed == {leased, waiting}


def test_what_was_sent_before_the_ban_is_still_taken_in(store: SqlStore) -> None:
    painted = claimed(store, "painted", EditState.SUBMITTED, EditState.RAW_STORED)
    ban(store)
    store.finish_edit(painted, image("boat", creator=1), owner="me", drift=0.0, at=NOW)
    assert ends(store)[painted][0] is EditState.DONE
    assert store.image(ImageId("boat")) is not None


def test_an_edit_judged_or_planned_again_after_the_ban_ends_at_once(store: SqlStore) -> None:
    lost = claimed(store, "lost", EditState.SUBMITTED)
    busy = claimed(store, "busy", EditState.SUBMITTED)
    ban(store)

    planned(store, "late")
    again = edit("again", of="for-lost", attempt=2)
    store.give_up_edit(lost, again, state=EditState.UNKNOWN, owner="me", at=NOW, message="Lost.")
    store.mark_edit(busy, EditState.PLANNED, owner="me", at=NOW, message="Busy.")

    assert ends(store) == {"lost": (EditState.UNKNOWN, "Lost."), "again": ENDED, "late": ENDED, "busy": ENDED}
    assert store.claim_edit(owner="you", now=NOW + LEASE, lease=LEASE) is None


def test_who_is_let_back_gets_no_edit_back(store: SqlStore) -> None:
    waiting = planned(store, "waiting")
    ban(store)
    ban(store, is_banned=False)
    assert ends(store) == {waiting: ENDED}
    assert ends(store) | {planned(store, "new"): (EditState.PLANNED, None)} == ends(store)


def test_a_ban_while_answers_are_judged_leaves_no_edit_to_be_made(store: SqlStore) -> None:
    makers = range(1, 13)
    with ThreadPoolExecutor(4) as pool:
        calls = [
            call
            for by in makers
            for call in (pool.submit(planned, store, f"edit-{by}", by=by), pool.submit(ban, store, by))
        ]
        for call in calls:
            call.result()
    assert list(ends(store).values()) == [ENDED] * len(makers)
