"""Lists: every row once, however the pages are cut and whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import TRANSPORTS, Bench, bench


@pytest.fixture(params=TRANSPORTS)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as found:
        yield found


def test_the_paginator_sees_every_hit_once_newest_first(market: Bench) -> None:
    made = [market.hit(RequesterAnnotation=str(number)) for number in range(7)]

    pages = list(market.client.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 3}))

    assert [hit["HITId"] for page in pages for hit in page["HITs"]] == made[::-1]
    assert [page["NumResults"] for page in pages] == [3, 3, 1]
    assert "NextToken" not in pages[-1]


def test_a_list_without_a_size_gives_ten(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=12)
    market.submitted(hit_id, 12)

    first = market.client.list_assignments_for_hit(HITId=hit_id)

    assert first["NumResults"] == 10
    assert "NextToken" in first


def test_approving_what_a_page_listed_loses_none_of_the_next(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=5)
    submitted = market.submitted(hit_id, 5)
    seen = []

    paginator = market.client.get_paginator("list_assignments_for_hit")
    for page in paginator.paginate(
        HITId=hit_id, AssignmentStatuses=["Submitted"], PaginationConfig={"PageSize": 2}
    ):
        for assignment in page["Assignments"]:
            seen.append(assignment["AssignmentId"])
            market.client.approve_assignment(AssignmentId=assignment["AssignmentId"])

    assert seen == submitted


def test_an_early_acceptance_that_is_submitted_late_stands_on_a_later_page(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=4)
    slow = market.worker("Slow")
    slow_assignment = slow.accept(hit_id)
    market.submitted(hit_id, 3)

    first = market.client.list_assignments_for_hit(HITId=hit_id, MaxResults=2)
    market.clock.advance(seconds=60)
    slow.post_answer(slow_assignment, {"prompt": "at last"})
    second = market.client.list_assignments_for_hit(HITId=hit_id, MaxResults=2, NextToken=first["NextToken"])

    assert second["Assignments"][-1]["AssignmentId"] == slow_assignment


@pytest.mark.parametrize("token", ["x", "W10=", "!!!", "WyJhIl0=", "bnVsbA==", "é"])
def test_a_token_of_nobody_is_refused(token: str) -> None:
    with bench() as market, pytest.raises(ClientError, match="not valid for the parameter NextToken"):
        market.client.list_hits(NextToken=token)


def test_a_token_of_another_list_is_refused(market: Bench) -> None:
    hit_id = market.hit()
    market.hit()
    token = market.client.list_hits(MaxResults=1)["NextToken"]

    with pytest.raises(ClientError, match="not valid for the parameter NextToken"):
        market.client.list_assignments_for_hit(HITId=hit_id, NextToken=token)


def test_a_page_of_more_than_a_hundred_is_refused(market: Bench) -> None:
    with pytest.raises(ClientError, match="less than or equal to 100"):
        market.client.list_hits(MaxResults=101)


def test_a_hundred_assignments_cost_as_many_statements_as_one() -> None:
    with bench() as market:
        small, large = market.hit(MaxAssignments=1), market.hit(MaxAssignments=100)
        market.submitted(small)
        market.submitted(large, 100)

        def statements(hit_id: str) -> int:
            return market.sql_statements(
                lambda: market.client.list_assignments_for_hit(HITId=hit_id, MaxResults=100)
            )

        assert statements(small) == statements(large) <= 5


def test_a_hundred_hits_cost_as_many_statements_as_one() -> None:
    with bench() as market:
        market.hit()
        one = market.sql_statements(lambda: market.client.list_hits(MaxResults=100))
        for _ in range(99):
            market.hit()

        assert market.sql_statements(lambda: market.client.list_hits(MaxResults=100)) == one
