"""What a study's current Day waits for: the one rule behind `status`, `publish-round` and `advance-day`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pixelpatchwork.domain.model import Round, RoundKind, RoundState


class Step(StrEnum):
    """The next thing to do on a Day; `command` says with which command."""

    PUBLISH_GENERATION = "publish the generation round"
    COLLECT_GENERATION = "collect the generation round"
    PUBLISH_VOTING = "publish the voting round"
    COLLECT_VOTING = "collect the voting round"
    ADVANCE = "name the winner and open the next Day"

    @property
    def command(self) -> str:
        """The command that takes this step."""
        return _COMMANDS[self]

    @property
    def kind(self) -> RoundKind | None:
        """The round that this step is about."""
        if self is Step.ADVANCE:
            return None
        is_voting = self in {Step.PUBLISH_VOTING, Step.COLLECT_VOTING}
        return RoundKind.VOTING if is_voting else RoundKind.GENERATION


_COMMANDS = {
    Step.PUBLISH_GENERATION: "ppw publish-round",
    Step.COLLECT_GENERATION: "ppw collect",
    Step.PUBLISH_VOTING: "ppw publish-round",
    Step.COLLECT_VOTING: "ppw collect",
    Step.ADVANCE: "ppw advance-day",
}


def next_step(rounds: Iterable[Round], *, has_new_images: bool) -> Step:
    """The step that is due on a Day with these rounds.

    A Day on which nobody painted anything usable has nothing to vote on, and its seed stays. A voting round that is
    begun comes to its end even so: workers are at it. A cancelled round is none.
    """
    by_kind = {one.kind: one.state for one in rounds if not one.is_cancelled}
    generation = _step(by_kind.get(RoundKind.GENERATION), Step.PUBLISH_GENERATION, Step.COLLECT_GENERATION)
    if generation is not None:
        return generation
    voting = by_kind.get(RoundKind.VOTING)
    if voting is None and not has_new_images:
        return Step.ADVANCE
    return _step(voting, Step.PUBLISH_VOTING, Step.COLLECT_VOTING) or Step.ADVANCE


def _step(state: RoundState | None, publish: Step, collect: Step) -> Step | None:
    if state is None or state is RoundState.PLANNED:
        return publish
    return collect if state is RoundState.OPEN else None
