"""A ballot with attention checks among an analyst's figures, and on a page of bounded size."""

from __future__ import annotations

from decimal import Decimal

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import MAX_BYTES, HitPages
from pixelpatchwork.domain.attention import with_checks
from pixelpatchwork.domain.model import CheckKind, Hit, HitState, ImageId, RoundId, Token
from pixelpatchwork.domain.ports import ShownImage, VotingPage
from pixelpatchwork.insight.stats import vote_distribution

BOTH = (CheckKind.REPEAT, CheckKind.BROKEN)


def checked(size: int) -> Hit:
    plain = Hit(
        token=Token("token"),
        round_id=RoundId("day-1-voting"),
        index=0,
        annotation="",
        max_assignments=1,
        ballot=tuple(ImageId(f"{number:020x}") for number in range(size)),
        state=HitState.PLANNED,
    )
    (found,) = with_checks([plain], BOTH, seed_image_id=ImageId("5eed" * 5))
    return found


def test_checks_are_no_images_in_the_figures() -> None:
    found = checked(4)
    counted = vote_distribution([], [found]).images
    assert {one.image_id for one in counted} == set(found.images)
    assert len(found.ballot) == len(counted) + 2


def test_the_largest_ballot_with_its_checks_still_fits_a_page() -> None:
    """With prompts, consent and instructions as long as they may be."""
    address = "https://pictures.patchwork.example.org/studies/a-small-study/full/{}.png"
    shown = tuple(
        (ShownImage(image_id=place, url=address.format(place), width=2048, height=1365), "word " * 6_400)
        for place in checked(20).ballot
    )
    page = VotingPage(
        study_name="A study",
        day_number=1,
        reward_usd=Decimal("0.10"),
        seed=shown[0][0],
        ballot=shown,
        consent="c" * 4_000,
        instructions="i" * 4_000,
    )
    question = HitPages(resources.hit_templates()).voting(page)
    assert len(question.encode()) <= MAX_BYTES
    assert question.count("<fieldset") == 22
