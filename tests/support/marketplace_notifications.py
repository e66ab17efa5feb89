"""Requesters who asked to be notified, and a sender that keeps what it is given."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import EndpointConnectionError

from pixelpatchwork.marketplace.delivery import Courier, Message
from tests.support.marketplace import Bench, hit_request

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

    is_stand_in = False

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


def deliver(here: Bench) -> None:
    courier: Courier = here.app.extensions["courier"]
    while courier.deliver_due():
        pass
