"""Queues and topics: which can be named, and how SQS and SNS are reached."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.server import ThreadedMotoServer

from pixelpatchwork.marketplace.delivery import AwsSender, Message
from tests.support.marketplace import Bench, bench
from tests.support.marketplace_notifications import Mailbox, deliver, hit_of, specification, subscribed


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


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def here(mailbox: Mailbox) -> Iterator[Bench]:
    with bench(sender=mailbox) as found:
        yield found


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
        ("SQS", "https://evil.example/123456789012/told"),
        ("SQS", "http://169.254.169.254/123456789012/told"),
        ("SQS", "http://sqs.us-east-1.amazonaws.com/123456789012/told"),
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


def test_a_queue_elsewhere_is_refused_where_nothing_is_sent() -> None:
    with bench() as here, pytest.raises(here.client.exceptions.RequestError, match="AWS's regions"):
        subscribed(here, specification("SQS", "https://evil.example/123456789012/told"))


def test_a_stand_in_needs_no_credentials_of_aws(
    aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyed = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=aws,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    queue = keyed.create_queue(QueueName="keyless")["QueueUrl"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    AwsSender(endpoint_url=aws).send(
        Message(number=1, transport="SQS", destination=queue, body="{}", attempts=0)
    )

    assert keyed.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "{}"


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
