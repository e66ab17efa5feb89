"""The harness finds what it is there to find: defects put into the program on purpose do not pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.kill_hooks import Moment
from tests.support.kill_points import Played, kill

COLLECTING = "Day 1: collect, generation"
MADE_TWICE = "not in the undisturbed run: marketplace: HIT"
NEVER_PAID = "missing: marketplace: payment"
UNSAID = "was asked for 2 times"
SEVERAL = "one death took the outcome of several edits"
BONUS_TWICE = "not in the undisturbed run: marketplace: bonus"
PICTURE_LOST = "missing: picture"
ANSWER_LOST = "missing: Assignment"


@pytest.mark.parametrize(
    ("sabotage", "title", "point", "found"),
    [
        (
            "hits without identity",
            "Day 1: publish, generation",
            ("mturk CreateHITWithHITType", 1, Moment.DEED_DONE),
            MADE_TWICE,
        ),
        ("paid on paper", COLLECTING, ("mturk ApproveAssignment", 1, Moment.BEFORE), NEVER_PAID),
        ("edits unannounced", COLLECTING, ("images edits", 1, Moment.DEED_DONE), UNSAID),
        ("edits announced together", COLLECTING, ("images edits", 1, Moment.BEFORE), SEVERAL),
        ("pictures later", COLLECTING, ("s3 PUT full", 1, Moment.BEFORE), PICTURE_LOST),
        ("closed first", COLLECTING, ("database commit", 2, Moment.DEED_DONE), ANSWER_LOST),
        ("bonuses without identity", "Day 1: bonus", ("mturk SendBonus", 1, Moment.DEED_DONE), BONUS_TWICE),
    ],
)
def test_a_defect_is_found(
    on_sqlite: Played, sabotage: str, title: str, point: tuple[str, int, Moment], found: str
) -> None:
    (sound,) = [chapter for chapter in on_sqlite.chapters if chapter.step.title == title]
    (death,) = [one for one in sound.deaths if (one.call, one.nth, one.moment) == point]
    with on_sqlite.world.sabotaged(sabotage):
        trial = kill(on_sqlite.world, sound, death)
    assert any(found in line for line in trial.differences), trial.differences


def test_a_picture_of_other_bytes_is_found(on_sqlite: Played) -> None:
    """What is compared goes down to the bytes in the image store."""
    (chapter,) = [one for one in on_sqlite.chapters if one.step.title == COLLECTING]
    altered = {key: f"{digest}!" for key, digest in chapter.after.pictures.items()}
    wrong = replace(chapter, after=replace(chapter.after, pictures=altered))
    assert kill(on_sqlite.world, wrong, chapter.deaths[0]).differences
