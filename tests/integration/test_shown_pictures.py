"""A picture that is asked for where workers' browsers will ask for it: what counts as one, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pixelpatchwork.adapters.shown_pictures import require_shown
from pixelpatchwork.domain.errors import ImageMissing


@contextmanager
def serving(status: int, **headers: str) -> Iterator[str]:
    """A site that answers every HEAD like this. Gives its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, *_what: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_picture_is_one() -> None:
    with serving(200, Content_Type="image/png") as site:
        require_shown(site, "/pictures/full/a.png")


@pytest.mark.parametrize(
    ("status", "kind", "said"), [(404, "image/png", "404"), (200, "text/html", "text/html")]
)
def test_an_error_or_a_page_is_none(status: int, kind: str, said: str) -> None:
    with serving(status, Content_Type=kind) as site, pytest.raises(ImageMissing, match=f"with {said}"):
        require_shown(site, "/pictures/full/a.png")


def test_nobody_is_led_elsewhere_for_it() -> None:
    with (
        serving(200, Content_Type="image/png") as elsewhere,
        serving(302, Location=elsewhere) as site,
        pytest.raises(ImageMissing, match="with 302"),
    ):
        require_shown(site, "/pictures/full/a.png")


def test_a_site_that_does_not_answer_is_not_spoken_of() -> None:
    require_shown("http://127.0.0.1:9", "/pictures/full/a.png")
