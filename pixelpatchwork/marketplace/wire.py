"""The API's wire: JSON 1.1 over `POST /`, as botocore's service model describes it.

A call is: who signed it, which operation, is its input legal, run it in one transaction, answer. Everything that is
refused on the way is one of the error families in `errors`; a fault of our own is logged and answered as the
modelled ServiceFault, without a word about its cause.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from flask import Blueprint, Response
from flask import request as incoming
from werkzeug import Request
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace import auth
from pixelpatchwork.marketplace.clock import to_millis
from pixelpatchwork.marketplace.errors import (
    ApiError,
    SerializationException,
    ServiceFault,
    ThrottlingException,
)
from pixelpatchwork.marketplace.market import DEFAULT_REQUESTER, Market
from pixelpatchwork.marketplace.operations import Call, offered
from pixelpatchwork.marketplace.rates import Buckets
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.replays import Replays, Use, places_of
from pixelpatchwork.marketplace.requesters import Keyring
from pixelpatchwork.marketplace.shapes import find_operation, read_input
from pixelpatchwork.marketplace.suspensions import is_requester_suspended, requester_suspended

# Set by the embedded transport in the WSGI environ. No header of a remote client can end up under this name.
TRUSTED = "pixelpatchwork.marketplace.trusted"
MAX_BODY_BYTES = 1_048_576
_TARGET_PREFIX = "MTurkRequesterServiceV20170117."
_CONTENT_TYPE = "application/x-amz-json-1.1"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Api:
    """What the wire needs: the marketplace, its access keys and used signatures, and the true time of day.

    `buckets` bound how fast each key may call; without them there is no such limit.
    """

    market: Market
    keyring: Keyring
    replays: Replays
    signature_clock: Callable[[], datetime]
    buckets: Buckets | None = None

    def blueprint(self) -> Blueprint:
        """`POST /` as a Flask blueprint."""
        pages = Blueprint("api", __name__)
        pages.add_url_rule("/", "call", self._answer, methods=["POST"])
        return pages

    def _answer(self) -> Response:
        try:
            return _response(200, self._call(incoming))
        except ApiError as error:
            return _response(error.status, error.body(self.market.now()))
        except HTTPException as error:
            # The body was too large, or broke off.
            return transport_refusal(error)
        except Exception:
            # The edge: whatever went wrong, a client must get the modelled fault, and the log the cause.
            _log.exception("An API call failed.")
            fault = ServiceFault()
            return _response(fault.status, fault.body(self.market.now()))

    def _call(self, request: Request) -> dict[str, Any]:
        body = _read_body(request)
        signed = self._identify(request, body)
        self._throttle(signed)
        target = request.headers.get("X-Amz-Target", "")
        name = target.removeprefix(_TARGET_PREFIX)
        model = find_operation(name)
        if model is None or not target.startswith(_TARGET_PREFIX):
            raise ApiError("UnknownOperationException", "This service has no such operation.")
        members = read_input(model, _parse(body))
        operation = offered(name)
        operation.check(members)
        requester_id = DEFAULT_REQUESTER if signed is None else signed.key.requester_id

        def act(moment: Moment) -> dict[str, Any]:
            # Refused in here, so that the signature counts as used. Who was looked up with his key is not asked again.
            if signed.key.is_suspended if signed else is_requester_suspended(moment, requester_id):
                raise requester_suspended()
            return operation.act(Call(moment=moment, requester_id=requester_id, request=members))

        if signed is None:
            return self.market.write(act) if operation.writes else self.market.read(act)
        use = self._use_of(signed, places=places_of(name, members))
        return self.replays.write(use, act) if operation.writes else self.replays.read(use, act)

    def _identify(self, request: Request, body: bytes) -> auth.Signed | None:
        """Who signed the request; nobody needs to in process."""
        if request.environ.get(TRUSTED) is True:
            return None
        return auth.verify(request, body, find_key=self.keyring.find, now=self.signature_clock())

    def _throttle(self, signed: auth.Signed | None) -> None:
        """Refuses a call beyond its key's rate. What never left this process is not counted."""
        if signed is not None and self.buckets is not None and not self.buckets.take(signed.key.key_id):
            raise ThrottlingException

    def _use_of(self, signed: auth.Signed, *, places: int | None) -> Use:
        now = to_millis(self.signature_clock())
        return Use(signature=signed.signature, sdk_attempt=signed.sdk_attempt, at=now, places=places)


def transport_refusal(error: HTTPException) -> Response:
    """What the transport refuses of a call before the API sees it, in the wire's form."""
    return _response(error.code or 400, {"__type": type(error).__name__, "message": error.description})


def is_call(request: Request) -> bool:
    """True where a program means the API, whichever address it asked."""
    return "X-Amz-Target" in request.headers


def _read_body(request: Request) -> bytes:
    request.max_content_length = MAX_BODY_BYTES
    return request.get_data(cache=False)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise SerializationException("The body is not JSON.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _response(status: int, members: Mapping[str, Any]) -> Response:
    """With an id of its own, as each answer of AWS has one: clients note it, and quote it when they ask for help."""
    body = json.dumps(members, ensure_ascii=False).encode()
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(body, status=status, headers=headers, content_type=_CONTENT_TYPE)
