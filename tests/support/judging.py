"""Studies on a stage whose answers are good or bad on purpose, for tests of how answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pixelpatchwork.domain.judging import JudgementRules, Policy
from pixelpatchwork.domain.model import Assignment, CheckKind, Hit, RoundId, Settlement
from tests.support.study import RULES, Stage, open_stage

GENERATION, VOTING = RoundId("day-1-generation"), RoundId("day-1-voting")
BOTH = (CheckKind.REPEAT, CheckKind.BROKEN)
PAINTERS, VOTERS = ("Ann", "Bob", "Cem", "Dora"), ("Eve", "Finn", "Gus", "Hana")


@contextmanager
def judged_stages(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """What opens a stage with a policy and attention checks; every stage is closed at the end."""
    stages: list[Stage] = []

    def stage(policy: Policy = Policy.SOFT_REJECT, checks: tuple[CheckKind, ...] = ()) -> Stage:
        rules = replace(RULES, judgement=JudgementRules(policy=policy, attention_checks=checks))
        stages.append(open_stage(tmp_path, rules=rules))
        return stages[-1]

    try:
        yield stage
    finally:
        for one in stages:
            one.services.store.close()  # type: ignore[attr-defined]


def painted(stage: Stage, *bad: str) -> dict[str, Assignment]:
    """A generation round with one answer of each worker; those of `bad` have no prompt. Answers by worker."""
    stage.publish()
    for name in PAINTERS:
        stage.clock.advance(timedelta(seconds=1))
        stage.paint(name, "" if name in bad else f"a moon by {name}")
    stage.collect()
    return by_worker(stage, GENERATION, PAINTERS)


def by_worker(stage: Stage, round_id: RoundId, names: tuple[str, ...]) -> dict[str, Assignment]:
    return dict(zip(names, stage.services.store.assignments(round_id), strict=True))


def hits(stage: Stage) -> tuple[Hit, ...]:
    return stage.services.store.hits(VOTING)


def shown_as(stage: Stage, kind: CheckKind) -> set[str]:
    return {check.shown_as for hit in hits(stage) for check in hit.checks if check.kind is kind}


def voted(stage: Stage, careless: Callable[[str], str]) -> dict[str, Assignment]:
    """A voting round in which Eve votes carelessly and the others like every image but the broken one."""
    painted(stage)
    stage.publish()
    broken = shown_as(stage, CheckKind.BROKEN)
    for name in VOTERS:
        stage.clock.advance(timedelta(seconds=1))
        honest = lambda shown: "down" if shown in broken else "up"  # noqa: E731  # a choice by name
        stage.vote(name, careless if name == "Eve" else honest)
    stage.collect()
    return by_worker(stage, VOTING, VOTERS)


def diary(stage: Stage, kind: str) -> list[tuple[str, str]]:
    return [(event.subject, event.detail) for event in stage.services.store.events() if event.kind == kind]


def pay(stage: Stage, answer: Assignment) -> Settlement | None:
    return stage.services.crowd.settlement(answer.assignment_id)


def everything_up(_shown: str) -> str:
    return "up"
