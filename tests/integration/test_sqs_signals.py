"""Messages of a real queue: heard in a thread, taken out when they are done with, and never a reason to fall over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixelpatchwork.adapters.health_file import HealthFile
from pixelpatchwork.adapters.sqs_signals import SqsSignals, sqs_client
from pixelpatchwork.domain.errors import ConfigurationError
from pixelpatchwork.domain.signals import Signal
from tests.support.sqs import SqsService, sqs_service

QUICK = 1
"""Seconds of a poll."""


@pytest.fixture(scope="module")
def sqs() -> Iterator[SqsService]:
    with sqs_service() as running:
        yield running


class Ears:
    """A listener, what it heard, and what it said of its queue."""

    def __init__(self, sqs: SqsService, queue_url: str) -> None:
        self.news = threading.Event()
        self.troubles: list[str] = []
        self.heard: list[Signal] = []
        self.signals = SqsSignals(
            sqs.client(), queue_url, ring=self.news.set, trouble=self.troubles.append, wait_seconds=QUICK
        )

    def until(self, is_enough: Callable[[], bool]) -> None:
        """Takes what comes, until it is enough."""
        deadline = time.monotonic() + 20
        while not is_enough():
            assert time.monotonic() < deadline
            self.news.wait(0.05)
            self.news.clear()
            self.heard += self.signals.take()


def submitted(*hit_ids: str) -> str:
    events = [{"EventType": "AssignmentSubmitted", "HITId": hit_id} for hit_id in hit_ids]
    return json.dumps({"Events": events, "EventDocId": "1", "EventDocVersion": "2014-08-15"})


def test_messages_ring_name_their_hits_and_are_gone_once_they_are_forgotten(sqs: SqsService) -> None:
    queue = sqs.fresh_queue()
    ears = Ears(sqs, queue)
    client = sqs.client()
    bodies = [submitted("H1", "H2"), "junk", "[" * 50_000, json.dumps({"Message": submitted("H3")})]
    bodies += [submitted(f"M{number}") for number in range(21)]
    with ears.signals.running():
        for body in bodies:
            client.send_message(QueueUrl=queue, MessageBody=body)
        ears.until(lambda: len(ears.heard) == len(bodies))
        assert sqs.count(queue) == len(bodies)  # hidden, and not gone
        ears.signals.forget(ears.heard)
        assert sqs.count(queue) == 0
    named = {hit_id for signal in ears.heard for hit_id in signal.hit_ids}
    assert named == {"H1", "H2", "H3", *(f"M{number}" for number in range(21))}
    assert ears.signals.is_hearing
    assert ears.troubles == []


def test_a_queue_that_is_not_there_is_said_once_and_heard_when_it_comes(sqs: SqsService) -> None:
    queue = sqs.fresh_queue()
    client = sqs.client()
    client.delete_queue(QueueUrl=queue)
    ears = Ears(sqs, queue)
    with ears.signals.running():
        ears.until(lambda: not ears.signals.is_hearing)
        ears.signals.forget([Signal(receipt="old", hit_ids=frozenset())])  # does no harm
        client.create_queue(QueueName=queue.rpartition("/")[2])
        client.send_message(QueueUrl=queue, MessageBody=submitted("H1"))
        ears.until(lambda: len(ears.heard) == 1)
    assert ears.signals.is_hearing
    (trouble,) = ears.troubles
    assert "everything is read more often" in trouble


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/answers", "eu-west-1"),
        ("http://127.0.0.1:5000/123456789012/answers", "us-east-2"),
    ],
)
def test_the_region_is_that_of_the_queue(url: str, region: str) -> None:
    client = sqs_client(queue_url=url, endpoint_url="http://127.0.0.1:1", region="us-east-2")
    assert client.meta.region_name == region


# ---- the health file ------------------------------------------------------------------------------------


def test_the_health_file_is_whole_at_any_moment(tmp_path: Path) -> None:
    file = HealthFile(tmp_path / "health.json", trouble=pytest.fail)

    def write() -> None:
        for number in range(50):
            file.write({"turns": number, "text": "x" * 5000})

    threads = [threading.Thread(target=write) for _ in range(2)]
    file.write({"turns": 0})
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert json.loads((tmp_path / "health.json").read_text())["turns"] < 50
    assert [path.name for path in tmp_path.iterdir()] == ["health.json"]


def test_a_health_file_that_cannot_be_written_is_said_once_and_again_after_it_could(tmp_path: Path) -> None:
    troubles: list[str] = []
    file = HealthFile(tmp_path / "there" / "health.json", trouble=troubles.append)
    for _ in range(3):
        file.write({})
    (tmp_path / "there").mkdir()
    file.write({})
    (tmp_path / "there" / "health.json").unlink()
    (tmp_path / "there").rmdir()
    file.write({})
    assert len(troubles) == 2
    assert "No such file" in troubles[0]


@pytest.mark.parametrize(
    "content", ["SQLite format 3", "study: ours\n", "{}", '{"turns": 1}', "[1]", "{" + " " * 70_000 + "}"]
)
def test_a_file_that_is_no_health_file_is_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "health.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="is no health file"):
        HealthFile(path, trouble=pytest.fail)
    assert path.read_text() == content


def test_an_earlier_health_file_and_an_empty_file_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    path.touch()
    for _ in range(2):
        HealthFile(path, trouble=pytest.fail).write({"at": "", "state": "ok", "started_at": "", "turns": 1})
    assert json.loads(path.read_text())["turns"] == 1
