"""The `Signals` port over an SQS queue: a thread waits there with long polls, and rings when something has come.

What it hears it keeps until it is taken; a message stays hidden from other readers for a quarter of an hour, and comes
again then unless it was forgotten in the meantime. A queue that fails is tried again with growing pauses; until it
answers, `is_hearing` says that messages cannot be counted on.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pixelpatchwork.domain.signals import Signal, hits_named

LONG_POLL_SECONDS = 20
"""The longest that SQS lets a reader wait."""
HIDDEN_SECONDS = 900
MOST_KEPT = 1000
"""Signals that are kept until they are taken; the others stay in the queue."""
_AT_ONCE = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 120.0
_REGION = re.compile(r"https?://(?:sqs\.)?([a-z0-9-]+)\.(?:queue\.)?amazonaws\.com(?:\.cn)?/")

Trouble = Callable[[str], None]
"""Told in one sentence what is wrong with the queue, once until it answers again."""


def sqs_client(*, queue_url: str, endpoint_url: str | None, region: str) -> Any:
    """A client for the region that a queue's URL names, or for `region` where it names none.

    Credentials are found where boto3 looks for them.
    """
    named = _REGION.match(queue_url)
    return boto3.session.Session().client(
        "sqs",
        region_name=named[1] if named else region,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=5,
            read_timeout=LONG_POLL_SECONDS + 10,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


class SqsSignals:
    """Messages of one queue. Use it in its `running` block."""

    def __init__(
        self,
        client: Any,  # botocore makes the SQS client's methods when it reads the service's model
        queue_url: str,
        *,
        ring: Callable[[], None],
        trouble: Trouble,
        wait_seconds: int = LONG_POLL_SECONDS,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._ring = ring
        self._trouble = trouble
        self._wait_seconds = wait_seconds
        self._kept: list[Signal] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failures = 0

    @property
    def is_hearing(self) -> bool:
        """Whether the queue answered when it was asked last."""
        return self._failures == 0

    def take(self) -> tuple[Signal, ...]:
        """What has arrived and was not taken yet."""
        with self._lock:
            taken, self._kept = tuple(self._kept), []
        return taken

    def forget(self, signals: Sequence[Signal]) -> None:
        """Takes messages out of the queue. Where that fails they come again, which does no harm."""
        for start in range(0, len(signals), _AT_ONCE):
            batch = signals[start : start + _AT_ONCE]
            entries = [
                {"Id": str(number), "ReceiptHandle": signal.receipt} for number, signal in enumerate(batch)
            ]
            try:
                self._client.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                self._fail(error)
                return

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listens while the block runs. A poll that is out at its end is not waited for: it may take 20 seconds."""
        thread = threading.Thread(target=self._listen, name="messages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            if len(self._kept) >= MOST_KEPT:
                self._stop.wait(_FIRST_PAUSE)
            elif not self._receive():
                self._stop.wait(min(_FIRST_PAUSE * 2 ** min(self._failures - 1, 10), _LONGEST_PAUSE))

    def _receive(self) -> bool:
        """One long poll. False: the queue did not answer, or not as a queue does."""
        try:
            answer = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=self._wait_seconds,
                VisibilityTimeout=HIDDEN_SECONDS,
            )
            signals = [_signal(message) for message in answer.get("Messages", ())]
        except (BotoCoreError, ClientError, LookupError, TypeError, ValueError) as error:
            # The last three: an answer that botocore lets through and that has not a queue's shape.
            self._fail(error)
            return False
        self._failures = 0
        if signals:
            with self._lock:
                self._kept += signals
            self._ring()
        return True

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            self._trouble(
                f"The queue does not answer ({_reason(error)}); everything is read more often instead."
            )


def _signal(message: dict[str, Any]) -> Signal:
    return Signal(receipt=str(message["ReceiptHandle"]), hit_ids=hits_named(message.get("Body", "")))


def _reason(error: Exception) -> str:
    """The error's code or kind. Its text may name the account."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))[:128]
    return type(error).__name__
