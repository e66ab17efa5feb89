"""The study that is killed: three Days of commands, and what workers do between them.

The one place that lists the commands: what is added here is killed at every point by the suite and by
`scripts/kill_points`, and appears in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.kill_world import World
from tests.support.study import answer_hit, box_mask

Between = Callable[[World], None]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, and what happens in the world before it is run. `title` is its line in the table."""

    title: str
    command: tuple[str, ...]
    before: Between = lambda _world: None


def _painters(day: int, *prompts: str) -> Between:
    """Each prompt is a worker's answer. One without words comes with no mask that could be used."""

    def work(world: World) -> None:
        for number, prompt in enumerate(prompts):
            mask = box_mask((10 + number, 12, 40 + 5 * number, 30 + day)) if prompt else "no mask"
            answer = {"mask": mask, "prompt": prompt or "nothing", "consent": "yes", "seconds": "30"}
            answer_hit(world.app, f"Painter {number}", answer)
            world.clock.advance(minutes=1)

    return work


def _voters(count: int, favourite: str) -> Between:
    """All are for the picture of one prompt and against the rest, so that nothing is left to a tie."""

    def work(world: World) -> None:
        liked = {row["image_id"] for row in world.rows()["Image"] if row["prompt_text"] == favourite}
        for number in range(count):
            answer_hit(
                world.app,
                f"Voter {number}",
                {"consent": "yes"},
                lambda image_id: "up" if image_id in liked else "down",
            )
            world.clock.advance(minutes=1)

    return work


def _overnight(world: World) -> None:
    world.clock.advance(hours=16)


PUBLISH = ("publish-round",)
COLLECT = ("collect", "--yes-spend", "10")
CLOSE = (*COLLECT, "--close")
ADVANCE = ("advance-day",)
BONUS = ("bonus",)
CANCEL = ("cancel-round", "--yes")

STORY = (
    Step(title="init", command=("init",)),
    Step(title="Day 1: publish, generation", command=PUBLISH),
    Step(title="Day 1: collect, generation", command=COLLECT, before=_painters(1, "a moon", "a star", "")),
    Step(title="Day 1: publish, voting", command=PUBLISH),
    Step(title="Day 1: collect, voting", command=COLLECT, before=_voters(2, "a star")),
    Step(title="Day 1: advance", command=ADVANCE, before=_overnight),
    Step(title="Day 1: bonus", command=BONUS),
    Step(title="Day 2: publish, generation", command=PUBLISH),
    Step(title="Day 2: collect, some", command=COLLECT, before=_painters(2, "a boat")),
    Step(title="Day 2: collect, the rest", command=CLOSE, before=_painters(3, "a cat")),
    Step(title="Day 2: publish, voting", command=PUBLISH),
    Step(title="Day 2: collect, voting", command=CLOSE, before=_voters(1, "a cat")),
    Step(title="Day 2: advance", command=ADVANCE, before=_overnight),
    Step(title="Day 2: bonus", command=BONUS),
    Step(title="Day 3: publish, generation", command=PUBLISH),
    Step(title="Day 3: cancel, generation", command=CANCEL, before=_painters(4, "a cup")),
    Step(title="Day 3: publish again", command=PUBLISH),
    Step(title="Day 3: collect, generation", command=CLOSE, before=_painters(3, "a tree", "")),
    Step(title="Day 3: publish, voting", command=PUBLISH),
    Step(title="Day 3: collect, voting", command=COLLECT, before=_voters(2, "a cat")),
    Step(title="Day 3: advance", command=ADVANCE, before=_overnight),
    Step(title="Day 3: bonus", command=BONUS),
)
