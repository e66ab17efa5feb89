"""When the request that may be billed is announced, and what its announcement may still prevent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pixelpatchwork.domain.errors import EditOutcomeUnknown, EditRefused, LeaseLost
from tests.support.editors import Sleeper, editor_for, request
from tests.support.images_api import ImagesApi, Reply, error


@pytest.fixture
def api() -> Iterator[ImagesApi]:
    with ImagesApi() as server:
        yield server


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@dataclass(kw_only=True)
class Announcements:
    """Notes at each announcement how far the edit has come, and calls it off at the `last`."""

    api: ImagesApi
    sleeper: Sleeper
    last: int | None = None
    screened: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        self.screened.append(len(self.api.screened))
        self.sent.append(len(self.api.calls))
        self.waited.append(sum(self.sleeper.waits))
        if len(self.sent) == self.last:
            raise LeaseLost("Another collector has this edit.")


def test_a_request_is_announced_after_its_prompt_was_screened(api: ImagesApi, sleeper: Sleeper) -> None:
    announced = Announcements(api=api, sleeper=sleeper)
    api.moderation_replies.append(error(503, None))

    with editor_for(api, sleeper, moderation=True) as editor:
        editor.edit(request(), sending=announced)

    assert (announced.screened, announced.sent, announced.waited) == ([2], [0], [15])


def test_a_request_is_announced_after_the_wait_for_its_place_in_the_rate(
    api: ImagesApi, sleeper: Sleeper
) -> None:
    announced = Announcements(api=api, sleeper=sleeper)

    with editor_for(api, sleeper, images_per_minute=1) as editor:
        editor.edit(request(), sending=announced)
        editor.edit(request(), sending=announced)

    assert (announced.sent, announced.waited) == ([0, 1], [0, 60])


def test_every_repetition_is_announced_anew(api: ImagesApi, sleeper: Sleeper) -> None:
    announced = Announcements(api=api, sleeper=sleeper)
    api.replies.extend([error(503, None), error(429, "slow_down")])

    with editor_for(api, sleeper) as editor:
        editor.edit(request(), sending=announced)

    assert (announced.sent, announced.waited) == ([0, 1, 2], [0, 15, 45])


@pytest.mark.parametrize("last", [1, 2])
def test_what_the_announcement_raises_ends_the_edit_before_anything_is_sent(
    api: ImagesApi, sleeper: Sleeper, last: int
) -> None:
    api.replies.extend([error(500, None)] * 3)

    with editor_for(api, sleeper) as editor, pytest.raises(LeaseLost):
        editor.edit(request(), sending=Announcements(api=api, sleeper=sleeper, last=last))

    assert len(api.calls) == last - 1


def test_a_prompt_that_is_refused_unpainted_is_not_announced(api: ImagesApi, sleeper: Sleeper) -> None:
    announced = Announcements(api=api, sleeper=sleeper)

    with editor_for(api, sleeper, moderation=True) as editor, pytest.raises(EditRefused):
        editor.edit(request("a forbidden door"), sending=announced)

    assert announced.sent == []


def test_a_lost_answer_is_announced_once(api: ImagesApi, sleeper: Sleeper) -> None:
    announced = Announcements(api=api, sleeper=sleeper)
    api.replies.append(Reply(drop_after=200))

    with editor_for(api, sleeper) as editor, pytest.raises(EditOutcomeUnknown):
        editor.edit(request(), sending=announced)

    assert announced.sent == [0]
