"""One rule says where a Day stands: publishing, advancing, the status and a study on its own never disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pixelpatchwork.domain.errors import NothingToDo
from pixelpatchwork.domain.model import ImageState, RoundKind
from pixelpatchwork.domain.steps import Step
from pixelpatchwork.insight.status import study_status
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.cancel import plan_cancel
from pixelpatchwork.workflow.people import ban
from pixelpatchwork.workflow.publish import plan_round
from pixelpatchwork.workflow.run import place_of
from tests.support.study import RULES, Stage, open_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    one = replace(RULES.generation, assignments=1, assignments_per_hit=1)
    stage = open_stage(tmp_path, rules=replace(RULES, generation=one))
    stage.publish()
    stage.paint("Ann", "a boat")
    stage.collect()
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def ban_the_maker(stage: Stage) -> None:
    (user,) = stage.services.store.users()
    ban(stage.services, user.user_id, is_banned=True)


def hide_the_picture(stage: Stage) -> None:
    (image,) = stage.services.store.images(day_number=1)
    stage.services.store.review_image(image.image_id, ImageState.HIDDEN, at=stage.clock.now())


def test_a_picture_that_may_be_voted_on_is_voted_on(stage: Stage) -> None:
    assert place_of(stage.services).step is Step.PUBLISH_VOTING
    assert plan_round(stage.services).hits


@pytest.mark.parametrize("withdraw", [ban_the_maker, hide_the_picture])
def test_a_round_on_the_market_is_collected_though_all_of_its_pictures_are_hidden(
    stage: Stage, withdraw: Callable[[Stage], None]
) -> None:
    stage.publish()
    withdraw(stage)
    assert place_of(stage.services).step is Step.COLLECT_VOTING
    with pytest.raises(NothingToDo, match="ppw collect"):
        advance_day(stage.services)
    assert plan_cancel(stage.services).round.kind is RoundKind.VOTING
    stage.clock.advance(timedelta(hours=25))
    stage.collect()
    assert advance_day(stage.services).next_day.number == 2


@pytest.mark.parametrize("withdraw", [ban_the_maker, hide_the_picture])
def test_where_no_picture_may_be_voted_on_all_say_that_the_day_is_to_end(
    stage: Stage, withdraw: Callable[[Stage], None]
) -> None:
    withdraw(stage)
    assert place_of(stage.services).step is Step.ADVANCE
    status = study_status(stage.services.store)
    assert status is not None
    assert status.next_command == "ppw advance-day"
    with pytest.raises(NothingToDo, match="ppw advance-day"):
        plan_round(stage.services)
    assert advance_day(stage.services).next_day.number == 2
