"""The S3 store over HTTP: what the bucket holds afterwards, what a browser gets, and what a fault says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from pixelpatchwork.adapters.s3_images import S3Images, s3_client
from pixelpatchwork.domain.errors import ConfigurationError, ImageStoreError
from tests.support.s3 import S3Service, s3_service

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Service]:
    with s3_service() as service:
        yield service


@pytest.fixture
def client(s3: S3Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, text in s3.environment.items():
        monkeypatch.setenv(name, text)
    one = s3_client(endpoint_url=s3.endpoint_url, region=None, max_connections=4)
    yield one
    one.close()


def images(client: S3Client, bucket: str, **chosen: object) -> S3Images:
    options = {"public_url": None, "presign_seconds": 600, **chosen}
    return S3Images(client, bucket, "study", **options)  # type: ignore[arg-type]  # the tests choose


def test_an_object_stands_below_the_prefix_with_its_type(client: S3Client, s3: S3Service) -> None:
    images(client, s3.bucket).put("raw/typed.webp", b"picture", content_type="image/webp")

    found = client.head_object(Bucket=s3.bucket, Key="study/raw/typed.webp")
    assert (found["ContentType"], found["ContentLength"]) == ("image/webp", 7)


def test_without_a_prefix_the_whole_bucket_is_the_store(client: S3Client, s3: S3Service) -> None:
    store = S3Images(client, s3.bucket, "", public_url=None, presign_seconds=60)

    store.put("at-the-root.png", b"picture", content_type="image/png")

    assert client.head_object(Bucket=s3.bucket, Key="at-the-root.png")


def test_a_signed_link_shows_the_picture_to_anybody_for_a_while(client: S3Client, s3: S3Service) -> None:
    store = images(client, s3.bucket)
    store.put("linked.png", b"picture", content_type="image/png")

    link = store.url("linked.png")

    with urlopen(link) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"picture", "image/png")
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["600"]
    assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in link


def test_a_public_address_stands_for_the_prefix(client: S3Client, s3: S3Service) -> None:
    store = images(client, s3.bucket, public_url="https://cdn.example.org/patches/")

    assert store.url("days/1.png") == "https://cdn.example.org/patches/days/1.png"


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_a_link_lasts_no_longer_than_its_signature_can(client: S3Client, seconds: int) -> None:
    with pytest.raises(ConfigurationError, match="604800 seconds"):
        images(client, "bucket", presign_seconds=seconds)


@pytest.mark.parametrize(
    ("bucket", "start"),
    [
        ("patches", "https://patches.s3.eu-central-1.amazonaws.com/study/a.png?"),
        ("my.patches", "https://s3.eu-central-1.amazonaws.com/my.patches/study/a.png?"),
    ],
)
def test_a_signed_link_at_aws_leads_to_the_region_without_a_redirect(
    monkeypatch: pytest.MonkeyPatch, bucket: str, start: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    client = s3_client(endpoint_url=None, region="eu-central-1", max_connections=1)

    assert images(client, bucket).url("a.png").startswith(start)


# ---- faults ---------------------------------------------------------------------------------------------


class Body:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> list[bytes]:
        return [self._content]

    def read(self, *_size: object) -> bytes:
        return self._content


class Refusing:
    """Answers the first requests with an error, then lets them through."""

    def __init__(self, status: int, code: str, *, times: int) -> None:
        self._status = status
        self._body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
        self._left = times

    def __call__(self, request: AWSPreparedRequest, **_event: object) -> AWSResponse | None:
        if not self._left:
            return None
        self._left -= 1
        return AWSResponse(request.url, self._status, {"Content-Type": "application/xml"}, Body(self._body))


def test_a_conflict_with_another_writer_is_tried_again(client: S3Client, s3: S3Service) -> None:
    pauses: list[float] = []
    client.meta.events.register(
        "before-send.s3.PutObject", Refusing(409, "ConditionalRequestConflict", times=2)
    )

    assert images(client, s3.bucket, sleep=pauses.append).put("conflict.png", b"x", content_type="image/png")

    assert pauses == [0.1, 0.2]


def test_a_conflict_without_end_is_an_error(client: S3Client, s3: S3Service) -> None:
    pauses: list[float] = []
    client.meta.events.register(
        "before-send.s3.PutObject", Refusing(409, "ConditionalRequestConflict", times=100)
    )

    with pytest.raises(ImageStoreError, match=r"Cannot store conflict\.png .*Run the command again later"):
        images(client, s3.bucket, sleep=pauses.append).put("conflict.png", b"x", content_type="image/png")

    assert len(pauses) == 5


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccessDenied", "access denied .*s3:PutObject, s3:GetObject and s3:ListBucket"),
        (403, "SignatureDoesNotMatch", "Check the access key"),
        (301, "PermanentRedirect", "is in another region"),
        (400, "InvalidRequest", r"Cannot store a\.png in s3://.*/study/ \(InvalidRequest\)"),
    ],
)
def test_a_refusal_says_what_to_do(
    client: S3Client, s3: S3Service, status: int, code: str, message: str
) -> None:
    client.meta.events.register("before-send.s3.PutObject", Refusing(status, code, times=100))

    with pytest.raises(ImageStoreError, match=message):
        images(client, s3.bucket).put("a.png", b"x", content_type="image/png")


def test_a_bucket_that_is_not_there_is_named(client: S3Client) -> None:
    store = images(client, "no-such-bucket")

    for attempt in (store.check, lambda: store.put("a.png", b"x", content_type="image/png")):
        with pytest.raises(ImageStoreError, match=r"There is no bucket no-such-bucket\. Create it"):
            attempt()


def test_the_check_passes_on_a_bucket_and_writes_nothing(client: S3Client, s3: S3Service) -> None:
    before = client.list_objects_v2(Bucket=s3.bucket)["KeyCount"]

    images(client, s3.bucket).check()

    assert client.list_objects_v2(Bucket=s3.bucket)["KeyCount"] == before


def test_a_service_that_is_not_there_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    client = s3_client(endpoint_url=endpoint_url, region="us-east-1", max_connections=1, attempts=1)

    with pytest.raises(ImageStoreError, match="Check the network and the S3 endpoint"):
        images(client, "bucket").get("a.png")


def test_a_missing_key_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = s3_client(endpoint_url="http://s3.test", region="us-east-1", max_connections=1)

    for attempt in (images(client, "bucket").url, images(client, "bucket").get):
        with pytest.raises(ImageStoreError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            attempt("a.png")
