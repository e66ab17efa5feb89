"""Who calls the API: SigV4 signatures, recomputed with botocore's own signer and compared.

The signature covers the method, the signed headers, the date and the body, so a request that was altered on the way
or kept for more than five minutes is refused; `replays` refuses one that was recorded and sent again. Its date is
compared with the true time of day, not with the marketplace's clock, which a rehearsal may have moved: the caller
signs with his own clock.
Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug import Request

from pixelpatchwork.marketplace.errors import ApiError
from pixelpatchwork.marketplace.requesters import Key

_SERVICE = "mturk-requester"
_SKEW = timedelta(minutes=5)
_MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-target"}
_SDK_HEADERS = ("amz-sdk-invocation-id", "amz-sdk-request")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[a-z0-9;_-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """What the Authorization header says."""

    key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


class _Recomputed(SigV4Auth):
    """botocore's signer over exactly the headers that the caller signed."""

    def __init__(self, credentials: Credentials, service: str, region: str, body: bytes) -> None:
        super().__init__(credentials, service, region)
        self._body = body

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        headers = HTTPMessage()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers

    def payload(self, request: AWSRequest) -> str:
        del request
        return hashlib.sha256(self._body).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A signature that is right, the key that made it, and what the SDK calls this attempt (may be empty)."""

    key: Key
    signature: str
    sdk_attempt: str


def verify(request: Request, body: bytes, *, find_key: Callable[[str], Key | None], now: datetime) -> Signed:
    """Whose signature this request bears. Raises ApiError where nobody known signed it, or not lately."""
    claim = _read_claim(request.headers.get("Authorization", ""))
    key = find_key(claim.key_id)
    if key is None:
        raise ApiError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if claim.service != _SERVICE or not _MUST_BE_SIGNED.issubset(claim.headers):
        raise _mismatch()
    timestamp = request.headers.get("X-Amz-Date", "")
    if not hmac.compare_digest(_signature(request, body, claim, key.secret, timestamp), claim.signature):
        raise _mismatch()
    _check_body_hash(request, body)
    _check_date(timestamp, claim.date, now)
    attempt = " ".join(request.headers.get(name, "") for name in _SDK_HEADERS).strip()
    return Signed(key=key, signature=claim.signature, sdk_attempt=attempt)


def replayed() -> ApiError:
    """The refusal of a signature that was used before."""
    return ApiError(
        "InvalidSignatureException", "This signature was used before. Sign each request with its own time."
    )


def _read_claim(header: str) -> _Claim:
    if not header:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(header.strip())
    if match is None:
        raise ApiError(
            "IncompleteSignatureException", "The Authorization header is not a complete AWS4-HMAC-SHA256 one."
        )
    return _Claim(
        key_id=match["key"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        headers=tuple(match["headers"].split(";")),
        signature=match["signature"],
    )


def _signature(request: Request, body: bytes, claim: _Claim, secret: str, timestamp: str) -> str:
    signed = {name: request.headers.get(name, "") for name in claim.headers}
    again = AWSRequest(method=request.method, url=request.url, data=body, headers=signed)
    again.context["timestamp"] = timestamp
    signer = _Recomputed(Credentials(claim.key_id, secret), claim.service, claim.region, body)
    canonical = signer.canonical_request(again)
    return str(signer.signature(signer.string_to_sign(again, canonical), again))


def _check_body_hash(request: Request, body: bytes) -> None:
    """A declared hash was signed in place of the body's own, so it must be the body's own."""
    declared = request.headers.get("X-Amz-Content-SHA256")
    if declared is not None and not hmac.compare_digest(declared, hashlib.sha256(body).hexdigest()):
        raise _mismatch()


def _check_date(timestamp: str, scope_date: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ApiError("IncompleteSignatureException", "X-Amz-Date must be like 20260102T030405Z.") from None
    if abs(now - signed_at) > _SKEW or not timestamp.startswith(scope_date):
        raise ApiError(
            "InvalidSignatureException",
            f"Signature expired: {timestamp} is not within 5 minutes of {now:%Y%m%dT%H%M%SZ}. Set the clock.",
        )


def _mismatch() -> ApiError:
    return ApiError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.",
    )
