"""How workers come by qualifications: by asking, by a test that scores itself, by what they have done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select, update

from pixelpatchwork.marketplace import qualifying, schema
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.qualifying import (
    Attempt,
    QualifyingRefusal,
    QualifyingRefusedError,
    RequestStatus,
)
from pixelpatchwork.marketplace.tables import message
from tests.support.marketplace import Bench, Worker, bench, html_question, refusal

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
TEST = f"""<QuestionForm xmlns="{SCHEMAS}/2017-11-06/QuestionForm.xsd">
  <Question>
    <QuestionIdentifier>sky</QuestionIdentifier>
    <IsRequired>true</IsRequired>
    <QuestionContent><Text>Which colour has the sky?</Text></QuestionContent>
    <AnswerSpecification><SelectionAnswer>
      <StyleSuggestion>radiobutton</StyleSuggestion>
      <Selections>
        <Selection><SelectionIdentifier>blue</SelectionIdentifier><Text>Blue</Text></Selection>
        <Selection><SelectionIdentifier>green</SelectionIdentifier><Text>Green</Text></Selection>
      </Selections>
    </SelectionAnswer></AnswerSpecification>
  </Question>
</QuestionForm>"""
KEY = f"""<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">
  <Question>
    <QuestionIdentifier>sky</QuestionIdentifier>
    <AnswerOption><SelectionIdentifier>blue</SelectionIdentifier><AnswerScore>3</AnswerScore></AnswerOption>
  </Question>
  <QualificationValueMapping>
    <PercentageMapping><MaximumSummedScore>4</MaximumSummedScore></PercentageMapping>
  </QualificationValueMapping>
</AnswerKey>"""
WITH_KEY = {"Test": TEST, "AnswerKey": KEY, "TestDurationInSeconds": 300}


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def marketplace(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def new_type(market: Bench, **changes: Any) -> str:
    request = {
        "Name": "Colours",
        "Description": "Knows colours.",
        "QualificationTypeStatus": "Active",
    } | changes
    made = market.client.create_qualification_type(**request)
    return str(made["QualificationType"]["QualificationTypeId"])


def begin(market: Bench, type_id: str, worker: Worker) -> Attempt:
    return marketplace(market).write(lambda moment: qualifying.begin(moment, type_id, worker.worker_id))


def hand_in(market: Bench, attempt: Attempt, worker: Worker, colour: str) -> Attempt:
    answer = answer_xml([("sky", colour)])
    return marketplace(market).write(
        lambda moment: qualifying.hand_in(moment, attempt.request_id, worker.worker_id, answer)
    )


def refused(why: QualifyingRefusal) -> Any:
    return pytest.raises(QualifyingRefusedError, check=lambda error: error.refusal is why)


def score(market: Bench, type_id: str, worker: Worker) -> int:
    found = market.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker.worker_id)
    return int(found["Qualification"]["IntegerValue"])


def inbox(market: Bench, worker: Worker) -> list[tuple[str, str]]:
    statement = select(message.c.subject, message.c.text).where(message.c.worker_id == worker.worker_id)
    return marketplace(market).read(
        lambda moment: [(row.subject, row.text) for row in moment.connection.execute(statement)]
    )


@pytest.mark.parametrize(("colour", "value"), [("blue", 75), ("green", 0), ("", 0)])
def test_a_test_with_an_answer_key_grants_its_score_at_once(market: Bench, colour: str, value: int) -> None:
    type_id, ann = new_type(market, **WITH_KEY), market.worker("Ann")
    attempt = begin(market, type_id, ann)

    done = hand_in(market, attempt, ann, colour)

    assert (attempt.test, attempt.status) == (TEST, RequestStatus.STARTED)
    assert (done.status, done.value) == (RequestStatus.GRANTED, value)
    assert score(market, type_id, ann) == value
    assert market.client.list_qualification_requests()["QualificationRequests"] == []


def test_a_test_without_a_key_waits_for_the_requester_with_its_answers(market: Bench) -> None:
    type_id, ann = new_type(market, Test=TEST, TestDurationInSeconds=300), market.worker("Ann")

    done = hand_in(market, begin(market, type_id, ann), ann, "green")
    (request,) = market.client.list_qualification_requests(QualificationTypeId=type_id)[
        "QualificationRequests"
    ]
    market.client.accept_qualification_request(QualificationRequestId=request["QualificationRequestId"])

    assert done.status is RequestStatus.SUBMITTED
    assert request["Test"] == TEST
    assert "<FreeText>green</FreeText>" in request["Answer"]
    assert score(market, type_id, ann) == 1
    assert inbox(market, ann) == [("You have a qualification: Colours", "Knows colours.")]


def test_a_type_may_grant_by_itself(market: Bench) -> None:
    type_id, ann = new_type(market, AutoGranted=True, AutoGrantedValue=9), market.worker("Ann")

    assert begin(market, type_id, ann).status is RequestStatus.GRANTED
    assert score(market, type_id, ann) == 9


def test_a_test_is_over_when_its_time_is(market: Bench) -> None:
    type_id, ann = new_type(market, **WITH_KEY), market.worker("Ann")
    attempt = begin(market, type_id, ann)
    market.clock.advance(seconds=300)

    with refused(QualifyingRefusal.TIME_OVER):
        hand_in(market, attempt, ann, "blue")
    with refused(QualifyingRefusal.ONLY_ONCE):
        begin(market, type_id, ann)


def test_a_running_test_goes_on_where_it_was_left(market: Bench) -> None:
    type_id, ann = new_type(market, **WITH_KEY), market.worker("Ann")

    first = begin(market, type_id, ann)
    market.clock.advance(seconds=60)

    assert begin(market, type_id, ann) == first


def test_a_test_can_be_handed_in_once_and_by_its_own_worker_only(market: Bench) -> None:
    type_id, ann, ben = new_type(market, **WITH_KEY), market.worker("Ann"), market.worker("Ben")
    attempt = begin(market, type_id, ann)

    with refused(QualifyingRefusal.NOT_OPEN):
        hand_in(market, attempt, ben, "blue")
    hand_in(market, attempt, ann, "blue")
    with refused(QualifyingRefusal.NOT_OPEN):
        hand_in(market, attempt, ann, "blue")


def test_who_may_try_again_waits_for_the_retry_delay(market: Bench) -> None:
    type_id = new_type(market, **WITH_KEY, RetryDelayInSeconds=3600)
    ann = market.worker("Ann")
    hand_in(market, begin(market, type_id, ann), ann, "green")

    with refused(QualifyingRefusal.TOO_SOON):
        begin(market, type_id, ann)
    market.clock.advance(seconds=3600)
    hand_in(market, begin(market, type_id, ann), ann, "blue")

    assert score(market, type_id, ann) == 75


def test_who_has_asked_waits_and_is_told_when_refused(market: Bench) -> None:
    type_id, ann = new_type(market, RetryDelayInSeconds=0), market.worker("Ann")
    attempt = begin(market, type_id, ann)

    with refused(QualifyingRefusal.WAITING):
        begin(market, type_id, ann)
    market.client.reject_qualification_request(QualificationRequestId=attempt.request_id, Reason="Not yet.")

    assert inbox(market, ann) == [("Your request for a qualification was refused: Colours", "Not yet.")]
    assert begin(market, type_id, ann).request_id != attempt.request_id
    with refusal(
        "InvalidQualificationRequestState", "This operation can be called with a status of: Submitted"
    ):
        market.client.accept_qualification_request(QualificationRequestId=attempt.request_id)


def test_an_inactive_or_unknown_type_cannot_be_asked_for_nor_required(market: Bench) -> None:
    type_id, ann = new_type(market, QualificationTypeStatus="Inactive"), market.worker("Ann")

    for wanted in (type_id, "3NONE"):
        with refused(QualifyingRefusal.NO_TYPE):
            begin(market, wanted, ann)
    with refusal("InvalidQualificationTypeState"):
        market.hit(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}])


def test_who_is_blocked_can_neither_ask_nor_accept_until_he_is_let_in_again(market: Bench) -> None:
    type_id, ann, hit_id = new_type(market), market.worker("Ann"), market.hit()
    market.client.create_worker_block(WorkerId=ann.worker_id, Reason="Secret.")

    with refused(QualifyingRefusal.BLOCKED):
        begin(market, type_id, ann)
    told = ann.send(f"/hits/{hit_id}", "form.accept")
    market.client.delete_worker_block(WorkerId=ann.worker_id)

    assert (told.status_code, "does not accept your work" in told.text) == (403, True)
    assert "Secret" not in told.text
    assert ann.accept(hit_id)


def test_blocking_again_changes_the_reason_only(market: Bench) -> None:
    ann = market.worker("Ann")
    for reason in ("First.", "Second."):
        market.client.create_worker_block(WorkerId=ann.worker_id, Reason=reason)

    assert market.client.list_worker_blocks()["WorkerBlocks"] == [
        {"WorkerId": ann.worker_id, "Reason": "Second."}
    ]
    for act in (market.client.create_worker_block, market.client.delete_worker_block):
        with pytest.raises(ClientError, match=r"WorkerId is invalid\."):
            act(WorkerId="A1NOBODY", Reason="R")


def test_a_deleted_type_takes_its_hit_types_and_open_requests_along_but_no_grants(market: Bench) -> None:
    type_id, ann, ben = new_type(market), market.worker("Ann"), market.worker("Ben")
    wants = [{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    hit_id = market.hit(QualificationRequirements=wants)
    market.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=ann.worker_id)
    attempt = begin(market, type_id, ben)

    market.client.delete_qualification_type(QualificationTypeId=type_id)

    assert ann.accept(hit_id)
    assert market.client.list_qualification_requests()["QualificationRequests"] == []
    with refusal("HITTypeDoesNotExist"):
        market.client.create_hit_with_hit_type(
            HITTypeId=market.get(hit_id)["HITTypeId"], LifetimeInSeconds=60, Question=html_question()
        )
    with refusal("QualificationTypeDoesNotExist"):
        market.hit(QualificationRequirements=wants)
    with refusal("InvalidQualificationRequestState"):
        market.client.accept_qualification_request(QualificationRequestId=attempt.request_id)
    assert new_type(market) != type_id


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"Test": TEST}, "TestDurationInSeconds"),
        ({"Test": TEST, "TestDurationInSeconds": 60, "AutoGranted": True}, "AutoGranted"),
        ({"AnswerKey": KEY}, "AnswerKey"),
        ({"Test": TEST + " " * 65_536, "TestDurationInSeconds": 60}, "Test"),
        ({"Name": "x" * 201}, "Name"),
        ({"Name": ""}, "Name"),
        ({"RetryDelayInSeconds": -1}, "RetryDelayInSeconds"),
    ],
)
def test_a_way_to_qualify_that_cannot_work_is_refused(
    market: Bench, changes: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(ClientError, match=f"not valid for the parameter {parameter}\\."):
        new_type(market, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"Test": "<a>"},
        {"Test": "<a/>"},
        {"Test": TEST, "AnswerKey": "<a/>"},
        {"Test": TEST, "AnswerKey": KEY.replace("<QuestionIdentifier>", "<QuestionIdentifier>not_")},
    ],
)
def test_xml_that_is_no_test_or_key_is_refused(market: Bench, changes: dict[str, str]) -> None:
    with refusal("XMLParseError"):
        new_type(market, TestDurationInSeconds=60, **changes)


def test_an_update_changes_what_it_names(market: Bench) -> None:
    type_id = new_type(market, **WITH_KEY)

    market.client.update_qualification_type(
        QualificationTypeId=type_id, TestDurationInSeconds=60, RetryDelayInSeconds=5
    )

    shown = market.client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    assert (shown["Test"], shown["AnswerKey"]) == (TEST, KEY)
    assert (shown["TestDurationInSeconds"], shown["RetryDelayInSeconds"]) == (60, 5)
    with pytest.raises(ClientError, match="not valid for the parameter AutoGranted"):
        market.client.update_qualification_type(QualificationTypeId=type_id, AutoGranted=True)


def test_an_answer_key_is_shown_to_its_owner_only(market: Bench) -> None:
    type_id = new_type(market, **WITH_KEY)
    columns = schema.qualification_type.c
    marketplace(market).write(
        lambda moment: moment.connection.execute(
            update(schema.qualification_type).where(columns.name == "Colours").values(requester_id="A2")
        )
    )

    shown = market.client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    (listed,) = market.client.list_qualification_types(Query="colours", MustBeRequestable=True)[
        "QualificationTypes"
    ]

    assert "AnswerKey" not in shown | listed
    assert (
        market.client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)[
            "QualificationTypes"
        ]
        == []
    )


def test_the_systems_own_types_stand_last_in_the_list(market: Bench) -> None:
    type_id = new_type(market)

    pages = market.client.get_paginator("list_qualification_types").paginate(
        MustBeRequestable=False, PaginationConfig={"PageSize": 3}
    )

    found = [item["QualificationTypeId"] for page in pages for item in page["QualificationTypes"]]
    assert found[0] == type_id
    assert len(found) == len(set(found)) == 7
    assert "000000000000000000L0" in found
    shown = market.client.get_qualification_type(QualificationTypeId="00000000000000000071")
    assert shown["QualificationType"]["Name"] == "Worker_Locale"


def test_a_grant_tells_the_worker_unless_it_is_asked_to_be_silent(market: Bench) -> None:
    type_id, ann = new_type(market), market.worker("Ann")
    ann.accept(market.hit())
    key = {"QualificationTypeId": type_id, "WorkerId": ann.worker_id}

    market.client.associate_qualification_with_worker(**key, SendNotification=False)
    silent = inbox(market, ann)
    market.client.associate_qualification_with_worker(**key)
    market.client.disassociate_qualification_from_worker(**key, Reason="A new season.")
    market.client.associate_qualification_with_worker(**key, SendNotification=False)
    market.client.disassociate_qualification_from_worker(**key, Reason="")

    assert silent == []
    assert [subject for subject, _ in inbox(market, ann)] == [
        "You have a qualification: Colours",
        "A qualification was withdrawn: Colours",
    ]
