"""What outlives a process: secrets, workers, HITs; and ids that a rehearsal can repeat."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.market import Market, WrongSecretKeyError
from tests.support.marketplace import Bench, bench


def market_of(found: Bench) -> Market:
    market = found.app.extensions["marketplace"]
    assert isinstance(market, Market)
    return market


def test_two_applications_on_one_database_share_everything(database_url: str) -> None:
    with bench(database_url=database_url) as first, bench(database_url=database_url) as second:
        hit_id = first.hit()

        second.worker("Ann").work(hit_id)

        assert first.client.list_assignments_for_hit(HITId=hit_id)["NumResults"] == 1
        assert first.balance() == second.balance() == ("9999.64", "0.36")


def test_the_secret_is_made_once_and_kept(database_url: str) -> None:
    apps = [create_app(Hosting(database_url=database_url)) for _ in range(2)]

    first, second = (app.extensions["marketplace"].secret_key for app in apps)
    for app in apps:
        app.extensions["marketplace"].database.close()

    assert first == second
    assert len(first) >= 32


def opened(database_url: str, **settings: Any) -> None:
    app = create_app(Hosting(database_url=database_url, **settings))
    app.extensions["marketplace"].database.close()


@pytest.mark.parametrize("other", [None, "another key"])
def test_a_marketplace_keeps_to_the_key_with_which_it_was_first_used(
    database_url: str, other: str | None
) -> None:
    opened(database_url, secret_key="a key", keeps_secret_key=True)
    with pytest.raises(WrongSecretKeyError):
        opened(database_url, secret_key=other, keeps_secret_key=True)

    opened(database_url, secret_key="a key", keeps_secret_key=True)


@pytest.fixture
def connections() -> Iterator[list[object]]:
    """The database connections that are open."""
    found: list[object] = []

    def opens(connection: object, _record: object) -> None:
        found.append(connection)

    def closes(connection: object, _record: object) -> None:
        found.remove(connection)

    event.listen(Pool, "connect", opens)
    event.listen(Pool, "close", closes)
    yield found
    event.remove(Pool, "connect", opens)
    event.remove(Pool, "close", closes)


def test_a_marketplace_that_does_not_open_leaves_no_connection_behind(
    database_url: str, connections: list[object]
) -> None:
    opened(database_url, secret_key="a key", keeps_secret_key=True)

    with pytest.raises(WrongSecretKeyError):
        create_app(Hosting(database_url=database_url, secret_key="another key", keeps_secret_key=True))

    assert connections == []


@pytest.mark.parametrize("keeps_secret_key", [True, False])
def test_a_key_that_was_made_and_kept_is_not_replaced_by_a_chosen_one(
    database_url: str, *, keeps_secret_key: bool
) -> None:
    opened(database_url, keeps_secret_key=keeps_secret_key)

    with pytest.raises(WrongSecretKeyError):
        opened(database_url, secret_key="a key", keeps_secret_key=True)


def test_a_rehearsals_key_binds_nobody_and_is_bound_by_nothing(database_url: str) -> None:
    for key, is_kept in (("a rehearsal", False), ("a key", True), ("a rehearsal", False), ("a key", True)):
        opened(database_url, secret_key=key, keeps_secret_key=is_kept)


def test_the_opening_balance_is_paid_in_once(database_url: str) -> None:
    for _ in range(2):
        with bench(database_url=database_url) as found:
            assert found.balance() == ("10000.00", "0.00")


def test_long_answers_and_questions_keep_every_character(database_url: str) -> None:
    text = "é€😀\r\n\t" * 20_000
    with bench(database_url=database_url) as found:
        found.worker("Ann").work(hit_id := found.hit(), mask=text)

        (assignment,) = found.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]

    assert assignment["Answer"].count("&#128512;") == 20_000


def test_the_same_random_seed_tells_the_same_story() -> None:
    def story(seed: int) -> tuple[str, str]:
        with bench(random=random.Random(seed)) as found:
            hit_id = found.hit()
            return hit_id, found.worker("Ann").work(hit_id)

    assert story(7) == story(7) != story(8)


def test_a_second_process_with_the_same_seed_goes_on_instead_of_repeating(database_url: str) -> None:
    made = []
    for _ in range(2):
        with bench(database_url=database_url, random=random.Random(7)) as found:
            made.append(found.hit())

    assert len(set(made)) == 2


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        create_app(Hosting(database_url="sqlite://", clock=lambda: datetime(2026, 1, 1)))  # noqa: DTZ001 - the point


def test_everything_that_came_due_during_a_long_absence_happens_at_the_next_request(
    database_url: str,
) -> None:
    with bench(database_url=database_url) as found:
        hit_id = found.hit(MaxAssignments=5, AutoApprovalDelayInSeconds=60, LifetimeInSeconds=120)
        found.submitted(hit_id, 3)
        found.worker("Slow").accept(hit_id)
        found.clock.advance(days=3)

        hit = found.get(hit_id)

        assert (hit["HITStatus"], hit["NumberOfAssignmentsCompleted"]) == ("Reviewable", 3)
        assert (hit["NumberOfAssignmentsPending"], hit["NumberOfAssignmentsAvailable"]) == (0, 2)
        assert found.balance() == ("9999.46", "0.00")
