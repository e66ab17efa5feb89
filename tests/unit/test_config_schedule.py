"""The sections `schedule` and `watch`: what may be written there, and what is said of the rest."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from pixelpatchwork.config_schedule import clock_time, weekdays
from tests.support.settings import Load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-sun", {0, 1, 2, 3, 4, 5, 6}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Sat - Mon", {5, 6, 0}),
        ("wed-wed", {2}),
        ("tue", {1}),
        ("mon, wed,fri", {0, 2, 4}),
        ("mon-tue, sat", {0, 1, 5}),
    ],
)
def test_weekdays_are_spans_and_lists(text: str, days: set[int]) -> None:
    assert weekdays(text) == days


def test_times_are_written_as_clocks_show_them(load: Load) -> None:
    schedule = load("schedule:\n  days: mon, wed\n  generation_at: 09:30\n  until_days: 7\n").schedule
    assert (schedule.days, schedule.generation_at, schedule.until_days) == ("mon, wed", "09:30", 7)


def test_an_hour_of_one_digit_is_an_hour() -> None:
    assert clock_time("9:30") == clock_time("09:30") == time(9, 30)


@pytest.mark.parametrize("text", ["24:00", "9:3", "9", "٩:30", "09:60", "0930", "noon", "09:30:00", "٠٩:30"])
def test_a_time_that_is_none_is_named(load: Load, text: str) -> None:
    assert (
        "a time of day such as 09:00"
        in load.faults(f"schedule:\n  voting_at: '{text}'\n")["schedule.voting_at"]
    )


@pytest.mark.parametrize("text", ["weekdays", "mon-", "-fri", "mon-fri-sun", "mon,,tue", "mo-fr", "[]"])
def test_days_that_are_none_are_named(load: Load, text: str) -> None:
    assert "mon-fri" in load.faults(f"schedule:\n  days: {text}\n")["schedule.days"]


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.eu-west-1.amazonaws.com/123456789012/answers",
        "http://127.0.0.1:5000/123456789012/answers",
        "http://[::1]:4566/000000000000/answers",
    ],
)
def test_a_queues_url_is_taken(load: Load, url: str) -> None:
    assert load(f"watch:\n  queue: '{url}'\n").watch.queue == url


@pytest.mark.parametrize(
    "url",
    [
        "answers",
        "https://sqs.eu-west-1.amazonaws.com/",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/answers.fifo",
        "https://key:secret@example.org/123456789012/answers",
    ],
)
def test_what_is_no_queues_url_is_named_and_not_its_password(load: Load, url: str) -> None:
    (message,) = load.faults(f"watch:\n  queue: '{url}'\n").values()
    assert "standard SQS queue" in message
    assert "secret" not in message


def test_nothing_has_to_be_set(load: Load) -> None:
    watch = load("watch:\n  queue:\n  sweep_minutes:\n  health_file:\n").watch
    assert (watch.queue, watch.sweep_minutes, watch.health_file) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("study.db", "a database"),
        ("./study.db-wal", "a database"),
        ("marketplace.db", "a database"),
        ("seed.jpg", "the seed"),
        ("study.yaml", "the settings"),
        (".env", "the settings"),
        ("images/full/health.json", "the pictures"),
    ],
)
def test_a_health_file_in_the_place_of_what_the_study_needs_is_refused(
    load: Load, name: str, says: str
) -> None:
    (message,) = load.faults(f"watch:\n  health_file: {name}\n").values()
    assert says in message


def test_a_health_file_over_a_database_is_refused_by_whatever_path_it_is_named(load: Load) -> None:
    faults = load.faults(f"watch:\n  health_file: '{load.folder / 'study.db'}'\n")
    assert "a database" in faults["watch.health_file"]


def test_a_health_file_beside_the_study_is_taken(load: Load) -> None:
    assert load("watch:\n  health_file: watch-health.json\n").watch.health_file == "watch-health.json"
