"""What servers send: queue messages, replies of an images server, pictures. Whatever it is, its end is foreseen."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai import APIResponse
from PIL import Image

from pixelpatchwork.adapters.openai_answers import (
    is_flagged,
    picture_of,
    read_object,
    shutdown_date_of,
    usage_of,
)
from pixelpatchwork.domain.errors import EditorStopped, EditOutcomeUnknown
from pixelpatchwork.domain.pictures import PictureError, read_png
from pixelpatchwork.domain.signals import hits_named
from tests.support.hostile import bent, hostile, little_memory, require_reason

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
STRANGE = st.sampled_from(
    [
        "[" * 3_000,
        '{"a":' * 3_000,
        "9" * 5_000,
        "1e999",
        "NaN",
        "\\ud800",
        "null",
        "{}",
        "[]",
        '"',
        "\x00",
        "\ufeff",
    ]
)
pieces = st.one_of(STRANGE, st.text(max_size=40))

# ---- queue messages -------------------------------------------------------------------------------------


def notification(event: str, hit_id: str, *, over_sns: bool) -> str:
    """As Mechanical Turk wrote it."""
    body = json.dumps(
        {
            "Events": [
                {
                    "EventType": event,
                    "EventTimestamp": "2019-08-09T21:17:16Z",
                    "HITId": hit_id,
                    "AssignmentId": "ASSIGNMENT1",
                    "HITTypeId": "TYPE1",
                }
            ],
            "EventDocId": "x",
            "SourceAccount": "1",
            "CustomerId": "A1",
            "EventDocVersion": "2014-08-15",
        }
    )
    return json.dumps({"Type": "Notification", "Message": body}) if over_sns else body


notifications = st.builds(
    notification,
    st.sampled_from(["AssignmentSubmitted", "HITReviewable", "Ping"]),
    st.one_of(st.from_regex(r"[A-Z0-9]{1,70}", fullmatch=True), st.text(max_size=70)),
    over_sns=st.booleans(),
)
bodies = st.one_of(
    notifications,
    bent(notifications, pieces),
    json_values.map(json.dumps),
    json_values.map(lambda value: json.dumps({"Events": value})),
    json_values.map(lambda value: json.dumps({"Events": [value], "Message": value})),
    json_values.map(lambda value: json.dumps({"Message": json.dumps(value)})),
)


@hostile
@given(bodies)
@example("[" * 1_000_000)
@example("9" * 1_000_000)
@example(notification("AssignmentSubmitted", "../HIT1", over_sns=True))
def test_a_queue_message_names_hits_or_none(body: str) -> None:
    assert all(one.isascii() and one.isalnum() and 0 < len(one) <= 64 for one in hits_named(body))


@hostile
@given(st.from_regex(r"[A-Z0-9]{1,64}", fullmatch=True), st.booleans())
def test_a_queue_message_as_mechanical_turk_writes_it_names_its_hit(hit_id: str, over_sns: bool) -> None:
    assert hits_named(notification("AssignmentSubmitted", hit_id, over_sns=over_sns)) == {hit_id}


# ---- replies of an images server ------------------------------------------------------------------------


class Reply:
    """What is read of a response: its headers, and its bytes in chunks."""

    def __init__(self, chunks: Sequence[bytes], content_type: str) -> None:
        self.headers: Mapping[str, str] = {"content-type": content_type}
        self._chunks = chunks

    def iter_bytes(self) -> Iterator[bytes]:
        return iter(self._chunks)


def answered(picture: object, usage: object) -> str:
    """As OpenAI's API answers."""
    return json.dumps({"created": 1, "data": [{"b64_json": picture}], "usage": usage})


usages = st.one_of(
    st.just(
        {
            "input_tokens": 9,
            "output_tokens": 5,
            "input_tokens_details": {"image_tokens": 4, "text_tokens": 5},
        }
    ),
    st.dictionaries(st.sampled_from(["output_tokens", "input_tokens_details"]), json_values),
    json_values,
)
pictures_as_text = st.one_of(
    st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode()), json_values
)
replies = st.one_of(
    bent(st.builds(answered, pictures_as_text, usages), pieces),
    st.builds(answered, pictures_as_text, usages),
    st.dictionaries(
        st.sampled_from(["data", "usage", "results", "shutdown_date"]), json_values, max_size=4
    ).map(json.dumps),
)


@hostile
@given(replies, st.sampled_from(["application/json", "text/html", ""]))
@example("[" * 500_000, "application/json")
def test_a_reply_of_an_images_server_is_a_picture_or_an_outcome_with_a_name(
    text: str, content_type: str
) -> None:
    response = cast("APIResponse[Any]", Reply([text.encode(errors="surrogatepass")], content_type))
    try:
        body = read_object(response, has_time=lambda: True)
        usage = usage_of(body)
        shutdown_date_of(body)
        picture = picture_of(body)
    except (EditorStopped, EditOutcomeUnknown) as error:
        require_reason(error)
        return
    assert isinstance(picture, bytes)
    assert usage is None or all(
        count is None or count >= 0
        for count in (usage.input_text_tokens, usage.input_image_tokens, usage.output_tokens)
    )


@pytest.mark.parametrize("length", [79_000_000, 90_000_000])
def test_the_longest_reply_takes_little_memory(length: int) -> None:
    """It is read up to 81 MB, of which a picture of 60 can be made."""
    chunks = (b'{"data":[{"b64_json":"', *[b"A" * 1_000_000] * (length // 1_000_000), b'"}]}')
    response = cast("APIResponse[Any]", Reply(chunks, "application/json"))
    with little_memory():
        try:
            size = len(picture_of(read_object(response, has_time=lambda: True)))
        except EditOutcomeUnknown as error:
            require_reason(error)
        else:
            assert size == length * 3 // 4


@hostile
@given(st.dictionaries(st.sampled_from(["results", "error"]), json_values))
def test_a_reply_of_the_moderation_is_yes_or_no_or_stops_the_queue(body: dict[str, Any]) -> None:
    try:
        assert is_flagged(body) in {True, False}
    except EditorStopped as error:
        require_reason(error)


# ---- pictures -------------------------------------------------------------------------------------------


def encoded(mode: str, kind: str, side: int, options: Mapping[str, Any]) -> bytes:
    """A small picture as a file."""
    shape = (side, side + 3, len(Image.new(mode, (1, 1)).getbands()))
    pixels = np.random.default_rng(side).integers(0, 256, shape, np.uint8)
    out = BytesIO()
    Image.fromarray(pixels.squeeze(), mode=None).convert(mode).save(out, kind, **options)
    return out.getvalue()


def claiming(data: bytes, width: int, height: int) -> bytes:
    """A PNG whose header says another size, with a checksum that is right."""
    header = struct.pack(">II", width, height) + data[24:29]
    return data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]


sides = st.integers(1, 40)
pngs = st.builds(encoded, st.sampled_from(["L", "RGB", "RGBA"]), st.just("PNG"), sides, st.just({}))
jpegs = st.builds(
    encoded,
    st.sampled_from(["L", "RGB"]),
    st.just("JPEG"),
    sides,
    st.sampled_from([{"quality": 40}, {"progressive": True}]),
)
webps = st.builds(
    encoded,
    st.sampled_from(["RGB", "RGBA"]),
    st.just("WEBP"),
    sides,
    st.sampled_from([{}, {"lossless": True}]),
)
claims = st.builds(claiming, pngs, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
tall = st.builds(claiming, pngs, st.integers(1, 5_000), st.integers(1, 5_000))
files = st.one_of(pngs, jpegs, webps)


@hostile
@given(st.one_of(files, bent(files, st.binary(max_size=40)), claims, tall, st.binary(max_size=200)))
def test_a_picture_is_plain_rgb_or_refused(data: bytes) -> None:
    try:
        picture = read_png(data)
    except PictureError as error:
        require_reason(error)
        return
    assert picture.mode == "RGB"
    assert picture.info == {}
    assert picture.width * picture.height <= 25_000_000


def blank_png(kind: tuple[int, int, int], width: int, height: int) -> bytes:
    """A picture of nothing, small as a file: `kind` is colour type, bits and channels of a PNG."""
    colour_type, bits, channels = kind
    packer = zlib.compressobj(level=1)
    row = bytes(1 + (width * bits * channels + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    palette = [(b"PLTE", bytes(6)), (b"tRNS", b"\x7f")] if colour_type == 3 else []
    chunks = [(b"IHDR", header), *palette, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind_ + content + struct.pack(">I", zlib.crc32(kind_ + content))
        for kind_, content in chunks
    )


KINDS = {
    "grey": (0, 8, 1),
    "grey of 16 bits": (0, 16, 1),
    "colours": (2, 8, 3),
    "colours of 16 bits": (2, 16, 3),
    "palette": (3, 8, 1),
    "transparent grey": (4, 8, 2),
    "transparent colours": (6, 8, 4),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(5_000, 5_000), (64, 390_625), (1, 2_000_000), (5_000, 5_001)])
def test_a_small_file_that_unpacks_to_a_huge_picture_takes_little_memory(
    kind: str, size: tuple[int, int]
) -> None:
    data = blank_png(KINDS[kind], *size)
    with little_memory():
        try:
            assert read_png(data).size == size
        except PictureError as error:
            require_reason(error)
