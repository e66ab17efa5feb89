"""An SQS service on loopback (moto over HTTP), and fresh queues in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class SqsService:
    """What a client needs to be told."""

    endpoint_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The credentials, where boto3 looks for them."""
        return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

    def client(self) -> Any:
        return boto3.session.Session().client(
            "sqs",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def fresh_queue(self) -> str:
        """The URL of a queue that no other test of this process has."""
        return str(self.client().create_queue(QueueName=f"answers-{next(_numbers)}")["QueueUrl"])

    def count(self, queue_url: str) -> int:
        """How many messages a queue holds, those that are hidden from readers included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client().get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@contextmanager
def sqs_service() -> Iterator[SqsService]:
    """Starts the service on a free port."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield SqsService(endpoint_url=f"http://{host}:{port}")
    finally:
        server.stop()
