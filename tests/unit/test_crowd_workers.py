"""Who the simulated workers are, and what the bad ones send."""

from __future__ import annotations

import json
from random import Random

import pytest
from pycocotools import mask as coco

from pixelpatchwork.crowd.mischief import (
    ENDLESS_CHARACTERS,
    BallotMischief,
    PaintingMischief,
    spoil_ballot,
    spoil_painting,
)
from pixelpatchwork.crowd.opinions import makes_sense
from pixelpatchwork.crowd.workers import draw_personas

SIZE = (60, 40)
HONEST = {"mask": "honest", "prompt": "a boat", "consent": "yes", "language": "de"}


def spoiled(kind: PaintingMischief, size: tuple[int, int] = SIZE) -> dict[str, str | None]:
    return spoil_painting(HONEST, kind, size, Random(1))


def area(text: str | None) -> tuple[list[int], int]:
    """Size and painted pixels of a mask, as COCO's own tools read it."""
    written = json.loads(text or "")
    return written["size"], int(coco.area({**written, "counts": written["counts"].encode()}))


@pytest.mark.parametrize(("workers", "bad"), [(0, 0), (1, 0), (2, 0), (6, 1), (12, 2), (60, 10), (100, 17)])
def test_one_worker_in_six_is_bad(workers: int, bad: int) -> None:
    personas = draw_personas(workers, Random(1))
    assert len(personas) == workers
    assert sum(persona.is_bad for persona in personas) == bad


def test_the_same_randomness_draws_the_same_crowd() -> None:
    assert draw_personas(12, Random(5)) == draw_personas(12, Random(5)) != draw_personas(12, Random(6))


def test_workers_differ_in_name_however_many_there_are() -> None:
    personas = draw_personas(200, Random(1))
    assert len({persona.name for persona in personas}) == 200
    assert all(persona.name.isprintable() and len(persona.name) < 20 for persona in personas)


def test_traits_stay_within_their_bounds() -> None:
    for persona in draw_personas(200, Random(2)):
        assert 0 <= persona.skill <= 1
        assert 0 <= persona.carelessness <= 1
        assert 0 <= persona.taste.boldness <= 1
        assert 0 <= persona.taste.hue <= 360


def test_masks_can_be_missing_empty_full_of_another_size_or_unreadable() -> None:
    assert spoiled(PaintingMischief.NO_MASK)["mask"] == ""
    assert area(spoiled(PaintingMischief.EMPTY_MASK)["mask"]) == ([40, 60], 0)
    assert area(spoiled(PaintingMischief.FULL_MASK)["mask"]) == ([40, 60], 2400)
    assert area(spoiled(PaintingMischief.WRONG_SIZE)["mask"]) == ([60, 40], 150)
    assert area(spoiled(PaintingMischief.WRONG_SIZE, (40, 40))["mask"])[0] == [40, 41]
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(spoiled(PaintingMischief.GARBAGE_MASK)["mask"] or "")


def test_prompts_can_be_nothing_nonsense_endless_or_markup() -> None:
    assert not (spoiled(PaintingMischief.NO_PROMPT)["prompt"] or "").strip()
    assert len(spoiled(PaintingMischief.ENDLESS)["prompt"] or "") == ENDLESS_CHARACTERS == 40_000
    markup = spoiled(PaintingMischief.MARKUP)["prompt"] or ""
    for part in ("<script>", "\x00", "\x1b", "\u202e", "\U0001f3a8", "]]>", "{{"):
        assert part in markup
    assert not makes_sense(spoiled(PaintingMischief.NONSENSE)["prompt"] or "")


def test_consent_can_be_missing() -> None:
    assert spoiled(PaintingMischief.NO_CONSENT)["consent"] is None
    assert spoil_ballot(["a"], {"vote_a": "up"}, BallotMischief.NO_CONSENT)["consent"] is None


@pytest.mark.parametrize("kind", list(PaintingMischief))
def test_each_kind_of_bad_painting_changes_one_field_of_an_honest_one(kind: PaintingMischief) -> None:
    bad = spoiled(kind)
    assert [name for name in HONEST if bad[name] != HONEST[name]] == [
        "consent" if kind is PaintingMischief.NO_CONSENT else "mask" if "mask" in kind else "prompt"
    ]


@pytest.mark.parametrize(
    ("kind", "vote", "flag"),
    [
        (BallotMischief.ALL_UP, "up", None),
        (BallotMischief.ALL_DOWN, "down", None),
        (BallotMischief.NO_VOTE, None, None),
        (BallotMischief.FLAGS, "down", "yes"),
    ],
)
def test_ballots_can_be_all_the_same_empty_or_flagged(
    kind: BallotMischief, vote: str | None, flag: str | None
) -> None:
    honest = {"consent": "yes", "vote_a": "up", "vote_b": "skip", "flag_a": None, "flag_b": None}
    assert spoil_ballot(["a", "b"], honest, kind) == {
        "consent": "yes",
        "vote_a": vote,
        "vote_b": vote,
        "flag_a": flag,
        "flag_b": flag,
    }
