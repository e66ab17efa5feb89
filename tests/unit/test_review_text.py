"""What `ppw review` and `ppw cancel-round` say where not all went as it was wished."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pixelpatchwork.cli.cancel import cancelled_text
from pixelpatchwork.cli.review import reviewed_lines
from pixelpatchwork.domain.model import AssignmentId, Round, RoundId, RoundKind, RoundState
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import Remaining
from pixelpatchwork.workflow.cancel import Cancelled
from pixelpatchwork.workflow.review import Reviewed, Ruling

LATE = AssignmentId("3LATE")
REJECTED = Reviewed(
    ruling=Ruling.REJECT,
    decided=(LATE,),
    unusable=(),
    too_late=(),
    paid=0,
    rejected=1,
    decided_elsewhere=0,
    unpaid=0,
    failure=None,
)


def test_a_rejection_that_came_too_late_is_told_as_a_payment() -> None:
    assert next(reviewed_lines(REJECTED)) == "1 answer rejected; 0 paid, 1 rejected."
    late = replace(REJECTED, paid=1, rejected=0, overtaken=(LATE,))
    assert list(reviewed_lines(late))[:2] == [
        "0 answers rejected; 1 paid, 0 rejected.",
        "Paid in the marketplace before this, too late to be rejected: 3LATE.",
    ]


def test_a_cancelled_round_says_what_its_end_waits_for() -> None:
    assert "work in flight, which may still come in. Later, run: ppw collect" in told(hits=1)
    assert "work in flight" not in told(edits=1)
    assert "1 edit in the hands of another run, or of one that was stopped." in told(edits=1)
    assert "waits for the pay of 2 answers." in told(answers=2)


def told(**left: int) -> str:
    round_ = Round(
        round_id=RoundId("day-1-generation"),
        day_number=1,
        kind=RoundKind.GENERATION,
        state=RoundState.OPEN,
        reward_usd=Usd("0.25"),
        planned_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    remaining = Remaining(**{"hits": 0, "answers": 0, "edits": 0, "room": 0, **left})
    return cancelled_text(Cancelled(round=round_, expired=0, failures=(), collected=None, left=remaining))
