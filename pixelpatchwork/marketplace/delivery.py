"""Sends what stands in the outbox to requesters' queues (SQS) and topics (SNS), at least once.

A message is leased for two minutes, sent outside any transaction, and deleted afterwards. A process that dies in
between leaves the lease to run out, and somebody sends the same message, with the same `EventDocId`, once more. What
cannot be sent is tried again after 1, 2, 4 ... seconds, at most 15 minutes apart, and given up after 3 days; its row
stays, with the reason, for whoever runs the marketplace. So any number of processes may deliver at once. What else
waits for a destination that failed waits with it: a slow one costs the others one time-out, not one for each message.

Only the configured endpoint is ever called: the host in a queue's URL is the requester's word, and is not.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import Connection, delete, select, update

from pixelpatchwork.marketplace.clock import DAY, SECOND, Millis, to_millis, utc_now
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.destinations import region_of
from pixelpatchwork.marketplace.tables import outbox

_CONNECT_SECONDS = 2
_READ_SECONDS = 5
_BATCH = 5
_LEASE: Millis = 120 * SECOND
"""Far longer than a batch of nothing but time-outs takes (35 s): what is being sent is nobody else's to send."""
_MOST_CLIENTS = 16
_LONGEST_PAUSE: Millis = 900 * SECOND
_GIVE_UP_AFTER: Millis = 3 * DAY
_POLL_SECONDS = 0.5
_log = logging.getLogger(__name__)
_Failure: TypeAlias = BotoCoreError | ClientError


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, ready to go. `transport` is `SQS` or `SNS`."""

    number: int
    transport: str
    destination: str
    body: str
    attempts: int


class Sender(Protocol):
    """Whoever can bring a message to its destination."""

    @property
    def is_stand_in(self) -> bool:
        """Whether he sends to a stand-in for AWS, whose queues have addresses of its own."""
        ...

    def send(self, message: Message) -> None:
        """Raises BotoCoreError or ClientError where the message did not arrive."""


class AwsSender:
    """Sends over SQS and SNS, with the credentials that the AWS tools find on this machine.

    `endpoint_url` names a stand-in for both services; without it, AWS's own endpoints are called.
    """

    def __init__(self, *, endpoint_url: str | None = None, region: str = "us-east-1") -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._session = botocore.session.get_session()
        self._clients: OrderedDict[tuple[str, str], Any] = OrderedDict()
        # botocore's sessions are not made for several threads.
        self._lock = threading.Lock()

    @property
    def is_stand_in(self) -> bool:
        """True where AWS's own endpoints are not called."""
        return self._endpoint_url is not None

    def send(self, message: Message) -> None:
        """Hands the message to its queue or topic. Raises BotoCoreError or ClientError."""
        region = region_of(message.transport, message.destination) or self._region
        if message.transport == "SNS":
            self._client("sns", region).publish(TopicArn=message.destination, Message=message.body)
        else:
            self._client("sqs", region).send_message(QueueUrl=message.destination, MessageBody=message.body)

    def _client(self, service: str, region: str) -> Any:
        """A client, kept for the next message. Requesters choose the regions, so only the latest ones are kept."""
        key = (service, region)
        with self._lock:
            client = self._clients.pop(key, None) or self._make_client(service, region)
            self._clients[key] = client
            if len(self._clients) > _MOST_CLIENTS:
                self._clients.popitem(last=False)
            return client

    def _make_client(self, service: str, region: str) -> Any:
        # One attempt: the outbox retries, with pauses that outlive this process.
        config = Config(
            connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"total_max_attempts": 1}
        )
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            config=config,
            **self._made_up_keys(),
        )

    def _made_up_keys(self) -> dict[str, Any]:
        """For a stand-in, which checks none, on a machine that has none: botocore signs everything."""
        if not self.is_stand_in or self._session.get_credentials() is not None:
            return {}
        return {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}


class Courier:
    """Delivers the outbox of one marketplace. `clock` is the true time of day, whatever a rehearsal does to its own."""

    def __init__(
        self, database: Database, sender: Sender, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock

    def deliver_due(self, *, limit: int = _BATCH) -> int:
        """Sends what is due, `limit` messages at most. Gives how many arrived; the others are tried later."""
        now = to_millis(self._clock())
        failed: dict[str, _Failure] = {}
        arrived = 0
        for message in self._lease(now, limit):
            error = failed.get(message.destination) or self._send(message)
            if error is None:
                arrived += 1
                continue
            failed[message.destination] = error
            self._put_off(message, error)
        return arrived

    def deliver_within(self, seconds: float) -> None:
        """Sends what is due, one by one, until one fails or the time is used up: for a process without a thread."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at and self.deliver_due(limit=1):
            pass

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Delivers in a thread while the block runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="notifications", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if self._deliver_or_log() == 0:
                stop.wait(_POLL_SECONDS)

    def _deliver_or_log(self) -> int:
        try:
            return self.deliver_due()
        except Exception:
            # The thread's edge: a database that is away for a while must not end deliveries for good.
            _log.exception("Notifications could not be delivered; trying again.")
            return 0

    def _lease(self, now: Millis, limit: int) -> Sequence[Message]:
        if not self._database.run(lambda connection: _anything_due(connection, now), writes=False):
            return ()
        return self._database.run(lambda connection: _take(connection, now, limit), writes=True)

    def _send(self, message: Message) -> _Failure | None:
        """None: it arrived, and is forgotten."""
        try:
            self._sender.send(message)
        except (BotoCoreError, ClientError) as error:
            return error
        arrived = delete(outbox).where(outbox.c.number == message.number)
        self._database.run(lambda connection: connection.execute(arrived), writes=True)
        return None

    def _put_off(self, message: Message, error: _Failure) -> None:
        reason = _reason(error)
        pause = _pause(message.attempts)
        now = to_millis(self._clock())
        next_try_at = None if pause is None else now + pause
        # Neither the destination nor the body: both belong to a requester.
        _log.warning("Notification %d was not delivered (%s).", message.number, reason)

        def note(connection: Connection) -> None:
            connection.execute(
                update(outbox)
                .where(outbox.c.number == message.number)
                .values(next_try_at=next_try_at, last_error=reason)
            )
            if next_try_at is not None:
                connection.execute(
                    update(outbox)
                    .where(outbox.c.next_try_at <= now, outbox.c.destination == message.destination)
                    .values(next_try_at=next_try_at)
                )

        self._database.run(note, writes=True)


def _pause(attempts: int) -> Millis | None:
    """How long to wait after that many attempts before; None: long enough has been waited in all."""
    pauses = [min(SECOND << min(attempt, 20), _LONGEST_PAUSE) for attempt in range(attempts + 1)]
    return None if sum(pauses) > _GIVE_UP_AFTER else pauses[-1]


def _anything_due(connection: Connection, now: Millis) -> bool:
    statement = select(outbox.c.number).where(outbox.c.next_try_at <= now).limit(1)
    return connection.execute(statement).first() is not None


def _due(connection: Connection, now: Millis, limit: int) -> Sequence[Message]:
    """The messages that are due and that no other process is just leasing."""
    columns = outbox.c
    statement = (
        select(columns.number, columns.transport, columns.destination, columns.body, columns.attempts)
        .where(columns.next_try_at <= now)
        .order_by(columns.next_try_at, columns.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Message(**row._mapping) for row in connection.execute(statement)]


def _take(connection: Connection, now: Millis, limit: int) -> Sequence[Message]:
    """Leases what is due."""
    messages = _due(connection, now, limit)
    connection.execute(
        update(outbox)
        .where(outbox.c.number.in_([message.number for message in messages]))
        .values(next_try_at=now + _LEASE, attempts=outbox.c.attempts + 1)
    )
    return messages


def _reason(error: _Failure) -> str:
    """The error's code or kind, without its text: that may quote the destination."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))[:128]
    return type(error).__name__[:128]
