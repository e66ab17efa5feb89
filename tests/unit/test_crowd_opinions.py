"""What simulated workers think of pictures, and how they see them."""

from __future__ import annotations

from io import BytesIO
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pixelpatchwork.crowd.browser import CrowdTrouble
from pixelpatchwork.crowd.opinions import (
    Choice,
    Impression,
    appeal,
    colourfulness,
    judge,
    look_at,
    makes_sense,
)
from pixelpatchwork.crowd.pictures import Album, glance
from pixelpatchwork.crowd.workers import Persona, Place, Taste

Pixels = npt.NDArray[np.float32]


def persona(*, hue: float = 0, carelessness: float = 0.0) -> Persona:
    return Persona(
        name="Ada",
        skill=0.8,
        taste=Taste(hue=hue, place=Place.ANYWHERE, boldness=0.5),
        carelessness=carelessness,
        language="en",
    )


def seed() -> Pixels:
    return np.full((60, 90, 3), 0.5, dtype=np.float32)


def patched(*colour: float, share: float = 0.1) -> Pixels:
    """The seed with stripes of a colour and its opposite over some of its rows."""
    picture = seed()
    rows = round(60 * share)
    picture[:rows] = colour
    picture[:rows, ::4] = 1 - np.array(colour)
    return picture


def votes(
    pictures: list[Pixels], who: Persona, *, prompts: list[str] | None = None, draw: int = 1
) -> list[Choice]:
    impressions = [look_at(picture, seed()) for picture in pictures]
    words = prompts or ["a boat"] * len(pictures)
    return [opinion.choice for opinion in judge(impressions, words, who, Random(draw))]


def png(pixels: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_colourfulness_is_nothing_for_grey_and_more_for_more_colours() -> None:
    """Also the formula by hand: red and blue in equal parts, rg = (1, 0), yb = (0.5, -1)."""
    grey = np.linspace(0, 1, 300, dtype=np.float32).repeat(3).reshape(-1, 3)
    red_and_blue = np.array([[1, 0, 0], [0, 0, 1]] * 50, dtype=np.float32)
    assert colourfulness(grey) == pytest.approx(0, abs=1e-6)
    assert colourfulness(red_and_blue) == pytest.approx(
        (0.5**2 + 0.75**2) ** 0.5 + 0.3 * (0.5**2 + 0.25**2) ** 0.5
    )


def test_a_changed_and_colourful_picture_is_preferred_to_an_unchanged_one() -> None:
    for hue in range(0, 360, 30):
        assert votes([patched(0.9, 0.2, 0.1), seed()], persona(hue=hue)) == [Choice.UP, Choice.DOWN]


def test_colour_is_preferred_to_grey_where_as_much_was_changed() -> None:
    colourful, grey = patched(0.9, 0.6, 0.1), patched(0.4, 0.4, 0.4)
    liking = [appeal(look_at(picture, seed()), "a boat", persona(hue=90)) for picture in (colourful, grey)]
    assert liking[0] > liking[1] + 0.2


def test_tastes_differ_in_hue() -> None:
    warm, cool = seed(), seed()
    warm[:8], cool[:8] = (0.9, 0.2, 0.1), (0.1, 0.3, 0.9)
    assert votes([warm, cool], persona(hue=10)) == [Choice.UP, Choice.DOWN]
    assert votes([warm, cool], persona(hue=230)) == [Choice.DOWN, Choice.UP]


def test_pictures_that_look_alike_are_skipped() -> None:
    assert votes([patched(0.9, 0.2, 0.1)] * 3, persona()) == [Choice.SKIP] * 3


def test_a_prompt_without_sense_costs_votes() -> None:
    pictures = [patched(0.9, 0.2, 0.1)] * 3
    assert votes(pictures, persona(), prompts=["a boat", "<b>x</b>", "a boat"])[1] is Choice.DOWN


@pytest.mark.parametrize("prompt", ["a boat", "more blue", "a cat??", "ein Boot am See", "一艘船", "лодка"])
def test_words_make_sense(prompt: str) -> None:
    assert makes_sense(prompt)


@pytest.mark.parametrize("prompt", ["", "   ", "12 34", "qwx zkjv bfgh", "<b>boat</b>", "good " * 8000])
def test_other_things_do_not(prompt: str) -> None:
    assert not makes_sense(prompt)


def test_the_careless_agree_less_with_themselves_than_the_careful() -> None:
    pictures = [patched(0.9, 0.2, 0.1, share=0.05 * n) for n in range(1, 7)]

    def different(carelessness: float) -> int:
        who = persona(carelessness=carelessness)
        return len({tuple(votes(pictures, who, draw=draw)) for draw in range(20)})

    assert different(1.0) > different(0.0)


def test_flags_are_rare_and_only_for_what_is_disliked() -> None:
    impressions = [look_at(patched(0.9, 0.2, 0.1), seed()), look_at(seed(), seed())]
    random = Random(1)
    opinions = [judge(impressions, ["a boat", ""], persona(), random) for _ in range(2_000)]
    assert not any(liked.is_flagged for liked, _ in opinions)
    assert 1 <= sum(disliked.is_flagged for _, disliked in opinions) <= 30


def test_one_picture_alone_is_judged_by_itself() -> None:
    assert votes([patched(0.9, 0.2, 0.1)], persona()) == [Choice.UP]
    assert votes([seed()], persona()) == [Choice.DOWN]


def test_an_unchanged_picture_leaves_no_impression() -> None:
    nothing = Impression(change=0, colourfulness=0, contrast=0, hue_x=0, hue_y=0)
    assert look_at(seed(), seed()) == nothing


def test_a_picture_of_another_shape_is_new_all_over() -> None:
    assert look_at(patched(0.9, 0.2, 0.1)[:50], seed()).change == 1


def test_a_glance_is_small_keeps_the_proportions_and_knows_the_file() -> None:
    data = png(np.zeros((400, 600, 3), dtype=np.float32))
    seen = glance(data)
    assert seen.colours.shape == (128, 192, 3)
    assert seen.colours.dtype == np.float32
    assert seen.digest == glance(data).digest
    assert glance(png(np.zeros((3, 900, 3), dtype=np.float32))).colours.shape == (1, 192, 3)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html>", png(seed())[:60]])
def test_what_is_no_picture_is_said_plainly(data: bytes) -> None:
    with pytest.raises(CrowdTrouble, match="cannot be read"):
        glance(data)


def test_an_album_fetches_once_and_forgets_what_was_not_seen_for_long() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return png(seed())

    album = Album(capacity=2)
    for url in ("a", "b", "a", "c", "a", "b"):
        album.look(url, fetch)
    assert fetched == ["a", "b", "c", "b"]


@pytest.mark.parametrize("carelessness", [0.0, 0.5, 1.0])
def test_a_picture_that_is_mostly_gone_is_voted_down_and_does_not_change_the_measure(
    carelessness: float,
) -> None:
    colours = np.random.default_rng(1).random((60, 90, 3), dtype=np.float32)
    broken = colours.copy()
    broken[20:] = 128 / 255
    who = persona(carelessness=carelessness)
    impressions = [look_at(patched(0.9, 0.2, 0.1), seed()), look_at(broken, colours), look_at(seed(), seed())]
    assert [one.is_broken for one in impressions] == [False, True, False]
    with_it = judge(impressions, ["a boat"] * 3, persona(), Random(1))
    assert [one.choice for one in with_it] == [Choice.UP, Choice.DOWN, Choice.DOWN]
    assert judge([impressions[1]] * 2, ["a boat"] * 2, who, Random(2))[0].choice is Choice.DOWN


def test_a_grey_patch_is_no_broken_picture() -> None:
    colours = np.random.default_rng(1).random((60, 90, 3), dtype=np.float32)
    grey = colours.copy()
    grey[20:35, 20:60] = 0.5
    assert not look_at(grey, colours).is_broken
