"""Requesters are told what happens: over SQS and SNS, at least once, and never at the cost of anybody's wait."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from moto.server import ThreadedMotoServer
from sqlalchemy import select

from pixelpatchwork.marketplace.delivery import AwsSender, Courier, Message
from pixelpatchwork.marketplace.tables import outbox
from tests.support.marketplace import Bench, MovableClock, bench, hit_request

EVERYTHING = [
    "AssignmentAccepted",
    "AssignmentAbandoned",
    "AssignmentReturned",
    "AssignmentSubmitted",
    "AssignmentRejected",
    "AssignmentApproved",
    "HITCreated",
    "HITExtended",
    "HITDisposed",
    "HITReviewable",
    "HITExpired",
]


class Mailbox:
    """A sender that keeps what it is given; it fails as long as `away`."""

    def __init__(self) -> None:
        self.away = False
        self.tried = 0
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.tried += 1
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://secret.invalid/")
        self.messages.append(message)

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(message.body) for message in self.messages]

    def events(self) -> list[str]:
        return [event["EventType"] for document in self.documents() for event in document["Events"]]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """SQS and SNS on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def service(name: str, url: str) -> Any:
    return boto3.client(name, region_name="us-east-1", endpoint_url=url)


def specification(
    transport: str = "SQS", destination: str = "https://sqs.us-east-1.amazonaws.com/123456789012/told"
) -> dict[str, Any]:
    return {
        "Destination": destination,
        "Transport": transport,
        "Version": "2014-08-15",
        "EventTypes": EVERYTHING,
    }


def subscribed(here: Bench, notification: dict[str, Any] | None = None) -> str:
    """A HIT type that notifies of everything."""
    names = ("Title", "Description", "Reward", "AssignmentDurationInSeconds")
    hit_type_id = here.client.create_hit_type(
        **{name: value for name, value in hit_request().items() if name in names}
    )["HITTypeId"]
    here.client.update_notification_settings(
        HITTypeId=hit_type_id, Notification=notification or specification(), Active=True
    )
    return str(hit_type_id)


def hit_of(here: Bench, hit_type_id: str, **changes: Any) -> str:
    request = {
        "MaxAssignments": 1,
        "LifetimeInSeconds": 86_400,
        "Question": hit_request()["Question"],
    } | changes
    return str(here.client.create_hit_with_hit_type(HITTypeId=hit_type_id, **request)["HIT"]["HITId"])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def here(mailbox: Mailbox) -> Iterator[Bench]:
    with bench(sender=mailbox) as found:
        yield found


def deliver(here: Bench) -> None:
    courier: Courier = here.app.extensions["courier"]
    while courier.deliver_due():
        pass


def test_a_hits_whole_life_is_told_in_its_order(here: Bench, mailbox: Mailbox) -> None:
    hit_id = hit_of(here, subscribed(here))
    worker = here.worker()
    first = worker.accept(hit_id)
    worker.browser.post(f"/assignments/{first}/return", data=csrf(worker, first))
    assignment_id = here.worker().work(hit_id)
    here.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
    here.client.approve_assignment(AssignmentId=assignment_id, OverrideRejection=True)
    here.client.delete_hit(HITId=hit_id)
    deliver(here)

    assert mailbox.events() == [
        "HITCreated",
        "AssignmentAccepted",
        "AssignmentReturned",
        "AssignmentAccepted",
        "AssignmentSubmitted",
        "HITReviewable",
        "AssignmentRejected",
        "AssignmentApproved",
        "HITDisposed",
    ]


def csrf(worker: Any, assignment_id: str) -> dict[str, str]:
    form = worker.page(f"/assignments/{assignment_id}").select_one("form.return")
    return {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}


def test_what_time_alone_does_is_told_with_the_time_at_which_it_came_due(
    here: Bench, mailbox: Mailbox
) -> None:
    hit_id = hit_of(here, subscribed(here), LifetimeInSeconds=3_600)
    here.worker().accept(hit_id)
    here.clock.advance(days=200)
    assert here.get(hit_id)["HITStatus"] == "Disposed"
    deliver(here)

    told = [event for document in mailbox.documents() for event in document["Events"]]
    assert [(event["EventType"], event["EventTimestamp"]) for event in told[2:]] == [
        ("HITExpired", "2026-11-21T13:00:00Z"),
        ("AssignmentAbandoned", "2026-11-21T12:10:00Z"),
        ("HITReviewable", "2026-11-21T13:00:00Z"),
        ("HITDisposed", "2027-03-21T13:00:00Z"),
    ]


def test_an_extension_is_told_and_what_happens_to_other_types_is_not(here: Bench, mailbox: Mailbox) -> None:
    here.hit()
    hit_id = hit_of(here, subscribed(here))
    here.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    deliver(here)

    assert mailbox.events() == ["HITCreated", "HITExtended"]


def test_the_body_is_the_documented_one(here: Bench, mailbox: Mailbox) -> None:
    hit_type_id = subscribed(here)
    hit_id = hit_of(here, hit_type_id)
    assignment_id = here.worker().work(hit_id)
    deliver(here)

    last = mailbox.documents()[-1]
    assert last.keys() == {"Events", "EventDocId", "SourceAccount", "CustomerId", "EventDocVersion"}
    assert last["EventDocVersion"] == "2014-08-15"
    assert last["Events"] == [
        {
            "EventType": "AssignmentSubmitted",
            "EventTimestamp": "2026-11-21T12:00:00Z",
            "HITId": hit_id,
            "HITTypeId": hit_type_id,
            "AssignmentId": assignment_id,
        },
        {
            "EventType": "HITReviewable",
            "EventTimestamp": "2026-11-21T12:00:00Z",
            "HITId": hit_id,
            "HITTypeId": hit_type_id,
        },
    ]
    assert len({document["EventDocId"] for document in mailbox.documents()}) == len(mailbox.messages)


def test_nothing_is_told_of_an_act_that_was_refused(here: Bench, mailbox: Mailbox) -> None:
    hit_id = hit_of(here, subscribed(here))
    with pytest.raises(here.client.exceptions.RequestError):
        here.client.delete_hit(HITId=hit_id)
    deliver(here)

    assert mailbox.events() == ["HITCreated"]


def test_a_queue_that_is_away_delays_no_submit_and_gets_everything_later() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        hit_id = hit_of(here, subscribed(here))
        tried_before = mailbox.tried
        here.worker().work(hit_id)
        assert mailbox.tried == tried_before

        deliver(here)
        mailbox.away = False
        deliver(here)
        assert mailbox.messages == []

        for _ in range(4):
            wall.advance(seconds=130)
            deliver(here)
        assert sorted(mailbox.events()) == [
            "AssignmentAccepted",
            "AssignmentSubmitted",
            "HITCreated",
            "HITReviewable",
        ]


def test_a_courier_that_dies_leaves_the_same_message_to_the_next() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    with bench(sender=mailbox, signature_clock=wall) as here:
        subscribed_hit_type = subscribed(here)
        mailbox.away = True
        hit_of(here, subscribed_hit_type)
        dying = Courier(here.app.extensions["marketplace"].database, Dying(), clock=wall)
        wall.advance(seconds=130)
        with pytest.raises(KeyboardInterrupt):
            dying.deliver_due()
        mailbox.away = False

        deliver(here)
        assert mailbox.messages == []
        wall.advance(seconds=130)
        deliver(here)
        assert mailbox.events() == ["HITCreated"]


class Dying:
    def send(self, _message: Message) -> None:
        raise KeyboardInterrupt


def test_after_three_days_a_message_is_given_up_and_kept_with_the_reason() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        hit_of(here, subscribed(here))
        for _ in range(400):
            wall.advance(minutes=16)
            deliver(here)

        with here.app.extensions["marketplace"].database.begin(writes=False) as connection:
            row = connection.execute(select(outbox)).one()
        assert (row.next_try_at, row.last_error) == (None, "EndpointConnectionError")
        assert 290 < mailbox.tried < 310


@pytest.mark.usefixtures("keys")
def test_sqs_and_sns_get_their_messages_as_mechanical_turk_sends_them(aws: str) -> None:
    sqs, sns = service("sqs", aws), service("sns", aws)
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    topic = sns.create_topic(Name="told")["TopicArn"]
    behind = sqs.create_queue(QueueName="behind")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=behind, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    with bench(sender=AwsSender(endpoint_url=aws)) as here:
        hit_of(here, subscribed(here, specification("SQS", queue)))
        here.client.send_test_event_notification(
            Notification=specification("SNS", topic), TestEventType="Ping"
        )
        deliver(here)

    over_sqs = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    over_sns = json.loads(sqs.receive_message(QueueUrl=behind)["Messages"][0]["Body"])
    assert [event["EventType"] for event in over_sqs["Events"]] == ["HITCreated"]
    assert [event["EventType"] for event in json.loads(over_sns["Message"])["Events"]] == ["Ping"]


@pytest.mark.usefixtures("keys")
def test_a_served_marketplace_delivers_by_itself(aws: str) -> None:
    sqs = service("sqs", aws)
    queue = sqs.create_queue(QueueName="served")["QueueUrl"]
    with (
        bench("served", sender=AwsSender(endpoint_url=aws)) as here,
        here.app.extensions["courier"].running(),
    ):
        hit_of(here, subscribed(here, specification("SQS", queue)))
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)

    assert "HITCreated" in found["Messages"][0]["Body"]


@pytest.mark.usefixtures("keys")
def test_the_host_in_a_queues_address_is_never_called(aws: str) -> None:
    sqs = service("sqs", aws)
    queue = sqs.create_queue(QueueName="hostless")["QueueUrl"]
    elsewhere = "http://169.254.169.254/123456789012/hostless"
    with bench(sender=AwsSender(endpoint_url=aws)) as here:
        here.client.send_test_event_notification(
            Notification=specification("SQS", elsewhere), TestEventType="Ping"
        )
        deliver(here)

    assert "Ping" in sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]


@pytest.mark.parametrize(
    ("transport", "destination"),
    [
        ("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/told.fifo"),
        ("SNS", "arn:aws:sns:us-east-1:123456789012:told.fifo"),
        ("SQS", "https://sqs.made-up-1.amazonaws.com/123456789012/told"),
        ("SNS", "arn:aws:sns:made-up-1:123456789012:told"),
        ("SNS", "arn:aws:sqs:us-east-1:123456789012:told"),
    ],
)
def test_a_destination_to_which_nothing_can_be_delivered_is_refused(
    here: Bench, transport: str, destination: str
) -> None:
    with pytest.raises(here.client.exceptions.RequestError, match="FIFO") as refused:
        subscribed(here, specification(transport, destination))

    assert refused.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.InvalidTransportEndpoint"


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_every_region_of_aws_can_be_told(here: Bench, mailbox: Mailbox, region: str) -> None:
    topic = f"arn:aws:sns:{region}:123456789012:told"
    hit_of(here, subscribed(here, specification("SNS", topic)))
    deliver(here)

    assert [message.destination for message in mailbox.messages] == [topic]


@pytest.mark.usefixtures("keys")
def test_clients_are_not_kept_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    sender = AwsSender(endpoint_url=f"http://127.0.0.1:{port}")
    for number in range(20):
        topic = f"arn:aws:sns:made-up-{number}:123456789012:told"
        message = Message(number=1, transport="SNS", destination=topic, body="{}", attempts=0)
        with pytest.raises(EndpointConnectionError):
            sender.send(message)

    assert len(sender._clients) == 16


class Slow:
    """A sender to which every send takes the longest that a send can, and fails; meanwhile `rival` is at work."""

    def __init__(self, wall: MovableClock) -> None:
        self.wall = wall
        self.rival: Courier | None = None
        self.tried: list[int] = []

    def send(self, message: Message) -> None:
        self.tried.append(message.number)
        self.wall.advance(seconds=7)
        assert self.rival is not None
        self.rival.deliver_due()
        raise ConnectTimeoutError(endpoint_url="http://secret.invalid/")


def test_no_lease_runs_out_while_its_batch_is_being_sent() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    slow = Slow(wall)
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        for number in range(5):
            topic = f"arn:aws:sns:us-east-1:123456789012:told-{number}"
            here.client.send_test_event_notification(
                Notification=specification("SNS", topic), TestEventType="Ping"
            )
        mailbox.away = False
        wall.advance(seconds=130)
        database = here.app.extensions["marketplace"].database
        slow.rival = Courier(database, mailbox, clock=wall)
        Courier(database, slow, clock=wall).deliver_due()

    # What failed may be sent by the rival after its pause; what is leased may not.
    assert slow.tried == [1, 2, 3, 4, 5]
    assert [message.number for message in mailbox.messages] == [1, 2, 3, 4]


def test_a_slow_destination_costs_the_others_one_time_out_and_not_one_for_each_of_its_messages() -> None:
    mailbox, wall = Mailbox(), MovableClock()
    mailbox.away = True
    with bench(sender=mailbox, signature_clock=wall) as here:
        away = specification("SNS", "arn:aws:sns:us-east-1:123456789012:away")
        for _ in range(12):
            here.client.send_test_event_notification(Notification=away, TestEventType="Ping")
        here.client.send_test_event_notification(Notification=specification(), TestEventType="Ping")
        mailbox.away = False
        wall.advance(seconds=130)
        database = here.app.extensions["marketplace"].database
        picky = Picky(mailbox, away["Destination"])
        courier = Courier(database, picky, clock=wall)
        courier.deliver_due()
        courier.deliver_due()

    assert (picky.refused, len(mailbox.messages)) == (1, 1)


class Picky:
    """A sender for which one destination is away."""

    def __init__(self, mailbox: Mailbox, away: str) -> None:
        self.mailbox = mailbox
        self.away = away
        self.refused = 0

    def send(self, message: Message) -> None:
        if message.destination == self.away:
            self.refused += 1
            raise ConnectTimeoutError(endpoint_url="http://secret.invalid/")
        self.mailbox.send(message)
