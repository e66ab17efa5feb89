"""What `ppw collect` says of a run on which not everything went well."""

from __future__ import annotations

from dataclasses import replace

from pixelpatchwork.cli.rounds import collected_text
from pixelpatchwork.workflow.collect import Collected
from pixelpatchwork.workflow.edit import EditSummary

WELL = Collected(
    new_answers=2,
    judged=2,
    unusable=1,
    paid=2,
    unpaid=0,
    unread=0,
    decided_elsewhere=0,
    first_failure=None,
    edits=EditSummary(made=1),
    rounds_closed=0,
    answers_missing=0,
)


def said(**changes: object) -> list[str]:
    return collected_text(replace(WELL, **changes)).splitlines()  # type: ignore[arg-type]  # fields of Collected


def test_a_run_that_went_well_is_told_in_two_lines() -> None:
    assert said() == [
        "2 new answers; 2 judged, 1 left out; 2 approved.",
        "1 image made, 0 edits failed, 0 waiting.",
    ]


def test_what_the_marketplace_did_not_do_is_told_with_the_first_reason() -> None:
    assert said(unread=1, unpaid=2, first_failure="It is away.")[2:] == [
        "1 HIT not read, 2 answers not approved: It is away. The next run tries again: ppw collect"
    ]


def test_what_can_never_be_approved_is_told_apart() -> None:
    assert said(decided_elsewhere=1)[2:] == [
        "1 answer not approved for good: rejected outside this program, or gone."
    ]


def test_edits_that_stopped_and_edits_that_others_hold_are_told_apart() -> None:
    assert said(edits=EditSummary(waiting=3, stopped="No credit."))[2:] == ["The edits stopped: No credit."]
    assert said(edits=EditSummary(waiting=1))[2:] == [
        "1 edit is being made by another run, or by one that was stopped; it is taken up within two minutes. Then run "
        "again: ppw collect"
    ]


def test_an_unknown_outcome_is_told() -> None:
    assert said(edits=EditSummary(unknown=1))[2:] == [
        "1 edit with an unknown outcome: the editor's answer was lost on the way."
    ]
