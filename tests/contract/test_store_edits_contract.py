"""What every store promises of edits, their leases, and images, shown on SQLite and on MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.errors import AlreadyRecorded, LeaseLost, StoreError
from pixelpatchwork.domain.model import OPEN_EDITS, Day, Edit, EditKey, EditState, ImageId, Usage
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import ClosedDay, Store
from tests.support.records import (
    GENERATION,
    MINUTE,
    NOW,
    SEED,
    TODAY,
    assignment,
    begin,
    begin_generation,
    edit,
    image,
    paint,
    round_,
    usable,
)
from tests.support.stores import DATABASES, fresh_store

LEASE = timedelta(minutes=10)
FIRST, SECOND = EditKey("e1"), EditKey("e2")


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def queue(store: SqlStore) -> SqlStore:
    """A store with two planned edits, e2 older than e1."""
    begin_generation(store)
    store.add_assignments([assignment("a1", 1), assignment("a2", 2)])
    judgements = [
        usable("a1", edit=edit("e1", of="a1", by=1, minutes=2)),
        usable("a2", edit=edit("e2", of="a2", by=2, minutes=1)),
    ]
    store.record_judgements(judgements, at=NOW)
    return store


def claim(store: Store, owner: str = "me", *, now: datetime = NOW) -> EditKey | None:
    claimed = store.claim_edit(owner=owner, now=now, lease=LEASE)
    return None if claimed is None else claimed.edit_key


@pytest.fixture
def mine(queue: SqlStore) -> SqlStore:
    """The same store with both edits leased to me."""
    assert [claim(queue), claim(queue)] == [SECOND, FIRST]
    return queue


# Leases


def test_the_oldest_edit_is_claimed_first_and_each_only_once(queue: SqlStore) -> None:
    assert [claim(queue), claim(queue, "you"), claim(queue)] == [SECOND, FIRST, None]


def test_a_claimed_edit_comes_whole(queue: SqlStore) -> None:
    assert queue.claim_edit(owner="me", now=NOW, lease=LEASE) == edit("e2", of="a2", by=2, minutes=1)


def test_a_lease_that_has_run_out_can_be_claimed_by_another(queue: SqlStore) -> None:
    claim(queue)
    assert claim(queue, "you", now=NOW + LEASE - timedelta(microseconds=1)) == FIRST
    assert claim(queue, "you", now=NOW + LEASE) == SECOND
    assert claim(queue, "you", now=NOW + LEASE) is None


def test_a_lease_given_back_leaves_the_edit_as_it_was(queue: SqlStore) -> None:
    claim(queue)
    queue.mark_edit(SECOND, EditState.SUBMITTED, owner="me", at=NOW)
    queue.release_edit(SECOND, owner="me", at=NOW)
    claimed = queue.claim_edit(owner="you", now=NOW, lease=LEASE)
    assert claimed == replace(edit("e2", of="a2", by=2, minutes=1), state=EditState.SUBMITTED)


@pytest.mark.parametrize("state", sorted(OPEN_EDITS))
def test_an_open_edit_stays_leased_while_it_moves_on(queue: SqlStore, state: EditState) -> None:
    claim(queue)
    queue.mark_edit(SECOND, state, owner="me", at=NOW)
    assert claim(queue, "you") == FIRST
    assert claim(queue, "you", now=NOW + LEASE) == SECOND


@pytest.mark.parametrize("state", [EditState.UNKNOWN, EditState.FAILED])
def test_an_edit_at_its_end_wants_no_work(queue: SqlStore, state: EditState) -> None:
    claim(queue)
    queue.mark_edit(SECOND, state, owner="me", at=NOW)
    assert claim(queue, "you") == FIRST
    assert claim(queue, "you", now=NOW + LEASE - MINUTE) is None


def test_a_renewed_lease_lasts_from_then_on(queue: SqlStore) -> None:
    claim(queue)
    queue.renew_leases(owner="me", now=NOW + MINUTE, lease=LEASE)
    assert [claim(queue, "you", now=NOW + LEASE), claim(queue, "you", now=NOW + LEASE)] == [FIRST, None]
    assert claim(queue, "you", now=NOW + LEASE + MINUTE) == SECOND


def test_leases_of_others_are_not_renewed(queue: SqlStore) -> None:
    claim(queue)
    queue.renew_leases(owner="you", now=NOW + MINUTE, lease=LEASE)
    assert claim(queue, "you", now=NOW + LEASE) == SECOND


@pytest.mark.parametrize("state", [EditState.SUBMITTED, EditState.UNKNOWN, EditState.FAILED])
def test_who_lost_his_lease_cannot_move_the_edit(queue: SqlStore, state: EditState) -> None:
    claim(queue)
    claim(queue, "you", now=NOW)
    assert claim(queue, "you", now=NOW + LEASE) == SECOND
    before = queue.edits(GENERATION)
    with pytest.raises(LeaseLost):
        queue.mark_edit(SECOND, state, owner="me", at=NOW)
    with pytest.raises(LeaseLost):
        queue.finish_edit(SECOND, image("boat", creator=2), owner="me", drift=0.0, at=NOW)
    queue.release_edit(SECOND, owner="me", at=NOW)
    assert queue.edits(GENERATION) == before
    assert claim(queue, "third", now=NOW + LEASE) == FIRST  # the second stays with its new holder


def test_an_edit_that_was_given_up_cannot_be_finished_by_one_who_comes_late(queue: SqlStore) -> None:
    claim(queue)
    queue.mark_edit(SECOND, EditState.UNKNOWN, owner="me", at=NOW)
    with pytest.raises(LeaseLost):
        queue.finish_edit(SECOND, image("boat", creator=2), owner="me", drift=0.0, at=NOW)
    assert queue.image(ImageId("boat")) is None


def test_an_empty_queue_gives_nothing(store: SqlStore) -> None:
    assert claim(store) is None


def test_releasing_an_edit_that_is_not_on_record_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="No edit"):
        store.release_edit(FIRST, owner="me", at=NOW)


# Outcomes


def test_an_edit_keeps_what_is_known_of_it(mine: SqlStore) -> None:
    usage = Usage(input_text_tokens=12, input_image_tokens=None, output_tokens=4160)
    mine.mark_edit(FIRST, EditState.SUBMITTED, owner="me", at=NOW, cost_usd=Usd("0.25"), usage=usage)
    mine.mark_edit(FIRST, EditState.FAILED, owner="me", at=NOW, message="refused: “no” 🚫")
    assert mine.edits(GENERATION)[1] == replace(
        edit("e1", of="a1", minutes=2),
        state=EditState.FAILED,
        message="refused: “no” 🚫",
        cost_usd=Usd("0.25"),
        usage=usage,
    )


def test_the_diary_tells_how_an_edit_went(mine: SqlStore) -> None:
    mine.mark_edit(FIRST, EditState.SUBMITTED, owner="me", at=NOW + MINUTE)
    mine.mark_edit(FIRST, EditState.UNKNOWN, owner="me", at=NOW + MINUTE, message="cut off")
    told = [(one.kind, one.detail) for one in mine.events() if one.subject == FIRST]
    assert told == [("edit_planned", ""), ("edit_submitted", ""), ("edit_unknown", "cut off")]


def test_a_finished_edit_has_its_image(queue: SqlStore) -> None:
    claim(queue)
    queue.finish_edit(SECOND, image("boat", creator=2), owner="me", drift=0.125, at=NOW)
    done = replace(
        edit("e2", of="a2", by=2, minutes=1), state=EditState.DONE, image_id=ImageId("boat"), drift=0.125
    )
    assert queue.edits(GENERATION)[0] == done
    assert queue.image(ImageId("boat")) == image("boat", creator=2)
    assert claim(queue, now=NOW + LEASE) == FIRST


def test_finishing_an_edit_again_does_nothing(mine: SqlStore) -> None:
    for drift in (0.1, 0.2):
        mine.finish_edit(SECOND, image("boat", creator=2), owner="me", drift=drift, at=NOW)
    assert mine.edits(GENERATION)[0].drift == 0.1
    assert [one.kind for one in mine.events()].count("image_made") == 1


def test_an_image_belongs_to_one_edit(mine: SqlStore) -> None:
    mine.finish_edit(SECOND, image("boat", creator=2), owner="me", drift=0.0, at=NOW)
    with pytest.raises(AlreadyRecorded):
        mine.finish_edit(FIRST, image("boat", creator=1), owner="me", drift=0.0, at=NOW)
    assert mine.edits(GENERATION)[1].state is EditState.PLANNED


def test_an_edit_that_is_not_on_record_cannot_be_marked_or_finished(store: SqlStore) -> None:
    begin_generation(store)
    with pytest.raises(StoreError, match="No edit"):
        store.mark_edit(FIRST, EditState.FAILED, owner="me", at=NOW)
    with pytest.raises(StoreError, match="No edit"):
        store.finish_edit(FIRST, image("boat", creator=1), owner="me", drift=0.0, at=NOW)
    assert store.image(ImageId("boat")) is None


def test_an_attempt_that_is_given_up_and_the_next_one_are_recorded_as_one(mine: SqlStore) -> None:
    again = edit("e3", of="a1", attempt=2, minutes=3)
    mine.give_up_edit(FIRST, again, state=EditState.UNKNOWN, owner="me", at=NOW, message="lost")
    assert [(one.edit_key, one.state) for one in mine.edits(GENERATION)] == [
        (SECOND, EditState.PLANNED),
        (FIRST, EditState.UNKNOWN),
        ("e3", EditState.PLANNED),
    ]


@pytest.mark.parametrize("same", [edit("e1", of="a1", attempt=9), edit("other", of="a1", attempt=1)])
def test_where_the_next_attempt_cannot_be_recorded_the_edit_is_not_given_up(
    mine: SqlStore, same: Edit
) -> None:
    with pytest.raises(AlreadyRecorded):
        mine.give_up_edit(SECOND, same, state=EditState.UNKNOWN, owner="me", at=NOW, message="lost")
    assert mine.edits(GENERATION)[0].state is EditState.PLANNED


def test_the_last_attempt_is_given_up_without_another(mine: SqlStore) -> None:
    mine.give_up_edit(SECOND, None, state=EditState.UNKNOWN, owner="me", at=NOW, message="lost")
    assert [one.edit_key for one in mine.edits(GENERATION)] == [SECOND, FIRST]
    assert mine.edits(GENERATION)[0].message == "lost"


# Images


def test_images_come_by_time_and_id_with_the_first_seed(store: SqlStore) -> None:
    begin_generation(store)
    for name, minutes in (("late", 9), ("b", 1), ("a", 1)):
        paint(store, name, by=1, minutes=minutes)
    assert [one.image_id for one in store.images()] == [SEED, "a", "b", "late"]


def test_the_images_of_a_day_are_those_painted_on_it(store: SqlStore) -> None:
    begin_generation(store)
    paint(store, "boat", by=1)
    tomorrow = Day(date=TODAY + timedelta(days=1), number=2, seed_image_id=ImageId("boat"))
    store.advance(
        ClosedDay(
            number=1, winner_image_id=ImageId("boat"), total_votes=0, total_participants=1, next_day=tomorrow
        ),
        at=NOW,
    )
    assert [one.image_id for one in store.images(day_number=1)] == ["boat"]
    assert store.images(day_number=2) == ()
    assert store.images(day_number=3) == ()


def test_an_unknown_image_is_none(store: SqlStore) -> None:
    assert store.image(ImageId("none")) is None


# Values


@pytest.mark.parametrize("amount", ["0", "0.01", "0.15", "0.1", "100", "0.04123456", "9999999999.99999999"])
def test_money_is_exact(store: SqlStore, amount: str) -> None:
    begin(store)
    store.add_round(replace(round_(GENERATION), reward_usd=Usd(amount)), [])
    (found,) = store.rounds()
    assert isinstance(found.reward_usd, Decimal)
    assert found.reward_usd == Decimal(amount)


def test_money_reads_as_money(store: SqlStore) -> None:
    begin(store)
    store.add_round(replace(round_(GENERATION), reward_usd=Usd("0.1")), [])
    assert str(store.rounds()[0].reward_usd) == "0.10"


def test_analysts_can_sum_money_in_plain_sql(mine: SqlStore) -> None:
    for key in (FIRST, SECOND):
        mine.mark_edit(key, EditState.SUBMITTED, owner="me", at=NOW, cost_usd=Usd("0.125"))
    quote = mine.database.engine.dialect.identifier_preparer.quote
    with mine.database.engine.connect() as connection:
        total = connection.scalar(text(f"SELECT SUM(cost_usd) FROM {quote('Edit')}"))
    assert Decimal(total) == Decimal("0.25")


def test_times_come_back_aware_in_utc_to_the_microsecond(store: SqlStore) -> None:
    begin(store)
    elsewhere = datetime(2026, 3, 1, 23, 30, 0, 1, tzinfo=timezone(timedelta(hours=-5)))
    store.add_round(replace(round_(GENERATION), planned_at=elsewhere), [])
    (found,) = store.rounds()
    assert found.planned_at == datetime(2026, 3, 2, 4, 30, 0, 1, tzinfo=UTC)
    assert found.planned_at.utcoffset() == timedelta()


def test_a_time_without_its_zone_is_refused(store: SqlStore) -> None:
    begin(store)
    with pytest.raises(StoreError):
        store.add_round(replace(round_(GENERATION), planned_at=NOW.replace(tzinfo=None)), [])


def test_emoji_and_long_prompts_survive(mine: SqlStore) -> None:
    prompt = (
        "\U0001f984\U0001f469\u200d\U0001f3a8 \u202e\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d "
        + "x" * 40_000
    )
    mine.finish_edit(
        SECOND,
        replace(image("boat", creator=2), prompt_text=prompt, mask_rle="z" * 70_000),
        owner="me",
        drift=0.0,
        at=NOW,
    )
    found = mine.image(ImageId("boat"))
    assert found is not None
    assert (found.prompt_text, len(found.mask_rle or "")) == (prompt, 70_000)
