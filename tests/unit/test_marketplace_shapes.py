"""Requests checked against the service model."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.errors import ApiError, SerializationException, ValidationException
from pixelpatchwork.marketplace.shapes import find_operation, read_input, service_model


def read(operation: str, **members: Any) -> dict[str, Any]:
    model = find_operation(operation)
    assert model is not None
    return read_input(model, members)


def test_the_model_has_its_39_operations() -> None:
    assert len(service_model().operation_names) == 39


def test_unknown_members_and_nulls_are_left_out() -> None:
    assert read("GetHIT", HITId="3ABC", Colour="red", Other=None) == {"HITId": "3ABC"}


def test_a_broken_pattern_is_told_in_the_recorded_words() -> None:
    with pytest.raises(ValidationException) as caught:
        read("SendBonus", WorkerId="A1", BonusAmount="0.9752", AssignmentId="3A", Reason="x")

    assert caught.value.message == (
        "1 validation error detected: Value '0.9752' at 'bonusAmount' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[0-9]+(\\.)?[0-9]{0,2}$"
    )


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ValidationException) as caught:
        read("ListAssignmentsForHIT", MaxResults=101, AssignmentStatuses=["Submitted", "Lost"])

    assert caught.value.message == (
        "3 validation errors detected: "
        "Value null at 'hITId' failed to satisfy constraint: Member must not be null; "
        "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100; "
        "Value 'Lost' at 'assignmentStatuses.2.member' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Submitted, Approved, Rejected]"
    )


@pytest.mark.parametrize("hit_id", ["", "x" * 65, "3abc", "3ABC\n", "3ABC'; DROP"])
def test_an_id_that_breaks_the_model_is_refused(hit_id: str) -> None:
    with pytest.raises(ValidationException):
        read("GetHIT", HITId=hit_id)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetHIT", {"HITId": 3}),
        ("GetHIT", {"HITId": ["3ABC"]}),
        ("GetHIT", {"HITId": "\ud800"}),
        ("ListHITs", {"MaxResults": "10"}),
        ("ListHITs", {"MaxResults": True}),
        ("ListHITs", {"MaxResults": 1.5}),
        ("ListHITs", {"MaxResults": 2**31}),
        ("UpdateHITReviewStatus", {"HITId": "3A", "Revert": "yes"}),
        ("UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": "tomorrow"}),
        ("UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": 1e300}),
        ("UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": False}),
        ("ListAssignmentsForHIT", {"HITId": "3A", "AssignmentStatuses": "Submitted"}),
        ("CreateHITType", {"QualificationRequirements": ["x"]}),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(operation: str, members: dict[str, Any]) -> None:
    with pytest.raises(SerializationException):
        read(operation, **members)


@pytest.mark.parametrize(
    "sent", [1_795_262_400, 1_795_262_400.0, "2026-11-21T12:00:00Z", "2026-11-21T12:00:00"]
)
def test_a_time_is_read_as_epoch_seconds_or_iso(sent: float | str) -> None:
    assert read("UpdateExpirationForHIT", HITId="3A", ExpireAt=sent)["ExpireAt"] == 1_795_262_400_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(list(service_model().operation_names)), st.data())
@settings(max_examples=150, deadline=None)
def test_no_request_can_cause_anything_but_a_typed_refusal(operation: str, data: st.DataObject) -> None:
    model = find_operation(operation)
    assert model is not None
    members = list(model.input_shape.members) if model.input_shape else []
    body = data.draw(JSON | st.dictionaries(st.sampled_from([*members, "Other"]), JSON, max_size=6))
    with contextlib.suppress(ApiError):
        read_input(model, body)


def constrained() -> list[tuple[str, str, object, str]]:
    """(operation, member, a value that breaks the model, what is said of it) for each constraint of each operation."""
    found: list[tuple[str, str, object, str]] = []
    for name in service_model().operation_names:
        shape = service_model().operation_model(name).input_shape
        assert isinstance(shape, StructureShape)
        for member, inner in shape.members.items():
            rules = inner.metadata
            text = inner.type_name == "string"
            if member in shape.required_members:
                found.append((name, member, None, "Member must not be null"))
            if "max" in rules:
                found.append(
                    (name, member, "A" * (rules["max"] + 1) if text else rules["max"] + 1, "less than")
                )
            if "min" in rules:
                found.append((name, member, "" if text else rules["min"] - 1, "greater than or equal"))
            if "pattern" in rules:
                found.append((name, member, "-", "regular expression pattern"))
            if text and rules.get("enum"):
                found.append((name, member, "Nonsense", "enum value set"))
    return found


@pytest.mark.parametrize(("operation", "member", "value", "said"), constrained())
def test_each_constraint_of_each_operation_is_enforced(
    operation: str, member: str, value: object, said: str
) -> None:
    with pytest.raises(ValidationException) as caught:
        read(operation, **{member: value})

    path = member[0].lower() + member[1:]
    faults = caught.value.message.split("detected: ", 1)[1].split("; ")
    assert any(f" at '{path}' failed to satisfy constraint: " in fault and said in fault for fault in faults)
