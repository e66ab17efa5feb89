"""Pictures in an S3 bucket, or in anything that speaks S3: the image store of a study on several machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from pixelpatchwork.domain.errors import ConfigurationError, ImageMissing, ImageStoreError
from pixelpatchwork.domain.image_keys import checked_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST_PRESIGN = 604_800
"""Seconds: a week, the most that a signature of version 4 may say."""

_CONFLICT_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between tries where another writer of the same key is just being served."""
_MISSING = frozenset({"404", "NoSuchKey"})
_NO_BUCKET = frozenset({"NoSuchBucket"})
_DENIED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})
_ELSEWHERE = frozenset(
    {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"}
)


def s3_client(
    *, endpoint_url: str | None, region: str | None, max_connections: int, attempts: int = 5
) -> S3Client:
    """A boto3 client with the keys that boto3 finds, to be shared by up to `max_connections` threads.

    At AWS the bucket is part of the host's name, with its region: a signed link to the region-less host would be
    redirected, and its signature void. Where `endpoint_url` names another service, the bucket goes into the
    path, and checksums are sent only where S3 itself demands them: many such services know neither.
    """
    is_aws = endpoint_url is None
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=max_connections,
            s3={"addressing_style": "virtual" if is_aws else "path"},
            request_checksum_calculation="when_supported" if is_aws else "when_required",
            response_checksum_validation="when_supported" if is_aws else "when_required",
        ),
    )


class S3Images:
    """The `ImageStore` port over S3; may be shared by threads and by machines.

    S3's conditional put writes a picture once and as a whole, whoever else writes at the same moment.
    """

    def __init__(  # a place, two ways of showing it, and time
        self,
        client: S3Client,
        bucket: str,
        prefix: str,
        *,
        public_url: str | None,
        presign_seconds: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`public_url` is where anybody may read what stands below `prefix`; None: links are signed.

        A signed link works for `presign_seconds`, and no longer than the credentials that signed it: let it
        outlive a round. Raises ConfigurationError for more than a week.
        """
        if not 0 < presign_seconds <= LONGEST_PRESIGN:
            raise ConfigurationError(
                f"Signed links to pictures last 1 to {LONGEST_PRESIGN} seconds (a week)."
            )
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._public_url = public_url.rstrip("/") if public_url else None
        self._presign_seconds = presign_seconds
        self._sleep = sleep

    def put(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Stores `data` unless the key is taken; True where it was stored."""
        full_key = self._full(key)
        for pause in (*_CONFLICT_PAUSES, None):
            with self._translated(f"store {key}"):
                outcome = self._put_once(full_key, data, content_type, is_last=pause is None)
            if outcome is not None:
                return outcome
            self._sleep(pause or 0)
        raise AssertionError("the last try returns or raises")

    def replace(self, key: str, data: bytes, *, content_type: str) -> None:
        """Stores `data` in the place of what is there."""
        with self._translated(f"store {key}"):
            self._client.put_object(
                Bucket=self._bucket, Key=self._full(key), Body=data, ContentType=content_type
            )

    def _put_once(self, full_key: str, data: bytes, content_type: str, *, is_last: bool) -> bool | None:
        """True: stored. False: the key is taken. None: another writer is at it, and may yet fail."""
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=full_key, Body=data, ContentType=content_type, IfNoneMatch="*"
            )
        except ClientError as error:
            if _code(error) == "PreconditionFailed":
                return False
            if _code(error) == "ConditionalRequestConflict" and not is_last:
                return None
            raise
        return True

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises ImageMissing."""
        full_key = self._full(key)
        with self._translated(f"read {key}"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=full_key)["Body"].read()
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                raise ImageMissing(f"There is no picture {key} in {self._where}.") from error

    def exists(self, key: str) -> bool:
        """Whether there is a picture under `key`."""
        full_key = self._full(key)
        with self._translated(f"look for {key}"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=full_key)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                return False
        return True

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that begins so, in their order, over all pages."""
        full = f"{self._full(prefix.removesuffix('/'))}/" if prefix else self._prefix
        with self._translated(f"list {prefix or 'pictures'}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=full)
            found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        yield from (key.removeprefix(self._prefix) for key in sorted(found))

    def url(self, key: str) -> str:
        """Where a worker's browser finds the picture: its public address, or a signed link made on the spot."""
        full_key = self._full(key)
        if self._public_url:
            return f"{self._public_url}/{key}"
        with self._translated(f"sign a link to {key}"):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": full_key},
                ExpiresIn=self._presign_seconds,
            )

    def check(self) -> None:
        """Raises ImageStoreError where the bucket is not there or not ours; writes nothing."""
        with self._translated("look at the bucket"):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                raise self._no_bucket() from error

    def _full(self, key: str) -> str:
        return self._prefix + checked_key(key)

    @property
    def _where(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}"

    def _no_bucket(self) -> ImageStoreError:
        return ImageStoreError(
            f"There is no bucket {self._bucket}. Create it, or change the setting `images`."
        )

    @contextmanager
    def _translated(self, deed: str) -> Iterator[None]:
        """Turns the faults of a call into ours, with what to do."""
        try:
            yield
        except ClientError as error:
            raise self._refusal(error, deed) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ImageStoreError(
                "There is no access key for S3. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
                "environment, keep them in ~/.aws/credentials, or give this machine a role."
            ) from error
        except BotoCoreError as error:
            raise ImageStoreError(
                f"Cannot {deed} in {self._where}: {type(error).__name__}. "
                "Check the network and the S3 endpoint, and run the command again."
            ) from error

    def _refusal(self, error: ClientError, deed: str) -> ImageStoreError:
        code = _code(error)
        if code in _NO_BUCKET:
            return self._no_bucket()
        if code in _DENIED:
            return ImageStoreError(
                f"Cannot {deed} in {self._where}: access denied ({code}). Check the access key, and that it may "
                "s3:PutObject, s3:GetObject and s3:ListBucket there."
            )
        if code in _ELSEWHERE:
            return ImageStoreError(f"The bucket {self._bucket} is in another region ({code}). Set s3.region.")
        return ImageStoreError(f"Cannot {deed} in {self._where} ({code}). Run the command again later.")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
