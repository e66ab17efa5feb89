"""A message in a queue is a hint from anybody: what it names is looked up, and what it is else is left."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.domain.signals import LONGEST_BODY, hits_named


def body(*events: object) -> str:
    return json.dumps({"Events": list(events), "EventDocId": "1", "EventDocVersion": "2014-08-15"})


def event(hit_id: object, kind: object = "AssignmentSubmitted") -> dict[str, object]:
    return {
        "EventType": kind,
        "EventTimestamp": "2026-08-09T21:17:16Z",
        "HITId": hit_id,
        "AssignmentId": "A1",
        "HITTypeId": "T1",
    }


def test_a_message_may_tell_of_several_hits() -> None:
    assert hits_named(body(event("H1"), event("H2"), event("H1"))) == {"H1", "H2"}


def test_a_message_that_came_by_a_topic_is_read_as_well() -> None:
    assert hits_named(json.dumps({"Type": "Notification", "Message": body(event("H1"))})) == {"H1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[]",
        "null",
        '{"Events": {"HITId": "H1"}}',
        '{"Events": [null, 1, "H1", []]}',
        body(event("H1", "HITCreated"), event("H1", None)),
        body(event("../etc"), event("H 1"), event("H" * 65), event(1), event(None), event(["H1"])),
        '{"Message": "{"}',
        '{"Message": "[]"}',
        "[" * 500_000,
        '{"a":' * 100_000,
        f'{{"Events": {"9" * 10_000}}}',
        body(event("H1")) + " " * LONGEST_BODY,
    ],
)
def test_anything_else_names_nothing(text: str) -> None:
    assert hits_named(text) == frozenset()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["Events", "Message", "EventType", "HITId", ""]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(JSON.map(json.dumps) | st.text())
def test_no_message_breaks_the_reading(text: str) -> None:
    assert all(hit_id.isalnum() for hit_id in hits_named(text))
