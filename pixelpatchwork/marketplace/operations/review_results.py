"""What a HIT's review policies found and did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from pixelpatchwork.marketplace.clock import to_wire
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.paging import Page
from pixelpatchwork.marketplace.records import own_hit
from pixelpatchwork.marketplace.reviews import Kind, Level, policies_of
from pixelpatchwork.marketplace.tables import review_entry


@operation("ListReviewPolicyResultsForHIT", writes=False)
def list_review_policy_results(call: Call) -> dict[str, Any]:
    """Results and actions in the order of their making; a page counts both. Without `Retrieve...`, both are given."""
    request = call.request
    hit_id = own_hit(call.moment, call.requester_id, request["HITId"]).hit_id
    page = Page.of("ListReviewPolicyResultsForHIT", request)
    levels = [Level(name) for name in request.get("PolicyLevels") or list(Level)]
    statement = _entries(call, hit_id, levels, after=(page.after or (0,))[0]).limit(page.limit)
    cut = page.cut(call.moment.connection.execute(statement).all(), lambda row: (row.number,))
    answer: dict[str, Any] = {"HITId": hit_id}
    policies = policies_of(call.moment, {hit_id})
    for level in levels:
        if (hit_id, level) in policies:
            answer[f"{level}ReviewPolicy"] = policies[hit_id, level]
            answer[f"{level}ReviewReport"] = _report([row for row in cut.rows if row.level == level])
    if cut.next_token is not None:
        answer["NextToken"] = cut.next_token
    return answer


def _entries(call: Call, hit_id: str, levels: Sequence[Level], *, after: int) -> Any:
    columns, request = review_entry.c, call.request
    kinds = [
        kind.value
        for kind, name in ((Kind.RESULT, "RetrieveResults"), (Kind.ACTION, "RetrieveActions"))
        if request.get(name, True)
    ]
    return (
        select(review_entry)
        .where(
            columns.hit_id == hit_id,
            columns.number > after,
            columns.level.in_([level.value for level in levels]),
            columns.kind.in_(kinds),
        )
        .order_by(columns.number)
    )


def _report(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    return {
        "ReviewResults": [_result(row) for row in rows if row.kind == Kind.RESULT],
        "ReviewActions": [_action(row) for row in rows if row.kind == Kind.ACTION],
    }


def _result(row: Row[Any]) -> dict[str, Any]:
    shown = {
        "ActionId": row.action_id,
        "SubjectId": row.subject_id,
        "SubjectType": row.subject_type,
        "QuestionId": row.question_id,
        "Key": row.name,
        "Value": row.text,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _action(row: Row[Any]) -> dict[str, Any]:
    shown = {
        "ActionId": row.action_id,
        "ActionName": row.name,
        "TargetId": row.subject_id,
        "TargetType": row.subject_type,
        "Status": row.status,
        "CompleteTime": to_wire(row.at),
        "Result": row.text,
        "ErrorCode": row.error_code,
    }
    return {name: value for name, value in shown.items() if value is not None}
