"""Every operation of the service model, over a real socket, through boto3's real parser: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pixelpatchwork.marketplace.operations import offered
from pixelpatchwork.marketplace.shapes import service_model
from tests.support import marketplace_examples, marketplace_people_examples
from tests.support.marketplace import Bench, bench
from tests.support.marketplace_story import EXAMPLES, Story
from tests.support.stores import DATABASES, fresh_database, mysql_server_url

__all__ = ["marketplace_examples", "marketplace_people_examples"]


@pytest.fixture(scope="module", params=DATABASES)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        url = (
            "sqlite://"
            if request.param == "sqlite"
            else stack.enter_context(fresh_database(mysql_server_url()))
        )
        yield stack.enter_context(bench("served", database_url=url))


def test_every_operation_of_the_model_is_offered_and_has_an_example() -> None:
    names = set(service_model().operation_names)

    assert set(EXAMPLES) == names
    assert len(names) == 39
    assert all(callable(offered(name).act) for name in names)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_operation_over_a_real_socket(name: str, market: Bench) -> None:
    called: list[str] = []
    market.client.meta.events.register(f"after-call.mturk.{name}", lambda **_event: called.append(name))

    EXAMPLES[name](Story(market))

    assert called, f"The example of {name} never calls it."
