"""What botocore and an MTurk endpoint say when something goes wrong, in words that name the next thing to do.

Codes decide, never texts: the service's `TurkErrorCode` where it sends one, botocore's error code otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from pixelpatchwork.adapters.mturk_pace import THROTTLED
from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere, HitGone, InsufficientFunds

TURK_PREFIX = "AWS.MechanicalTurk."
HIT_EXISTS = TURK_PREFIX + "HitAlreadyExists"
HIT_GONE = TURK_PREFIX + "HITDoesNotExist"
ASSIGNMENT_GONE = TURK_PREFIX + "AssignmentDoesNotExist"
WRONG_HIT_STATE = TURK_PREFIX + "InvalidHITState"
WRONG_ASSIGNMENT_STATE = TURK_PREFIX + "InvalidAssignmentState"

_INSUFFICIENT_FUNDS = TURK_PREFIX + "InsufficientFunds"
_ACCESS_DENIED = frozenset(
    {"AccessDeniedException", "AccessDenied", TURK_PREFIX + "PermissionDeniedException"}
)
_BAD_KEYS = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_GONE: dict[str, type[CrowdError]] = {HIT_GONE: HitGone, ASSIGNMENT_GONE: DecidedElsewhere}
_LONGEST_QUOTE = 300
_ACCESS_KEY_ID = re.compile(r"\bA(?:KI|SI)A[A-Z0-9]{8,}")


def error_code(error: ClientError) -> str:
    """The service's own `TurkErrorCode`, or botocore's code where the service sent none."""
    response: dict[str, object] = {**error.response}
    return str(response.get("TurkErrorCode") or error.response.get("Error", {}).get("Code", ""))


def error_text(error: ClientError) -> str:
    """The service's message on one line, cut to a sane length, without anything that looks like a key id."""
    return _one_line(str(error.response.get("Error", {}).get("Message", ""))) or "no message"


def one_line(text: str) -> str:
    """`text` on one line, without control characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _one_line(text: str) -> str:
    return _ACCESS_KEY_ID.sub("[access key]", one_line(text))[:_LONGEST_QUOTE]


@contextmanager
def translated(endpoint: str) -> Iterator[None]:
    """Turns every fault of a call to `endpoint` into a CrowdError that says what to do."""
    try:
        yield
    except ClientError as error:
        raise refusal(error, endpoint) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _no_answer(error, endpoint) from error
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        # What botocore's parser and our own reading stumble over where an answer has not the promised shape.
        raise _not_mturk(endpoint, f"its answer lacks or garbles {_one_line(str(error))}") from error


def refusal(error: ClientError, endpoint: str) -> CrowdError:
    """The CrowdError for an error that the service answered with."""
    code = error_code(error)
    if code in _GONE:
        return _GONE[code](f"{shown(endpoint)} does not know it any more: {error_text(error)}.")
    if code == _INSUFFICIENT_FUNDS:
        return InsufficientFunds(
            "The marketplace account does not hold enough money for this call. "
            "Add funds, or lower the reward or the number of HITs, and run the command again."
        )
    if code in _BAD_KEYS:
        return CrowdError(
            f"{shown(endpoint)} does not accept the access key ({code}). "
            f"Check {_key_names(endpoint)}, and that this machine's clock is right."
        )
    if code in _ACCESS_DENIED:
        return CrowdError(
            f"{shown(endpoint)} denies this account the call: {error_text(error)}. "
            "Grant it the requester's rights, or use another account's key."
        )
    if code in THROTTLED:
        return CrowdError(
            f"{shown(endpoint)} throttles this account. Wait a minute and run the command again."
        )
    return _other_refusal(error, endpoint, code)


def _other_refusal(error: ClientError, endpoint: str, code: str) -> CrowdError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500:
        return CrowdError(f"{shown(endpoint)} failed ({code}). Run the command again in a few minutes.")
    if code.isdecimal():  # botocore's stand-in where the body named no error
        return _not_mturk(endpoint, f"it answered HTTP {status}")
    return CrowdError(f"The marketplace refused {error.operation_name}: {error_text(error)} [{code}]")


def _no_answer(error: BotoCoreError | ResponseParserError, endpoint: str) -> CrowdError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return CrowdError(
            f"There is no access key for the marketplace. Set {_key_names(endpoint)} in the environment, or keep "
            "them in ~/.aws/credentials."
        )
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return CrowdError(f"Cannot reach {shown(endpoint)}. {_why_unreachable(endpoint)}")
    if isinstance(error, ReadTimeoutError | ConnectionClosedError):
        return CrowdError(f"{shown(endpoint)} broke off in the middle of a call. Run the command again.")
    if isinstance(error, ResponseParserError):
        return _not_mturk(endpoint, "its answer cannot be read")
    return CrowdError(f"{shown(endpoint)} could not be called: {_one_line(str(error))}")


def _why_unreachable(endpoint: str) -> str:
    if _is_aws(endpoint):
        return (
            "AWS closed Mechanical Turk on 2026-09-30. Set `marketplace` to embedded or to a server of yours."
        )
    return "Is `ppw serve` running there?"


def _is_aws(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith(".amazonaws.com")


def _key_names(endpoint: str) -> str:
    """The variables that hold the key of this endpoint."""
    prefix = "AWS" if _is_aws(endpoint) else "PPW_MARKETPLACE"
    return f"{prefix}_ACCESS_KEY_ID and {prefix}_SECRET_ACCESS_KEY"


def _not_mturk(endpoint: str, observation: str) -> CrowdError:
    return CrowdError(
        f"{shown(endpoint)} does not answer as Mechanical Turk does: {observation}. "
        "Check the setting `marketplace`."
    )


def shown(endpoint: str) -> str:
    """`endpoint` as it may be printed: without a user name or password in it.

    An address of the domain `.invalid`, which stands for no place in the net (RFC 2606), is the embedded marketplace's.
    """
    parts = urlsplit(endpoint)
    if (parts.hostname or "").endswith(".invalid"):
        return "The embedded marketplace"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
