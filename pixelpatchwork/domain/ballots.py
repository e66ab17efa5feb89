"""Which images stand on which ballot, so that each image is seen as often as any other.

The ballots are a cyclic design: the candidates are put in a seeded random order, and the ballots are laid
one after the other around that circle. No two images differ by more than one in the number of ballots that they stand
on; with one voter a ballot (the default of `voting.assignments_per_hit`) that holds for the number of voters, too. The
order within each ballot is shuffled, so that no image owns the first place.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pixelpatchwork.domain.model import ImageId


def draw_ballots(
    candidates: Sequence[ImageId], *, count: int, size: int, random: Random
) -> tuple[tuple[ImageId, ...], ...]:
    """`count` ballots of `size` different images each (of all of them where there are fewer candidates)."""
    circle = list(candidates)
    random.shuffle(circle)
    size = min(size, len(circle))
    return tuple(_ballot(circle, start=index * size, size=size, random=random) for index in range(count))


def _ballot(circle: list[ImageId], *, start: int, size: int, random: Random) -> tuple[ImageId, ...]:
    shown = [circle[(start + step) % len(circle)] for step in range(size)]
    random.shuffle(shown)
    return tuple(shown)
