"""How far voters agree: hand-computed values, published examples, and what must hold for any votes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pixelpatchwork.domain.model import UserId, Vote
from pixelpatchwork.insight.agreement import (
    VoterAgreement,
    agreement,
    krippendorff_alpha,
    wilson_interval,
)
from tests.support.insight import vote, votes_of

tables = st.dictionaries(
    st.sampled_from(["ann", "bob", "cid", "dee", "eve"]), st.text("uds.", min_size=8, max_size=8), min_size=1
)
quick = settings(max_examples=60, deadline=None)


def voter(votes: list[Vote], name: str) -> VoterAgreement:
    return next(one for one in agreement(votes).voters if one.user_id == name)


# Two observers, two values: section A of Krippendorff's "Computing Krippendorff's Alpha-Reliability" (2011).
SECTION_A = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
# Two observers, five values: section B.
SECTION_B = ("a a b b d c c c e d d a", "b a b b b c c c e d d d")
# Four observers, missing values: section C.
SECTION_C = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


@pytest.mark.parametrize(
    ("observers", "published"), [(SECTION_A, 0.095), (SECTION_B, 0.692), (SECTION_C, 0.743)]
)
def test_alpha_gives_the_published_values(observers: tuple[str, ...], published: float) -> None:
    units = zip(*(row.split() for row in observers), strict=True)
    assert krippendorff_alpha([[v for v in unit if v != "."] for unit in units]) == pytest.approx(
        published, abs=5e-4
    )


def test_alpha_of_a_hand_computed_ballot() -> None:
    # Units ud, uu, dd, so n = 6: two ordered pairs disagree (m - 1 = 1), and
    # 6 * 6 - 3 * 3 - 3 * 3 = 18 could: 1 - 5 * 2 / 18 = 4/9.
    votes = votes_of({"ann": "uud", "bob": "dud"})
    assert agreement(votes).alpha == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    "table", [{}, {"ann": "ud"}, {"ann": "u.", "bob": ".d"}, {"ann": "uu", "bob": "uu"}, {"ann": "ss"}]
)
def test_alpha_is_not_defined_without_pairs_or_without_variation(table: dict[str, str]) -> None:
    assert agreement(votes_of(table)).alpha is None


@given(choices=st.text("ud", min_size=2, max_size=10), voters=st.integers(2, 5))
@quick
def test_alpha_of_perfect_agreement_is_one(choices: str, voters: int) -> None:
    assume(len(set(choices)) == 2)
    result = agreement(votes_of({str(number): choices for number in range(voters)}))
    assert result.alpha == 1
    assert {one.share for one in result.voters} == {1}


@given(table=tables, data=st.data())
@quick
def test_the_order_of_votes_changes_nothing(table: dict[str, str], data: st.DataObject) -> None:
    votes = votes_of(table)
    assert agreement(data.draw(st.permutations(votes))) == agreement(votes)


@given(table=tables)
@quick
def test_turning_every_vote_round_changes_nothing(table: dict[str, str]) -> None:
    turned = {name: choices.translate(str.maketrans("ud", "du")) for name, choices in table.items()}
    one, other = agreement(votes_of(table)), agreement(votes_of(turned))
    assert one.alpha == other.alpha
    assert [voter.share for voter in one.voters] == [voter.share for voter in other.voters]


@given(table=tables)
@quick
def test_own_votes_and_skips_count_nowhere(table: dict[str, str]) -> None:
    votes = votes_of(table)
    noise = [replace(one, user_id=UserId("own"), is_own=True) for one in votes]
    noise += [vote("skipper", one.image_id, "s") for one in votes]
    assert agreement(votes + noise) == agreement(votes)


@given(table=tables)
@quick
def test_every_figure_lies_in_its_range(table: dict[str, str]) -> None:
    result = agreement(votes_of(table))
    assert result.alpha is None or -1 <= result.alpha <= 1
    for one in result.voters:
        assert 0 <= one.sided <= one.compared <= one.votes
        assert one.correlation is None or -1 <= one.correlation <= 1
        if one.share is not None and one.interval is not None:
            assert one.interval[0] <= one.share <= one.interval[1]


def test_a_voter_is_compared_with_the_others_and_not_with_himself() -> None:
    # Image 0: the others are 1 up, 1 down, so Ann's own vote must not make a majority. Image 1: with them.
    # Image 2: against them. Image 3: nobody else.
    votes = votes_of({"ann": "uuuu", "bob": "uud.", "cid": "dud."})
    assert voter(votes, "ann") == VoterAgreement(
        user_id=UserId("ann"), votes=4, compared=2, sided=1, correlation=None
    )


def test_the_correlation_is_pearsons_over_the_mean_of_the_others() -> None:
    # Ann: 1, 1, -1, -1. The others' means: 1, 0, -1, 0. Covariance 2/4, deviations 1 and sqrt(1/2).
    votes = votes_of({"ann": "uudd", "bob": "uudd", "cid": "uddu"})
    assert voter(votes, "ann").correlation == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("others", ["ud", "uuu"])
def test_there_is_no_correlation_with_too_few_images_or_without_variation(others: str) -> None:
    assert voter(votes_of({"ann": "udu", "bob": others}), "ann").correlation is None


def test_one_voter_alone_has_nothing_to_compare() -> None:
    (alone,) = agreement(votes_of({"ann": "udud"})).voters
    assert (alone.votes, alone.compared, alone.share, alone.interval) == (4, 0, None, None)


def test_an_image_meets_each_rounds_voters_separately() -> None:
    votes = [vote("ann", "fox", "u", round_id="v1"), vote("bob", "fox", "d", round_id="v2")]
    result = agreement(votes)
    assert result.pairable == 0
    assert [one.compared for one in result.voters] == [0, 0]


def test_wilsons_interval_of_half_and_of_all() -> None:
    # 5 of 10: centre 1/2, half width z sqrt(1/40 + z^2/400) / (1 + z^2/10) = 0.2634.
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    # 10 of 10: 1 / (1 + z^2/10) to 1.
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
