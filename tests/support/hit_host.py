"""A stand-in for a marketplace's page: HIT documents in sandboxed frames, a strict policy, answers kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self'; form-action 'self'"
)
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"


def html_of(question: str) -> str:
    """The HTML document that an HTMLQuestion carries."""
    content = ElementTree.fromstring(question)[0]
    return content.text or ""


@dataclass
class HitHost:
    """What the server serves and what it was sent."""

    origin: str = ""
    documents: dict[str, str] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    answers: list[dict[str, str]] = field(default_factory=list)
    answered: Event = field(default_factory=Event)

    def frame_url(
        self, name: str, *, assignment_id: str = "3ASSIGNMENT", submit_to: str | None = None
    ) -> str:
        """The address of a page whose sandboxed frame shows the document `name`."""
        return f"{self.origin}/frame?{self._query(name, assignment_id, submit_to)}"

    def document_url(
        self, name: str, *, assignment_id: str = "3ASSIGNMENT", submit_to: str | None = None
    ) -> str:
        """The address of the document itself."""
        return f"{self.origin}/document?{self._query(name, assignment_id, submit_to)}"

    def _query(self, name: str, assignment_id: str, submit_to: str | None) -> str:
        submit_to = f"{self.origin}/" if submit_to is None else submit_to
        return urlencode(
            {
                "name": name,
                "assignmentId": assignment_id,
                "hitId": "3HIT",
                "workerId": "A1",
                "turkSubmitTo": submit_to,
            }
        )


@contextmanager
def hit_host() -> Iterator[HitHost]:
    """The server, on a free port of the loopback interface."""
    host = HitHost()
    handler = type("Handler", (_Handler,), {"host": host})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        host.origin = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    host: HitHost

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = parse_qs(url.query).get("name", [""])[0]
        if url.path == "/frame":
            source = f"/document?{url.query}".replace("&", "&amp;")
            self._send(
                "<!DOCTYPE html><style>html,body,iframe{margin:0;border:0;width:100%;height:100%}</style>"
                f'<iframe id="hit" sandbox="allow-scripts allow-forms" src="{source}"></iframe>'.encode(),
                "text/html; charset=utf-8",
            )
        elif url.path == "/document":
            self._send(self.host.documents[name].encode(), "text/html; charset=utf-8", policy=POLICY)
        elif url.path in self.host.images:
            self._send(self.host.images[url.path], "image/png")
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = parse_qs(body, keep_blank_values=True)
        assert all(len(values) == 1 for values in fields.values()), "a repeated field name"
        self.host.answers.append({name: values[0] for name, values in fields.items()} | {"path": self.path})
        self._send(b"<!DOCTYPE html><p id=thanks>Thank you", "text/html; charset=utf-8")
        self.host.answered.set()

    def _send(self, body: bytes, kind: str, *, policy: str | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""
