"""The harness finds what it is there to find: defects put into the program on purpose do not pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.kill_hooks import Moment
from tests.support.kill_points import Played, kill

MADE_TWICE = "not in the undisturbed run: marketplace: HIT"
NEVER_PAID = "missing: marketplace: payment"
UNSAID = "was asked for 2 times"


@pytest.mark.parametrize(
    ("sabotage", "title", "call", "moment", "found"),
    [
        (
            "hits without identity",
            "Day 1: publish, generation",
            "mturk CreateHITWithHITType",
            Moment.DEED_DONE,
            MADE_TWICE,
        ),
        (
            "paid on paper",
            "Day 1: collect, generation",
            "mturk ApproveAssignment",
            Moment.BEFORE,
            NEVER_PAID,
        ),
        (
            "edits unannounced",
            "Day 1: collect, generation",
            "images edits",
            Moment.DEED_DONE,
            UNSAID,
        ),
    ],
)
def test_a_defect_is_found(
    on_sqlite: Played, sabotage: str, title: str, call: str, moment: Moment, found: str
) -> None:
    (sound,) = [chapter for chapter in on_sqlite.chapters if chapter.step.title == title]
    with on_sqlite.world.sabotaged(sabotage):
        (point,) = [
            death for death in sound.deaths if (death.call, death.nth, death.moment) == (call, 1, moment)
        ]
        trial = kill(on_sqlite.world, sound, point)
    assert any(found in line for line in trial.differences), trial.differences


def test_a_picture_of_other_bytes_is_found(on_sqlite: Played) -> None:
    """What is compared goes down to the bytes in the image store."""
    (chapter,) = [one for one in on_sqlite.chapters if one.step.title == "Day 1: collect, generation"]
    altered = {key: f"{digest}!" for key, digest in chapter.after.pictures.items()}
    wrong = replace(chapter, after=replace(chapter.after, pictures=altered))
    assert kill(on_sqlite.world, wrong, chapter.deaths[0]).differences
