"""What a comparison of the records finds on a stage, and its repair."""

from __future__ import annotations

from pixelpatchwork.domain.differences import Difference, Kind
from pixelpatchwork.domain.model import RoundId
from pixelpatchwork.workflow.reconcile import Repaired, compare, repair
from tests.support.study import Stage

GENERATION = RoundId("day-1-generation")


def found(stage: Stage) -> list[Difference]:
    return list(compare(stage.services).differences)


def kinds(stage: Stage) -> list[Kind]:
    return [one.kind for one in found(stage)]


def mend(stage: Stage) -> Repaired:
    return repair(found(stage), stage.services, owner="test")
