"""The refusals a requester's program can meet, in the families and words that it knows from Mechanical Turk.

Each family has its own shape on the wire; clients match on `__type` and `TurkErrorCode`, and many, sadly, on the
text. The texts marked "recorded" were seen in production.
"""

from __future__ import annotations

from collections.abc import Sequence

from pixelpatchwork.marketplace.clock import Millis

_CODE_PREFIX = "AWS.MechanicalTurk."


class ApiError(Exception):
    """A refusal of an API call: `type_name` goes out as `__type`, `members` beside it."""

    status = 400

    def __init__(self, type_name: str, message: str, **members: str) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.message = message
        self.members = members

    def body(self, now: Millis) -> dict[str, str]:
        """The JSON members of the answer. Mechanical Turk's own families end with the time (recorded)."""
        if "TurkErrorCode" in self.members:
            return {"__type": self.type_name, "Message": f"{self.message} ({now})", **self.members}
        return {"__type": self.type_name, "message": self.message}


class RequestError(ApiError):
    """The modelled refusal. `code` is given without its `AWS.MechanicalTurk.` prefix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("RequestError", message, TurkErrorCode=_CODE_PREFIX + code)


class ParameterValidationError(ApiError):
    """A value that the service model lets pass and the service does not (recorded shape)."""

    def __init__(self, parameter: str, value: object, why: str = "") -> None:
        shown = str(value)
        text = f'The value "{shown[:100]}" is not valid for the parameter {parameter}.'
        super().__init__(
            "ParameterValidationError",
            f"{text} {why}".rstrip(),
            Parameter=parameter,
            TurkErrorCode=_CODE_PREFIX + "InvalidParameterValue",
        )


class ValidationException(ApiError):  # noqa: N818 - the name is the wire's
    """Values that break the service model's own constraints, all of them in one message (recorded)."""

    def __init__(self, faults: Sequence[str]) -> None:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected"
        super().__init__("ValidationException", f"{count}: {'; '.join(faults)}")


class SerializationException(ApiError):  # noqa: N818 - the name is the wire's
    """A body that is no JSON object, or a value of the wrong JSON type."""

    def __init__(self, message: str) -> None:
        super().__init__("SerializationException", message)


class ThrottlingException(ApiError):  # noqa: N818 - the name is the wire's
    """Too many calls of one key (recorded). boto3 waits and tries again by itself."""

    def __init__(self) -> None:
        super().__init__("ThrottlingException", "Rate exceeded")


class ServiceFault(ApiError):  # noqa: N818 - the name is the wire's
    """The modelled fault of the server itself: worth another try."""

    status = 500

    def __init__(self) -> None:
        super().__init__(
            "ServiceFault",
            "The marketplace failed to answer. Try again.",
            TurkErrorCode=_CODE_PREFIX + "ServiceFault",
        )


def does_not_exist(noun: str, identifier: str) -> RequestError:
    """`noun` is HIT, HITType, Assignment, QualificationType, Qualification (recorded for HIT and Assignment)."""
    shown = "Hit" if noun == "HIT" else noun
    return RequestError(f"{noun}DoesNotExist", f"{shown} {identifier} does not exist.")


def hit_state(status: str, allowed: str) -> RequestError:
    """The HIT's state forbids the operation; the two blanks are the recorded text's own."""
    return RequestError(
        "InvalidHITState",
        f"This HIT is currently in the state '{status}'.  "
        f"This operation can be called with a status of: {allowed}",
    )


def assignment_state(allowed: str) -> RequestError:
    """The assignment's state forbids the operation (recorded)."""
    return RequestError("InvalidAssignmentState", f"This operation can be called with a status of: {allowed}")


def insufficient_funds() -> RequestError:
    """The balance does not cover the call (the first sentence is recorded)."""
    return RequestError(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Add prepaid balance, or ask for fewer assignments.",
    )


def already_processed(token: str) -> RequestError:
    """An identical request within 24 hours (the text is recorded; the code is our own)."""
    return RequestError(
        "RequestAlreadyProcessed", f'The idempotency token "{token}" has already been processed.'
    )


def xml_error(detail: str) -> RequestError:
    """Question or answer data that is no legal XML document (recorded); `detail` says what to mend."""
    return RequestError(
        "XMLParseError",
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        f"well-formed and validates against the appropriate schema. {detail}",
    )
