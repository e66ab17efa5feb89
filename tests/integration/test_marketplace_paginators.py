"""Every paginator of boto3 over a real socket, and what becomes of a page's token while others act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from pixelpatchwork.marketplace import qualifying
from pixelpatchwork.marketplace.market import Market
from tests.support.marketplace import Bench, bench
from tests.support.marketplace_story import Story

# What makes three rows: the arguments that list them, and what identifies them, in order.
Prepare = Callable[[Story], tuple[dict[str, Any], list[str]]]
PAGINATED: dict[str, tuple[str, str, Prepare]] = {}


def paginated(name: str, members: str, identifier: str) -> Callable[[Prepare], Prepare]:
    def add(prepare: Prepare) -> Prepare:
        PAGINATED[name] = members, identifier, prepare
        return prepare

    return add


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench("served") as found:
        yield found


@paginated("list_hits", "HITs", "HITId")
def hits(story: Story) -> tuple[dict[str, Any], list[str]]:
    return {}, [story.bench.hit() for _ in range(3)][::-1]


@paginated("list_assignments_for_hit", "Assignments", "AssignmentId")
def assignments(story: Story) -> tuple[dict[str, Any], list[str]]:
    hit_id = story.bench.hit(MaxAssignments=3)
    return {"HITId": hit_id}, story.bench.submitted(hit_id, 3)


@paginated("list_reviewable_hits", "HITs", "HITId")
def reviewable(story: Story) -> tuple[dict[str, Any], list[str]]:
    made = [story.submitted(Title="Same", Description="Same") for _ in range(3)]
    hit_type_id = story.bench.get(made[0][0])["HITTypeId"]
    return {"HITTypeId": hit_type_id}, [hit_id for hit_id, _, _ in made][::-1]


@paginated("list_hits_for_qualification_type", "HITs", "HITId")
def of_type(story: Story) -> tuple[dict[str, Any], list[str]]:
    type_id = story.type()
    needs = [{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    made = [story.bench.hit(QualificationRequirements=needs) for _ in range(3)]
    return {"QualificationTypeId": type_id}, made[::-1]


@paginated("list_qualification_types", "QualificationTypes", "QualificationTypeId")
def types(story: Story) -> tuple[dict[str, Any], list[str]]:
    made = [story.type(Description="Paged only") for _ in range(3)]
    return {"Query": "paged only", "MustBeRequestable": False}, made


@paginated("list_qualification_requests", "QualificationRequests", "QualificationRequestId")
def requests(story: Story) -> tuple[dict[str, Any], list[str]]:
    market: Market = story.bench.app.extensions["marketplace"]
    type_id = story.type()
    workers = [story.bench.worker() for _ in range(3)]
    made = [
        market.write(lambda moment, of=worker: qualifying.begin(moment, type_id, of.worker_id)).request_id
        for worker in workers
    ]
    return {"QualificationTypeId": type_id}, made


@paginated("list_workers_with_qualification_type", "Qualifications", "WorkerId")
def workers(story: Story) -> tuple[dict[str, Any], list[str]]:
    type_id = story.type()
    found = [story.bench.worker().worker_id for _ in range(3)]
    for worker_id in found:
        story.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=worker_id)
    return {"QualificationTypeId": type_id}, found


@paginated("list_worker_blocks", "WorkerBlocks", "WorkerId")
def blocks(story: Story) -> tuple[dict[str, Any], list[str]]:
    found = [story.bench.worker().worker_id for _ in range(3)]
    for worker_id in found:
        story.client.create_worker_block(WorkerId=worker_id, Reason="R")
    return {}, found


@paginated("list_bonus_payments", "BonusPayments", "Reason")
def bonuses(story: Story) -> tuple[dict[str, Any], list[str]]:
    hit_id, assignment_id, worker = story.decided()
    reasons = ["one", "two", "three"]
    for reason in reasons:
        story.client.send_bonus(
            WorkerId=worker.worker_id, AssignmentId=assignment_id, BonusAmount="0.01", Reason=reason
        )
    return {"HITId": hit_id}, reasons


def test_every_paginator_of_boto3_is_tried() -> None:
    operations = Session().get_paginator_model("mturk")._paginator_config

    assert {name.replace("_", "") for name in PAGINATED} == {name.lower() for name in operations}


@pytest.mark.parametrize("name", sorted(PAGINATED))
def test_a_paginator_sees_every_row_once_and_in_order(name: str, market: Bench) -> None:
    members, identifier, prepare = PAGINATED[name]
    arguments, expected = prepare(Story(market))

    seen: list[str] = []
    for page in market.client.get_paginator(name).paginate(**arguments, PaginationConfig={"PageSize": 2}):
        assert page["NumResults"] == len(page[members]) <= 2
        seen.extend(row[identifier] for row in page[members])

    assert seen[: len(expected)] == expected
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("name", sorted(PAGINATED))
def test_a_token_survives_what_is_added_meanwhile(name: str, market: Bench) -> None:
    members, identifier, prepare = PAGINATED[name]
    story = Story(market)
    arguments, expected = prepare(story)
    act = getattr(market.client, name)

    first = act(**arguments, MaxResults=1)
    if "HITId" not in arguments and "QualificationTypeId" not in arguments:
        prepare(story)
    second = act(**arguments, MaxResults=1, NextToken=first["NextToken"])

    assert [page[members][0][identifier] for page in (first, second)] == expected[:2]


@pytest.mark.parametrize("name", sorted(PAGINATED))
@pytest.mark.parametrize("token", ["garbage", "W10=", "0" * 255])
def test_a_garbage_token_is_refused_in_the_recorded_way(name: str, token: str, market: Bench) -> None:
    arguments, _ = PAGINATED[name][2](Story(market))

    with pytest.raises(ClientError) as caught:
        getattr(market.client, name)(**arguments, NextToken=token)

    error = caught.value.response["Error"]
    assert error["Code"] == "ParameterValidationError"
    assert error["Message"].startswith(
        f'The value "{token[:100]}" is not valid for the parameter NextToken. ('
    )
