"""What `/pictures/...` gives out beside the workers' site, and what it never does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client, TestResponse

from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.adapters.picture_site import PictureSite

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers every address with the address."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    images = FolderImages(tmp_path / "images")
    images.put("full/a1.png", b"a picture", content_type="image/png")
    images.put("thumbnails/a1.jpg", b"a thumbnail", content_type="image/jpeg")
    images.put("raw/e1", b"what the editor sent", content_type="image/png")
    (tmp_path / "study.db").write_bytes(b"worker ids")
    (tmp_path / "images" / "loose.png").write_bytes(b"loose")
    return Client(PictureSite(site, images))


def ask(client: Client, path: str, method: str = "GET") -> TestResponse:
    return client.open(path, method=method)


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/pictures/full/a1.png", "image/png", b"a picture"),
        ("/pictures/thumbnails/a1.jpg", "image/jpeg", b"a thumbnail"),
    ],
)
def test_pictures_and_thumbnails_are_given_out(
    client: Client, path: str, content_type: str, body: bytes
) -> None:
    answer = ask(client, path)
    assert (answer.status_code, answer.content_type, answer.data) == (200, content_type, body)
    assert answer.content_length == len(body)


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/raw/e1",
        "/pictures/full/../raw/e1",
        "/pictures/full/%2e%2e/raw/e1",
        "/pictures/full/..%2f..%2fstudy.db",
        "/pictures/../study.db",
        "/pictures//full/a1.png",
        "/pictures/full//a1.png",
        "/pictures/full\\a1.png",
        "/pictures/full/a1.png/",
        "/pictures/full/a1.png%00.png",
        "/pictures/full/none.png",
        "/pictures/full/",
        "/pictures/full",
        "/pictures/",
        "/pictures/loose.png",
        "/pictures/full/" + "a" * 5000,
        "/pictures/full/ä.png",
        "/pictures/full/%ff.png",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else_is(client: Client, path: str, method: str) -> None:
    answer = ask(client, path, method)
    assert answer.status_code == 404
    assert b"worker ids" not in answer.data
    assert b"editor" not in answer.data


def test_a_picture_may_be_kept_for_ever_and_read_by_a_frame_of_any_origin(client: Client) -> None:
    headers = ask(client, "/pictures/full/a1.png").headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'"


def test_head_tells_what_get_would_without_the_picture(client: Client) -> None:
    head, get = ask(client, "/pictures/full/a1.png", "HEAD"), ask(client, "/pictures/full/a1.png")
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_picture_can_be_read_and_nothing_else(client: Client, method: str) -> None:
    answer = ask(client, "/pictures/full/a1.png", method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/", "/hits/1", "/pictures", "/picturesque/full/a1.png"])
def test_every_other_address_is_the_sites(client: Client, path: str) -> None:
    assert ask(client, path).data == path.encode()
    assert ask(client, path, "POST").data == path.encode()
