"""What a requester wants to be told of, for each HIT type, and a test of whether he hears it.

Only SQS and SNS carry notifications. E-mail is refused: the marketplace sends none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError
from pixelpatchwork.marketplace.notifications import Destination, EventType, test_event
from pixelpatchwork.marketplace.operations.hit_types import own_hit_type
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.tables import notification

_VERSIONS = frozenset(["2006-05-05", "2014-08-15"])
_LONGEST_DESTINATION = 1_024


@operation("UpdateNotificationSettings", writes=True)
def update_notification_settings(call: Call) -> dict[str, Any]:
    """Sets the specification of a HIT type, replaces it, or turns it off and on again."""
    request = call.request
    hit_type_id = own_hit_type(call, request["HITTypeId"]).hit_type_id
    if "Notification" in request:
        specification = request["Notification"]
        _check(call, specification)
        if EventType.PING in specification["EventTypes"]:
            why = "Ping is for SendTestEventNotification only."
            raise ParameterValidationError("EventTypes", EventType.PING, why)
        _save(call, hit_type_id, {**_columns(specification), "active": request.get("Active", True)})
    elif "Active" not in request:
        raise ParameterValidationError("Notification", "null", "Send a Notification, or Active, or both.")
    elif not _change(call, hit_type_id, {"active": request["Active"]}):
        why = "This HIT type has no notification to turn on or off. Send a Notification."
        raise ParameterValidationError("Active", str(request["Active"]).lower(), why)
    return {}


@operation("SendTestEventNotification", writes=True)
def send_test_event_notification(call: Call) -> dict[str, Any]:
    """Sends one made-up event of any type to a destination."""
    destination = _check(call, call.request["Notification"])
    test_event(call.moment, EventType(call.request["TestEventType"]), destination)
    return {}


def _check(call: Call, specification: Mapping[str, Any]) -> Destination:
    """Where to, if all of it can be. Raises ParameterValidationError or RequestError `InvalidTransportEndpoint`."""
    if specification["Version"] not in _VERSIONS:
        why = f"Known versions: {', '.join(sorted(_VERSIONS))}."
        raise ParameterValidationError("Version", specification["Version"], why)
    if not specification["EventTypes"]:
        raise ParameterValidationError("EventTypes", "[]", "Name at least one.")
    if specification["Transport"] == "Email":
        raise ParameterValidationError("Transport", "Email", "E-mail is not offered. Use SQS or SNS.")
    address = specification["Destination"]
    destination = Destination(
        transport=specification["Transport"], address=address, requester_id=call.requester_id
    )
    if len(address) > _LONGEST_DESTINATION or not destination.is_well_formed(call.moment):
        raise RequestError(
            "InvalidTransportEndpoint",
            "The Destination is neither the URL of a standard queue (Transport SQS) nor the ARN of a standard topic "
            "(Transport SNS) in one of AWS's regions. FIFO queues and topics are not offered.",
        )
    return destination


def _columns(specification: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "destination": specification["Destination"],
        "transport": specification["Transport"],
        "version": specification["Version"],
        "event_types": json.dumps(sorted(set(specification["EventTypes"]))),
    }


def _save(call: Call, hit_type_id: str, values: dict[str, Any]) -> None:
    key = {"hit_type_id": hit_type_id, "requester_id": call.requester_id, "changed_at": call.moment.now}
    try:
        with call.moment.connection.begin_nested():
            call.moment.connection.execute(insert(notification), key | values)
    except IntegrityError:
        _change(call, hit_type_id, values)


def _change(call: Call, hit_type_id: str, values: dict[str, Any]) -> bool:
    """False where there is nothing to change."""
    statement = (
        update(notification)
        .where(notification.c.hit_type_id == hit_type_id)
        .values(**values, changed_at=call.moment.now)
    )
    return call.moment.connection.execute(statement).rowcount == 1
