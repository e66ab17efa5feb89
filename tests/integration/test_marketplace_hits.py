"""HITs through boto3's real client, embedded and over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.support.marketplace import START, TRANSPORTS, Bench, bench, hit_request, html_question, refusal


@pytest.fixture(params=TRANSPORTS)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as found:
        yield found


def test_a_hit_comes_back_as_it_was_asked_for(market: Bench) -> None:
    request = hit_request(
        Keywords="paint, image", RequesterAnnotation="day 1", AutoApprovalDelayInSeconds=3600
    )

    hit = market.client.create_hit(**request)["HIT"]

    assert (
        hit.items()
        >= {
            "Title": "Paint",
            "Description": "Paint a part of a picture.",
            "Keywords": "paint, image",
            "Reward": "0.15",
            "RequesterAnnotation": "day 1",
            "AutoApprovalDelayInSeconds": 3600,
            "AssignmentDurationInSeconds": 600,
            "MaxAssignments": 2,
            "HITStatus": "Assignable",
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsAvailable": 2,
            "NumberOfAssignmentsPending": 0,
            "NumberOfAssignmentsCompleted": 0,
            "QualificationRequirements": [],
            "Question": html_question(),
            "CreationTime": START,
            "Expiration": START + timedelta(days=1),
        }.items()
    )
    assert market.get(hit["HITId"]) == hit
    assert hit["HITId"].startswith("3")
    assert len(hit["HITId"]) == 30


def test_absent_values_are_left_out_rather_than_null(market: Bench) -> None:
    hit = market.get(market.hit())

    assert "Keywords" not in hit
    assert "RequesterAnnotation" not in hit


def test_equal_values_give_the_same_hit_type_and_others_another(market: Bench) -> None:
    values = {"Title": "T", "Description": "D", "Reward": "0.10", "AssignmentDurationInSeconds": 60}

    first = market.client.create_hit_type(**values)["HITTypeId"]

    assert market.client.create_hit_type(**values)["HITTypeId"] == first
    assert market.client.create_hit_type(**values | {"Reward": "0.1"})["HITTypeId"] == first
    assert market.client.create_hit_type(**values | {"Reward": "0.11"})["HITTypeId"] != first


def test_a_hit_of_a_type_has_the_types_values(market: Bench) -> None:
    hit_type_id = market.client.create_hit_type(
        Title="T", Description="D", Reward="0.10", AssignmentDurationInSeconds=60
    )["HITTypeId"]

    hit = market.client.create_hit_with_hit_type(
        HITTypeId=hit_type_id, LifetimeInSeconds=3600, Question=html_question()
    )["HIT"]

    assert (hit["HITTypeId"], hit["Title"], hit["Reward"], hit["MaxAssignments"]) == (
        hit_type_id,
        "T",
        "0.10",
        1,
    )


def test_a_repeated_token_is_refused_and_names_the_hit(market: Bench) -> None:
    hit_id = market.hit(UniqueRequestToken="day-1-1")

    with refusal("HitAlreadyExists", f'The HIT with ID "{hit_id}" already exists.'):
        market.hit(UniqueRequestToken="day-1-1")
    assert len(market.client.list_hits()["HITs"]) == 1


def test_a_token_lives_for_24_hours(market: Bench) -> None:
    first = market.hit(UniqueRequestToken="t", LifetimeInSeconds=3600)
    market.clock.advance(hours=24)

    second = market.hit(UniqueRequestToken="t")

    with refusal("HitAlreadyExists", f'The HIT with ID "{second}"'):
        market.hit(UniqueRequestToken="t")
    assert first != second


def test_a_create_that_failed_used_up_no_token(market: Bench) -> None:
    with refusal("InsufficientFunds"):
        market.hit(UniqueRequestToken="t", MaxAssignments=100_000, Reward="1.00")

    market.hit(UniqueRequestToken="t")


def test_tokens_differ_by_case(market: Bench) -> None:
    assert market.hit(UniqueRequestToken="t") != market.hit(UniqueRequestToken="T")


def test_a_hit_becomes_unassignable_and_assignable_again_with_its_workers(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    ann = market.worker("Ann")

    assignment_id = ann.accept(hit_id)
    taken = market.get(hit_id)
    ann.send(f"/assignments/{assignment_id}", "form.return")

    assert (taken["HITStatus"], taken["NumberOfAssignmentsPending"]) == ("Unassignable", 1)
    assert market.get(hit_id)["HITStatus"] == "Assignable"


def test_a_hit_is_reviewable_when_all_have_submitted(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=2)

    market.submitted(hit_id, 2)

    hit = market.get(hit_id)
    assert (hit["HITStatus"], hit["NumberOfAssignmentsAvailable"]) == ("Reviewable", 0)
    assert [found["HITId"] for found in market.client.list_reviewable_hits()["HITs"]] == [hit_id]


def test_a_hit_expires_by_the_clock(market: Bench) -> None:
    hit_id = market.hit(LifetimeInSeconds=60)
    market.clock.advance(seconds=60)

    assert market.get(hit_id)["HITStatus"] == "Reviewable"


def test_a_worker_who_accepted_before_the_expiry_may_still_submit(market: Bench) -> None:
    hit_id = market.hit(LifetimeInSeconds=60, MaxAssignments=3)
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id)
    market.clock.advance(seconds=61)

    assert market.get(hit_id)["HITStatus"] == "Unassignable"
    assert ann.post_answer(assignment_id, {"prompt": "late but in time"}).status_code == 200
    assert market.get(hit_id)["HITStatus"] == "Reviewable"


def test_expiring_in_the_past_ends_a_hit_at_once_and_extending_opens_it_again(market: Bench) -> None:
    hit_id = market.hit()

    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    ended = market.get(hit_id)
    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=START + timedelta(days=2))
    reopened = market.get(hit_id)

    assert (ended["HITStatus"], ended["Expiration"]) == ("Reviewable", START)
    assert (reopened["HITStatus"], reopened["Expiration"]) == ("Assignable", START + timedelta(days=2))


def test_an_identical_expiration_is_refused_in_the_recorded_words(market: Bench) -> None:
    hit_id = market.hit()
    when = datetime(2026, 11, 25, 20, 26, 6, tzinfo=UTC)
    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=when)

    text = f'The idempotency token "{hit_id}Wed Nov 25 20:26:06 UTC 2026" has already been processed. ('
    with refusal("RequestAlreadyProcessed", text):
        market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=when)


@pytest.mark.parametrize("year", [1, 1969, 2025])
def test_any_time_in_the_past_is_now(market: Bench, year: int) -> None:
    hit_id = market.hit()

    market.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(year, 1, 1, tzinfo=UTC))

    assert market.get(hit_id)["Expiration"] == START


def test_an_expiration_more_than_a_year_ahead_is_refused(market: Bench) -> None:
    with pytest.raises(ClientError, match="It must lie within a year from now"):
        market.client.update_expiration_for_hit(HITId=market.hit(), ExpireAt=START + timedelta(days=366))


def test_reviewing_goes_there_and_back(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    market.submitted(hit_id)

    market.client.update_hit_review_status(HITId=hit_id)
    reviewing = market.client.list_reviewable_hits(Status="Reviewing")["HITs"]
    market.client.update_hit_review_status(HITId=hit_id, Revert=True)

    assert [hit["HITId"] for hit in reviewing] == [hit_id]
    assert market.get(hit_id)["HITStatus"] == "Reviewable"


def test_reviewing_an_open_hit_is_refused(market: Bench) -> None:
    hit_id = market.hit()

    text = "This HIT is currently in the state 'Assignable'.  This operation can be called with a status of: Reviewable"
    with refusal("InvalidHITState", text):
        market.client.update_hit_review_status(HITId=hit_id)


def test_more_assignments_open_a_hit_again(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    market.submitted(hit_id)

    market.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=2)

    hit = market.get(hit_id)
    assert (hit["HITStatus"], hit["MaxAssignments"], hit["NumberOfAssignmentsAvailable"]) == (
        "Assignable",
        3,
        2,
    )


def test_a_repeated_extension_with_the_same_token_is_refused(market: Bench) -> None:
    hit_id = market.hit()
    request = {"HITId": hit_id, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "more"}
    market.client.create_additional_assignments_for_hit(**request)

    with refusal("RequestAlreadyProcessed", 'The idempotency token "more" has already been processed.'):
        market.client.create_additional_assignments_for_hit(**request)
    assert market.get(hit_id)["MaxAssignments"] == 3


def test_a_hit_below_ten_assignments_cannot_be_raised_to_ten(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=9)

    with refusal("InvalidMaximumAssignmentsIncrease"):
        market.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)


def test_only_a_decided_hit_can_be_deleted(market: Bench) -> None:
    hit_id = market.hit(MaxAssignments=1)
    open_text = (
        "This HIT is currently in the state 'Assignable'.  "
        "This operation can be called with a status of: Reviewing, Reviewable"
    )
    with refusal("InvalidHITState", open_text):
        market.client.delete_hit(HITId=hit_id)
    (assignment_id,) = market.submitted(hit_id)
    with refusal("InvalidHITState", "1 submitted assignments"):
        market.client.delete_hit(HITId=hit_id)
    market.client.approve_assignment(AssignmentId=assignment_id)

    market.client.delete_hit(HITId=hit_id)

    assert market.get(hit_id)["HITStatus"] == "Disposed"
    assert market.client.list_hits()["HITs"] == []
    with refusal("InvalidHITState", "This HIT is currently in the state 'Disposed'."):
        market.client.delete_hit(HITId=hit_id)


def test_a_hit_that_does_not_exist_is_told_in_the_recorded_words(market: Bench) -> None:
    with refusal("HITDoesNotExist", "Hit 3NOSUCHHIT does not exist. ("):
        market.get("3NOSUCHHIT")


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"Title": "x" * 129}, "Title"),
        ({"Title": " "}, "Title"),
        ({"Description": "x" * 2001}, "Description"),
        ({"Keywords": "x" * 1001}, "Keywords"),
        ({"RequesterAnnotation": "x" * 256}, "RequesterAnnotation"),
        ({"Title": "a\x07b"}, "Title"),
        ({"LifetimeInSeconds": 29}, "LifetimeInSeconds"),
        ({"LifetimeInSeconds": 31_536_001}, "LifetimeInSeconds"),
        ({"AssignmentDurationInSeconds": 29}, "AssignmentDurationInSeconds"),
        ({"AutoApprovalDelayInSeconds": 2_592_001}, "AutoApprovalDelayInSeconds"),
        ({"MaxAssignments": 0}, "MaxAssignments"),
        ({"Reward": "9" * 200}, "Reward"),
        ({"Question": None}, "Question"),
        ({"Question": html_question("\U0001f600")}, "Question"),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(changes: dict[str, object], parameter: str) -> None:
    with bench() as market, pytest.raises(ClientError) as caught:
        market.client.create_hit(**hit_request(**changes))

    assert caught.value.response["Error"]["Code"] == "ParameterValidationError"
    assert f"is not valid for the parameter {parameter}." in str(caught.value)


def test_the_recorded_words_of_a_bad_value(market: Bench) -> None:
    with pytest.raises(ClientError) as caught:
        market.hit(Reward="0.975")

    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            "1 validation error detected: Value '0.975' at 'reward' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[0-9]+(\\.)?[0-9]{0,2}$"
        ),
    }


def test_a_hit_layout_is_refused_plainly() -> None:
    with bench() as market, refusal("OperationNotSupported", "HIT layouts are not offered"):
        market.hit(HITLayoutId="3A")
