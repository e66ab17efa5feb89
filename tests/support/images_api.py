"""A server on loopback that speaks the OpenAI images API as strictly as OpenAI does, and misbehaves on demand."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, UnidentifiedImageError
from werkzeug.formparser import parse_form_data

MODEL = "gpt-image-2.5-sunburst-2026-09-08"
KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
USAGE: Mapping[str, object] = {
    "input_tokens": 2_080,
    "input_tokens_details": {"text_tokens": 40, "image_tokens": 2_040},
    "output_tokens": 1_056,
    "total_tokens": 3_136,
}


@dataclass(frozen=True, kw_only=True)
class EditCall:
    """One accepted or refused `POST /v1/images/edits`, as it came. `fault` says why it was refused."""

    fields: Mapping[str, str]
    file_types: Mapping[str, tuple[str | None, str | None]]
    image_png: bytes
    mask_png: bytes
    headers: Mapping[str, str]
    fault: str | None = None

    @property
    def prompt(self) -> str:
        return self.fields.get("prompt", "")


Painter = Callable[[EditCall], bytes]


def paint_inside(call: EditCall) -> bytes:
    """A plain colour of the prompt's own inside the mask, and everything else a little brighter."""
    picture = np.asarray(Image.open(io.BytesIO(call.image_png)).convert("RGB")).astype(np.int16) + 3
    hole = np.asarray(Image.open(io.BytesIO(call.mask_png)).getchannel("A")) == 0
    picture[hole] = list(sha256(call.prompt.encode()).digest()[:3])
    return png(picture.clip(0, 255).astype(np.uint8))


def paint_noise(call: EditCall) -> bytes:
    """Noise everywhere: nothing of the given picture is kept."""
    width, height = Image.open(io.BytesIO(call.image_png)).size
    seed = int.from_bytes(sha256(call.prompt.encode()).digest()[:8], "big")
    return png(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What to answer instead of a picture.

    `body`: bytes as they are, anything else as JSON, None: the picture. `drop_after`: the connection is cut after
    so many bytes of the body, or before any answer where it is -1. `holds`: nothing comes until the server ends.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    holds: bool = False


PICTURE = Reply()


def error(status: int, code: str | None, message: str = "No.", **more: object) -> Reply:
    """An error in OpenAI's form. `headers=` for headers, `param=` and `type=` for the error's own fields."""
    headers = more.pop("headers", {})
    assert isinstance(headers, dict)
    body = {"error": {"message": message, "type": "image_generation_user_error", "code": code, **more}}
    return Reply(status=status, body=body, headers=headers)


class ImagesApi:
    """The server, as a context manager. `base_url` goes into the client.

    `replies` answers the next edits, `moderation_replies` the next screenings, in order; afterwards pictures come.
    `painter` paints them. `shutdown_dates` holds the models it knows. `calls` and `screened` record what came,
    `requests` counts all of it.
    """

    def __init__(self, *, painter: Painter = paint_inside, key: str | None = KEY) -> None:
        self.painter = painter
        self.key = key
        self.takes_gpt_image_fields = True
        self.usage: Mapping[str, object] | None = USAGE
        self.shutdown_dates: dict[str, str | None] = {MODEL: None}
        self.flagged_words: set[str] = {"forbidden"}
        self.replies: deque[Reply] = deque()
        self.moderation_replies: deque[Reply] = deque()
        self.model_replies: deque[Reply] = deque()
        self.calls: list[EditCall] = []
        self.screened: list[str] = []
        self.requests = 0
        self.ending = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"{self.proxy}/v1"

    @property
    def proxy(self) -> str:
        """As a client's proxy for plain http, the server stands in for any host."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # ---- the three addresses ----------------------------------------------------------------------------

    def edited(self, handler: _Handler, body: bytes) -> Reply:
        """POST /v1/images/edits."""
        call = _read_call(handler, body, strict=self.takes_gpt_image_fields)
        self.calls.append(call)
        reply = self.replies.popleft() if self.replies else PICTURE
        if reply.body is not None or reply.status != 200:
            return reply
        if call.fault:
            return error(400, "invalid_image_file", call.fault)
        if self.takes_gpt_image_fields and call.fields["model"] not in self.shutdown_dates:
            return error(404, "model_not_found", f"The model {call.fields['model']!r} does not exist.")
        painted = base64.b64encode(self.painter(call)).decode()
        answer: dict[str, object] = {"created": 1_764_000_000, "data": [{"b64_json": painted}]}
        if self.usage is not None:
            answer["usage"] = self.usage
        return Reply(body=answer, headers=reply.headers, drop_after=reply.drop_after, holds=reply.holds)

    def moderated(self, _handler: _Handler, body: bytes) -> Reply:
        """POST /v1/moderations."""
        text = json.loads(body)["input"]
        self.screened.append(text)
        if self.moderation_replies:
            return self.moderation_replies.popleft()
        flagged = any(word in text for word in self.flagged_words)
        return Reply(body={"id": "modr-1", "model": "omni", "results": [{"flagged": flagged}]})

    def model(self, handler: _Handler, _body: bytes) -> Reply:
        """GET /v1/models/<id>."""
        if self.model_replies:
            return self.model_replies.popleft()
        name = handler.address.rpartition("/")[2]
        if name not in self.shutdown_dates:
            return error(404, "model_not_found", f"The model {name!r} does not exist.")
        shutdown_date = self.shutdown_dates[name]
        return Reply(body={"id": name, "object": "model", "created": 1, "shutdown_date": shutdown_date})


class _Server(ThreadingHTTPServer):
    """One thread a connection; knows the API it serves."""

    daemon_threads = True

    def __init__(self, api: ImagesApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""

    @property
    def address(self) -> str:
        """The path that is asked for, also where the whole URL came because this is the client's proxy."""
        return urlsplit(self.path).path

    def do_GET(self) -> None:
        self._answer(self.server.api.model if self.address.startswith("/v1/models/") else None)

    def do_POST(self) -> None:
        addresses = {
            "/v1/images/edits": self.server.api.edited,
            "/v1/moderations": self.server.api.moderated,
        }
        self._answer(addresses.get(self.address))

    def _answer(self, address: Callable[[_Handler, bytes], Reply] | None) -> None:
        self.server.api.requests += 1
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        sent = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        if address is None:
            reply = Reply(status=404, body={"detail": "Not Found"})
        elif self.server.api.key not in {None, sent}:
            reply = error(401, "invalid_api_key", f"Incorrect API key provided: {sent}.")
        else:
            reply = address(self, body)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        """In one write, cut short where the reply says so."""
        if reply.holds:
            self.server.api.ending.wait(30)
        if reply.holds or reply.drop_after == -1:
            self.close_connection = True
            return
        is_text = isinstance(reply.body, bytes)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {
            "Content-Type": "text/plain" if is_text else "application/json",
            "Content-Length": str(len(body)),
            "x-request-id": "req_test",
            **reply.headers,
        }
        head = f"HTTP/1.1 {reply.status} Test\r\n" + "".join(
            f"{name}: {text}\r\n" for name, text in headers.items()
        )
        self.wfile.write(head.encode("latin-1") + b"\r\n" + body[: reply.drop_after])
        self.close_connection = reply.drop_after is not None


# ---- reading a request ----------------------------------------------------------------------------------


def _read_call(handler: _Handler, body: bytes, *, strict: bool) -> EditCall:
    environ = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": handler.headers.get("content-type", ""),
        "REQUEST_METHOD": "POST",
    }
    _, form, files = parse_form_data(environ)
    fields = form.to_dict()
    contents = {name: file.read() for name, file in files.items()}
    types = {name: (file.filename, file.content_type) for name, file in files.items()}
    repeated = [name for field in (form, files) for name in field if len(field.getlist(name)) > 1]
    for _, file in files.items(multi=True):
        file.close()
    fault = f"repeated: {repeated}" if repeated else _fault(fields, types, contents, strict=strict)
    return EditCall(
        fields=fields,
        file_types=types,
        image_png=contents.get("image", b""),
        mask_png=contents.get("mask", b""),
        headers={name.lower(): text for name, text in handler.headers.items()},
        fault=fault,
    )


def _fault(
    fields: Mapping[str, str],
    types: Mapping[str, tuple[str | None, str | None]],
    contents: Mapping[str, bytes],
    *,
    strict: bool,
) -> str | None:
    """What OpenAI would object to, or None."""
    if set(types) != {"image", "mask"}:
        return f"files must be image and mask, not {sorted(types)}"
    for name, (filename, content_type) in types.items():
        if content_type != "image/png" or not (filename or "").endswith(".png"):
            return f"{name}: unsupported mimetype {content_type} ({filename})"
    if not fields.get("prompt") or not fields.get("model"):
        return "prompt and model are required"
    if unknown := set(fields) - (_GPT_IMAGE_FIELDS if strict else _OTHER_FIELDS):
        return f"Unknown parameter: {sorted(unknown)}"
    return _picture_fault(fields.get("size", ""), contents, multiple=16 if strict else 1)


_GPT_IMAGE_FIELDS = frozenset(
    {"prompt", "model", "size", "n", "quality", "background", "output_format", "safety_identifier"}
)
_OTHER_FIELDS = frozenset({"prompt", "model", "size", "n", "response_format"})


def _picture_fault(size: str, contents: Mapping[str, bytes], *, multiple: int) -> str | None:
    try:
        with opened(contents["image"]) as image, opened(contents["mask"]) as mask:
            if f"{image.width}x{image.height}" != size:
                return f"size {size!r} is not the image's"
            if image.width % multiple or image.height % multiple:
                return f"size {size!r}: sides must be divisible by {multiple}"
            if mask.mode != "RGBA" or mask.size != image.size:
                return "the mask must have an alpha channel and the image's size"
    except UnidentifiedImageError:
        return "Invalid image file"
    return None


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """A picture from bytes, closed afterwards."""
    with Image.open(io.BytesIO(data)) as picture:
        yield picture
