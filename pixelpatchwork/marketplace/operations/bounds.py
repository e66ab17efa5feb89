"""Bounds that the service enforces and its model does not state.

Source: the API reference of 2014-08-15 and of 2017-01-17, "Constraints" of each parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixelpatchwork.marketplace.errors import ParameterValidationError
from pixelpatchwork.marketplace.fees import Cents, parse_usd

_YEAR_S = 31_536_000
_LARGEST_AMOUNT: Cents = 100_000_00
_LENGTHS = {
    "Title": 128,
    "Description": 2_000,
    "Keywords": 1_000,
    "RequesterAnnotation": 255,
    "RequesterFeedback": 1_024,
    "Reason": 4_096,
    "Name": 200,
    "Subject": 200,
    "MessageText": 4_096,
    "QuestionIdentifier": 255,
}
_RANGES = {
    "LifetimeInSeconds": (30, _YEAR_S),
    "AssignmentDurationInSeconds": (30, _YEAR_S),
    "AutoApprovalDelayInSeconds": (0, 2_592_000),
    "MaxAssignments": (1, 1_000_000_000),
    "NumberOfAdditionalAssignments": (1, 1_000_000_000),
    "RetryDelayInSeconds": (0, _YEAR_S),
    "TestDurationInSeconds": (1, _YEAR_S),
}
_NOT_EMPTY = {"Title", "Description", "Name", "Subject", "MessageText"}
MAX_REQUIREMENTS = 10


def check_bounds(request: Mapping[str, Any]) -> None:
    """Raises ParameterValidationError for the first member that is too long, too short, or out of its range."""
    for name, value in request.items():
        if name in _LENGTHS:
            _check_text(name, value)
        elif name in _RANGES:
            low, high = _RANGES[name]
            if not low <= value <= high:
                raise ParameterValidationError(name, value, f"It must be from {low} to {high}.")
    requirements = request.get("QualificationRequirements", ())
    if len(requirements) > MAX_REQUIREMENTS:
        raise ParameterValidationError(
            "QualificationRequirements", len(requirements), f"At most {MAX_REQUIREMENTS} are allowed."
        )


def require_reason(request: Mapping[str, Any]) -> None:
    """Raises ParameterValidationError for an empty `Reason`, in the operations that cannot go without one."""
    if not request["Reason"].strip():
        raise ParameterValidationError("Reason", request["Reason"], "It may not be empty.")


def read_amount(name: str, text: str, *, least: Cents) -> Cents:
    """Cents of an amount. Raises ParameterValidationError where it is too small or absurdly large."""
    # A hundred digits are a legal amount to the model's pattern, and to no bank.
    cents = parse_usd(text) if len(text) <= 16 else _LARGEST_AMOUNT + 1
    if not least <= cents <= _LARGEST_AMOUNT:
        raise ParameterValidationError(
            name, text, f"It must be from 0.{least:02d} to {_LARGEST_AMOUNT // 100}.00."
        )
    return cents


def _check_text(name: str, value: str) -> None:
    if len(value) > _LENGTHS[name]:
        raise ParameterValidationError(name, value, f"It may have at most {_LENGTHS[name]} characters.")
    if name in _NOT_EMPTY and not value.strip():
        raise ParameterValidationError(name, value, "It may not be empty.")
    if any(char < " " and char not in "\t\r\n" for char in value):
        raise ParameterValidationError(name, "...", "It may not hold control characters.")
