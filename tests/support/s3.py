"""An S3 service on loopback (moto over HTTP), and a fresh bucket in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key"

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class S3Service:
    """What a client needs to be told."""

    endpoint_url: str
    bucket: str

    @property
    def environment(self) -> dict[str, str]:
        """The credentials, where boto3 looks for them."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }


@contextmanager
def s3_service() -> Iterator[S3Service]:
    """Starts the service on a free port, with one empty bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint_url = f"http://{host}:{port}"
        yield S3Service(endpoint_url=endpoint_url, bucket=fresh_bucket(endpoint_url))
    finally:
        server.stop()


def fresh_bucket(endpoint_url: str) -> str:
    """A bucket that no other test of this process has."""
    name = f"patchwork-{next(_numbers)}"
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    client.create_bucket(Bucket=name)
    client.close()
    return name
