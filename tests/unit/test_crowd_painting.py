"""Masks that simulated workers paint, their run-length text, and the prompts that go with them."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from pixelpatchwork.crowd.painting import Bounds, Shape, choose_spot, paint_mask
from pixelpatchwork.crowd.phrases import draw_idea, hue_distance
from pixelpatchwork.crowd.runlength import mask_text
from pixelpatchwork.crowd.workers import Persona, Place, Taste

SIZES = ((600, 400), (300, 451), (1024, 1024), (40, 400))


def persona(*, skill: float = 1.0, place: Place = Place.ANYWHERE, boldness: float = 0.5) -> Persona:
    return Persona(
        name="Ada",
        skill=skill,
        taste=Taste(hue=200, place=place, boldness=boldness),
        carelessness=0.2,
        language="en-GB",
    )


def landscape() -> npt.NDArray[np.float32]:
    """A calm sky over a calm ground, and something busy right of the middle."""
    colours = np.zeros((120, 180, 3), dtype=np.float32)
    colours[:60] = (0.5, 0.6, 0.8)
    colours[60:] = (0.4, 0.5, 0.3)
    colours[50:80, 110:150] = np.random.default_rng(1).random((30, 40, 3), dtype=np.float32)
    return colours


def assert_written_as_coco_does(bits: npt.NDArray[np.bool_]) -> None:
    expected = coco.encode(np.asfortranarray(bits.astype(np.uint8)))
    written = json.loads(mask_text(bits))
    assert written == {"size": list(bits.shape), "counts": expected["counts"].decode()}


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
@settings(max_examples=150)
def test_run_length_text_is_what_cocos_own_tools_write(bits: npt.NDArray[np.bool_]) -> None:
    assert_written_as_coco_does(bits)


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize("size", SIZES)
def test_masks_of_every_shape_are_painted_on_seeds_of_every_size(shape: Shape, size: tuple[int, int]) -> None:
    bits = paint_mask(size, (0.4, 0.6), shape, persona(), Random(1), Bounds())
    assert bits.shape == (size[1], size[0])
    assert 0 < bits.mean() < 0.5
    assert_written_as_coco_does(bits)


def test_skilled_workers_paint_a_few_hundredths_of_the_picture() -> None:
    random = Random(2)
    shares = []
    for boldness in np.linspace(0, 1, 60):
        one = persona(boldness=float(boldness))
        spot = choose_spot(landscape(), one, random)
        shape = draw_idea(spot, one, random).shape
        shares.append(paint_mask((600, 400), spot, shape, one, random, Bounds(least=0.005, most=0.5)).mean())
    assert sum(0.02 <= share <= 0.13 for share in shares) >= 57
    assert max(shares) > 3 * min(shares)


def test_clumsy_workers_paint_less() -> None:
    def usual(skill: float) -> float:
        one = persona(skill=skill)
        random = Random(3)
        return float(
            np.mean(
                [
                    paint_mask((300, 200), (0.5, 0.5), Shape.BLOB, one, random, Bounds()).mean()
                    for _ in range(40)
                ]
            )
        )

    assert usual(0.1) < 0.75 * usual(0.9)


@pytest.mark.parametrize("bounds", [Bounds(least=0.2, most=0.6), Bounds(least=0.001, most=0.01)])
def test_a_skilled_worker_keeps_within_what_the_page_allows(bounds: Bounds) -> None:
    random = Random(4)
    for shape in Shape:
        share = paint_mask((600, 400), (0.5, 0.5), shape, persona(), random, bounds).mean()
        assert bounds.least <= share <= bounds.most


def test_a_mask_is_strokes_of_a_brush_and_not_scattered_dust() -> None:
    for shape in Shape:
        bits = paint_mask((600, 400), (0.5, 0.5), shape, persona(), Random(5), Bounds())
        edges = np.count_nonzero(bits[1:] != bits[:-1]) + np.count_nonzero(bits[:, 1:] != bits[:, :-1])
        # A disc of the same area has an edge of about 3.5 times the root of the area.
        assert edges < 14 * np.sqrt(np.count_nonzero(bits))
        assert len(mask_text(bits)) < 8_000


def test_taste_decides_where_somebody_paints_and_chance_has_its_share() -> None:
    def spots(place: Place) -> npt.NDArray[np.float64]:
        random = Random(6)
        return np.array([choose_spot(landscape(), persona(place=place), random) for _ in range(120)])

    sky, ground, subject = spots(Place.SKY), spots(Place.GROUND), spots(Place.SUBJECT)
    assert sky[:, 1].mean() < 0.42
    assert ground[:, 1].mean() > 0.58
    near_subject = (np.abs(subject - (130 / 180, 65 / 120)) < 0.2).all(axis=1).mean()
    assert near_subject > 0.33  # of an even spread it would be a fifth
    for found in (sky, ground, subject):
        assert found.min() >= 0.08
        assert found.max() <= 0.92
        assert found.std(axis=0).min() > 0.1


def test_a_picture_of_one_colour_or_a_few_pixels_still_has_a_spot() -> None:
    for shape in ((1, 1, 3), (5, 200, 3), (90, 90, 3)):
        for place in Place:
            x, y = choose_spot(np.full(shape, 0.5, dtype=np.float32), persona(place=place), Random(7))
            assert 0 < x < 1
            assert 0 < y < 1


def test_prompts_are_varied_and_the_skilled_say_more() -> None:
    def prompts(skill: float) -> list[str]:
        random = Random(8)
        return [draw_idea((0.5, random.random()), persona(skill=skill), random).prompt for _ in range(200)]

    skilled, unskilled = prompts(0.9), prompts(0.1)
    assert len(set(skilled)) > 180
    assert np.mean([len(prompt) for prompt in skilled]) > 2 * np.mean([len(prompt) for prompt in unskilled])
    assert max(len(prompt) for prompt in skilled) < 200


def test_prompts_suit_their_place_and_the_workers_hue() -> None:
    random = Random(9)
    high = [draw_idea((0.5, 0.1), persona(), random).prompt for _ in range(200)]
    low = [draw_idea((0.5, 0.9), persona(), random).prompt for _ in range(200)]
    assert any("moon" in prompt for prompt in high)
    assert not any("poppies" in prompt for prompt in high)
    assert not any("balloons" in prompt for prompt in low)
    blues = ("azure", "cobalt", "turquoise", "teal", "indigo")
    assert sum(any(blue in prompt for blue in blues) for prompt in high + low) > 200


def test_the_distance_of_hues_goes_round_the_wheel() -> None:
    assert hue_distance(350, 10) == hue_distance(10, 350) == 20
    assert hue_distance(0, 180) == 180
    assert hue_distance(730, 10) == 0
