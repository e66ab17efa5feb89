"""The editor without a model: it paints inside the hole, what the prompt says, and the same again next time."""

from __future__ import annotations

import time
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelpatchwork.adapters.offline_editor import OfflineEditor
from pixelpatchwork.adapters.offline_editor.fill import Room, surroundings
from pixelpatchwork.adapters.offline_editor.motifs import MOTIFS
from pixelpatchwork.adapters.offline_editor.words import read_prompt
from pixelpatchwork.domain.errors import EditRejected
from pixelpatchwork.domain.mask import Mask, Size
from pixelpatchwork.domain.model import EditKey
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import plan_frame, provider_image, provider_mask
from pixelpatchwork.domain.pictures import png_bytes, read_png
from pixelpatchwork.domain.ports import Editor, EditRequest
from tests.support.editors import allow

Pixels = npt.NDArray[np.int16]


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture).astype(np.int16)


def grey_seed(size: Size = (160, 120)) -> Image.Image:
    return Image.new("RGB", size, (120, 120, 120))


def disc_mask(size: Size = (160, 120)) -> Mask:
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return Mask(pixels=(columns - size[0] / 2) ** 2 + (rows - size[1] / 2) ** 2 < (0.42 * min(size)) ** 2)


def request_for(prompt: str, *, seed: Image.Image, mask: Mask, key: str = "a" * 64) -> EditRequest:
    frame = plan_frame(seed.size, mask.box, OfflineEditor().limits)
    return EditRequest(
        image_png=png_bytes(provider_image(seed, frame)),
        mask_png=png_bytes(provider_mask(mask, frame)),
        width=frame.canvas[0],
        height=frame.canvas[1],
        prompt=prompt,
        edit_key=EditKey(key),
        safety_identifier="b" * 64,
    )


def painted(prompt: str, *, key: str = "a" * 64) -> Pixels:
    """The inside of the disc, as pixels of shape (n, 3)."""
    seed, mask = grey_seed(), disc_mask()
    request = request_for(prompt, seed=seed, mask=mask, key=key)
    hole = np.asarray(Image.open(BytesIO(request.mask_png)).getchannel("A")) == 0
    inside: Pixels = pixels(read_png(OfflineEditor().edit(request, sending=allow).image))[hole]
    return inside


def test_it_is_an_editor_that_costs_nothing() -> None:
    editor: Editor = OfflineEditor()
    assert (editor.name, editor.worst_case_usd) == ("offline", Usd(0))
    result = editor.edit(request_for("a tree", seed=grey_seed(), mask=disc_mask()), sending=allow)
    assert (result.cost_usd, result.usage, result.request_id) == (Usd(0), None, None)


def test_what_is_not_masked_comes_back_as_it_went() -> None:
    rng = np.random.default_rng(3)
    seed = Image.fromarray(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    request = request_for("golden stars", seed=seed, mask=disc_mask())
    kept = np.asarray(Image.open(BytesIO(request.mask_png)).getchannel("A")) == 255
    before, after = read_png(request.image_png), read_png(OfflineEditor().edit(request, sending=allow).image)
    assert np.array_equal(pixels(before)[kept], pixels(after)[kept])
    assert (pixels(before) != pixels(after)).any(axis=2)[~kept].mean() > 0.9


def test_the_same_request_gives_the_same_picture() -> None:
    assert np.array_equal(painted("a moon over the sea"), painted("a moon over the sea"))


def test_another_prompt_or_another_edit_gives_another_picture() -> None:
    first = painted("a moon over the sea")
    for other in (painted("a cat in a garden"), painted("a moon over the sea", key="c" * 64)):
        assert (np.abs(first - other).max(axis=1) > 8).mean() > 0.5


@pytest.mark.parametrize(
    ("prompt", "channel"),
    [
        ("red", 0), ("make it all scarlet", 0), ("alles rot", 0), ("en rojo", 0), ("rouge", 0),
        ("green", 1), ("grün", 1), ("verde", 1),
        ("blue", 2), ("midnight blue", 2), ("azul", 2),
    ],
)  # fmt: skip
def test_a_colour_word_colours_the_patch(prompt: str, channel: int) -> None:
    means = painted(prompt).mean(axis=0)
    assert means.argmax() == channel
    assert means[channel] - np.delete(means, channel).max() > 12


def test_the_mask_is_read_by_its_alpha_alone() -> None:
    request = request_for("blue", seed=grey_seed(), mask=disc_mask())
    with Image.open(BytesIO(request.mask_png)) as mask:
        alpha = mask.getchannel("A")
    misleading = Image.merge(
        "RGBA", (*Image.effect_noise((request.width, request.height), 90).convert("RGB").split(), alpha)
    )
    other = EditRequest(**{**vars(request), "mask_png": png_bytes(misleading)})
    assert (
        OfflineEditor().edit(other, sending=allow).image == OfflineEditor().edit(request, sending=allow).image
    )


@pytest.mark.parametrize("motif", MOTIFS)
@pytest.mark.parametrize("size", [(90, 60), (3, 200), (200, 1), (1, 1)])
def test_every_motif_fits_into_every_hole(motif: str, size: Size) -> None:
    mask = Mask(pixels=np.ones((size[1], size[0]), bool))
    words = {"stars": "star", "bubbles": "bubble", "flames": "flame"}
    request = request_for(words.get(motif, motif), seed=grey_seed(size), mask=mask)
    assert read_png(OfflineEditor().edit(request, sending=allow).image).size == size


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32))
def test_any_prompt_is_painted_into_any_mask(prompt: str, width: int, height: int, random_seed: int) -> None:
    bits = np.random.default_rng(random_seed).random((height, width)) < 0.2
    bits[height // 2, width // 2] = True
    request = request_for(prompt, seed=grey_seed((width, height)), mask=Mask(pixels=bits))
    assert read_png(OfflineEditor().edit(request, sending=allow).image).size == (
        request.width,
        request.height,
    )


def test_a_prompt_of_any_length_takes_no_longer() -> None:
    request = request_for("red moon " * 500_000, seed=grey_seed(), mask=disc_mask())
    begun = time.perf_counter()
    OfflineEditor().edit(request, sending=allow)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("change", [{"image_png": b"no picture"}, {"mask_png": b"no picture"}, {"width": 7}])
def test_a_request_that_does_not_hold_together_is_rejected(change: dict[str, object]) -> None:
    request = request_for("red", seed=grey_seed(), mask=disc_mask())
    with pytest.raises(EditRejected):
        OfflineEditor().edit(EditRequest(**{**vars(request), **change}), sending=allow)


def test_a_mask_without_alpha_is_rejected() -> None:
    request = request_for("red", seed=grey_seed(), mask=disc_mask())
    opaque = png_bytes(Image.new("RGB", (request.width, request.height)))
    with pytest.raises(EditRejected):
        OfflineEditor().edit(EditRequest(**{**vars(request), "mask_png": opaque}), sending=allow)


def motifs_of(prompt: str) -> list[str]:
    return [thing.motif for thing in read_prompt(prompt).things]


def test_nouns_are_found_in_singular_plural_and_other_languages() -> None:
    assert motifs_of("a star, a FISH and two butterflies") == ["stars", "fish", "butterflies"]
    assert motifs_of("ein Herz, une étoile, muchos árboles") == ["hearts", "stars", "trees"]
    assert motifs_of("qwertz uiop") == []


def test_at_most_three_things_are_painted() -> None:
    assert len(motifs_of("stars moon sun clouds cats fish flowers")) == 3


def test_a_colour_before_a_thing_is_the_things_own() -> None:
    idea = read_prompt("a red moon")
    red = read_prompt("red").ground
    assert idea.things[0].colours == red
    assert idea.ground == read_prompt("night").ground


def test_of_the_colours_after_a_thing_the_first_is_its_own_and_the_rest_the_ground() -> None:
    idea = read_prompt("flowers in teal and gold, painted in watercolour")
    assert idea.things[0].colours == read_prompt("teal").ground
    assert idea.ground == read_prompt("gold").ground


def test_a_colour_of_two_words_is_one_colour() -> None:
    assert len(read_prompt("midnight blue and emerald green").ground) == 2


def test_a_scene_makes_the_ground() -> None:
    assert read_prompt("at sunset").ground != read_prompt("at night").ground


def test_a_hole_is_filled_from_what_surrounds_it() -> None:
    half = np.zeros((100, 100, 3), np.uint8)
    half[:, :50] = (200, 0, 0)
    half[:, 50:] = (0, 0, 200)
    half[30:70, 30:70] = (0, 255, 0)
    hole = np.zeros((100, 100), np.uint8)
    hole[30:70, 30:70] = 255
    filled = surroundings(Image.fromarray(half), Image.fromarray(hole))
    assert filled[..., 1].max() < 0.02
    assert filled[50, 33, 0] > filled[50, 33, 2]
    assert filled[50, 66, 2] > filled[50, 66, 0]


def test_spots_lie_in_the_hole_and_do_not_overlap() -> None:
    hole = disc_mask((300, 200)).pixels
    spots, left = Room.inside(hole).spots(12, np.random.default_rng(1), largest=15)
    assert len(spots) == 12
    assert all(hole[int(spot.y), int(spot.x)] for spot in spots)
    for index, one in enumerate(spots):
        for other in spots[:index]:
            assert np.hypot(one.x - other.x, one.y - other.y) >= 0.99 * (one.radius + other.radius)
    assert all(left.depth[int(spot.y / left.cell), int(spot.x / left.cell)] <= 0 for spot in spots)
