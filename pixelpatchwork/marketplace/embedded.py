"""The marketplace without a server: boto3 asks, the application answers in the same process.

botocore offers every request to its `before-send` hooks before it opens a socket. The hook hands it to the WSGI
application, so the same wire format, checks and errors apply as over a socket; only the signature is not needed,
because nobody stands between the two. There is no thread either: what is due for requesters' queues is sent after
the answer to a call, within a bounded time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from pixelpatchwork.marketplace.delivery import Courier
from pixelpatchwork.marketplace.faults import AnswerLostError
from pixelpatchwork.marketplace.wire import TRUSTED

_DELIVERY_SECONDS = 2.0
# Whatever the client's endpoint is called: it is this machine that asks.
_THIS_PROCESS = "http://localhost"


class _Client(Protocol):
    """What `attach` needs of a boto3 client."""

    @property
    def meta(self) -> Any: ...


class _Body(io.BytesIO):
    """A response body in the form in which botocore reads one."""

    def stream(self, **_options: Any) -> Iterator[bytes]:
        """The whole body."""
        yield self.read()


def attach(client: _Client, app: Flask) -> None:
    """Makes a boto3 `mturk` client reach this application in process, without a socket and without keys."""

    def answer(request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
        return _answer(app, request)

    def choose_no_signature(**_event: Any) -> Any:
        return UNSIGNED

    client.meta.events.register("before-send.mturk", answer)
    client.meta.events.register("choose-signer.mturk", choose_no_signature)


def _answer(app: Flask, request: AWSPreparedRequest) -> AWSResponse:
    environ = create_environ(
        path=urlsplit(str(request.url)).path or "/",
        base_url=_THIS_PROCESS,
        method=request.method,
        headers=[(name, _text(value)) for name, value in request.headers.items()],
        data=request.body or b"",
    )
    environ[TRUSTED] = True
    try:
        chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    except AnswerLostError as error:
        raise ReadTimeoutError(endpoint_url=str(request.url)) from error
    courier: Courier | None = app.extensions.get("courier")
    if courier is not None:
        courier.deliver_within(_DELIVERY_SECONDS)
    members = HTTPHeaders()
    for name, value in headers:
        members[name] = value
    return AWSResponse(str(request.url), int(status.split(" ", 1)[0]), members, _Body(b"".join(chunks)))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
