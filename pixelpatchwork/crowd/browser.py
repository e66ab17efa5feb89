"""What a simulated worker holds in the hand: pages, forms and pictures over HTTP, in process or over sockets.

A browser keeps its own cookies, follows redirects, and fills in a form as a person's browser would: fields that the
worker leaves alone go out with the value they came with, hidden ones included. It runs no scripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Protocol
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

from bs4 import BeautifulSoup, Tag
from werkzeug.test import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAX_BYTES = 64_000_000
"""Of one answer of a server: a lossless picture of 4000 x 4000 pixels fits."""

TIMEOUT_SECONDS = 30.0

Values = Mapping[str, str | None]
"""What a worker enters, by field. None takes a field out, as an unticked box is."""


class CrowdTrouble(Exception):  # noqa: N818  # the crowd's word for it, as its callers know it
    """A page or picture could not be had. `status` is the HTTP status, or None where no answer came at all."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_refusal(self) -> bool:
        """The site answered and said no (4xx), as it does to a worker who is too late."""
        return self.status is not None and 400 <= self.status < 500


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as it came. `fields` are the values that go out unless the worker enters others."""

    action: str
    method: str
    fields: Mapping[str, str]
    tag: Tag

    def filled(self, values: Values) -> dict[str, str]:
        """The fields as they go out."""
        return {name: value for name, value in {**self.fields, **values}.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Page:
    """An HTML page, at the address where redirects ended."""

    status: int
    url: str
    html: str

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page's elements."""
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The page's forms, in order; a form without an action leads back to the page."""
        return tuple(self._form(tag) for tag in self.soup.find_all("form"))

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the page's own address."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def form(self, selector: str) -> Form | None:
        """The first form that a CSS selector names."""
        tag = self.soup.select_one(selector)
        return None if tag is None else self._form(tag)

    def link(self, address: str) -> str:
        """An address that stands on the page, as an absolute one."""
        return urljoin(self.url, address)

    def _form(self, tag: Tag) -> Form:
        return Form(
            action=self.link(attribute(tag, "action")),
            method=attribute(tag, "method").lower() or "get",
            fields=_initial_fields(tag),
            tag=tag,
        )


class Browser(Protocol):
    """Pages, forms and pictures. Every call raises CrowdTrouble unless the answer's status is 200."""

    def get(self, url: str) -> Page:
        """Opens a page; `url` may be relative to the site's root."""
        ...

    def submit(self, form: Form, values: Values) -> Page:
        """Sends a form with what the worker entered, and gives the page that follows."""
        ...

    def fetch(self, url: str) -> bytes:
        """Loads a picture."""
        ...


class HttpBrowser:
    """A browser over sockets, for a site that is served. `max_bytes` bounds each answer that it reads."""

    def __init__(self, base_url: str, *, max_bytes: int = MAX_BYTES) -> None:
        self._base_url = base_url
        self._max_bytes = max_bytes
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, url: str) -> Page:
        """Opens a page; `url` may be relative to the site's root."""
        return self._page(self._request(url))

    def submit(self, form: Form, values: Values) -> Page:
        """Sends a form with what the worker entered, and gives the page that follows."""
        fields = urlencode(form.filled(values))
        if form.method == "get":
            return self._page(self._request(f"{form.action.partition('?')[0]}?{fields}"))
        return self._page(self._request(form.action, fields.encode()))

    def fetch(self, url: str) -> bytes:
        """Loads a picture."""
        return self._open(self._request(url))[1]

    def _request(self, url: str, data: bytes | None = None) -> Request:
        address = urljoin(self._base_url, url)
        if urlsplit(address).scheme not in {"http", "https"}:
            raise CrowdTrouble(f"{_short(address)} is no address on the web.")
        return Request(address, data=data, headers={"Accept": "*/*"})  # noqa: S310  # the scheme is checked above

    def _page(self, request: Request) -> Page:
        url, body = self._open(request)
        return Page(status=200, url=url, html=body.decode("utf-8", "replace"))

    def _open(self, request: Request) -> tuple[str, bytes]:
        where = f"{request.get_method()} {_short(request.full_url)}"
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                body: bytes = response.read(self._max_bytes + 1)
                status, url = response.status, response.url
        except HTTPError as error:
            with error:
                raise CrowdTrouble(f"{where} gave status {error.code}.", status=error.code) from error
        except (OSError, HTTPException) as error:
            raise CrowdTrouble(f"{where} gave no answer: {error}") from error
        if status != 200:
            raise CrowdTrouble(f"{where} gave status {status}.", status=status)
        if len(body) > self._max_bytes:
            raise CrowdTrouble(f"{where} gave more than {self._max_bytes:,} bytes.")
        return url, body


class WsgiBrowser:
    """A browser that calls a WSGI application in process.

    Addresses below `base_url` go to the application, pictures elsewhere (an S3 bucket, say) over sockets.
    """

    def __init__(self, app: WSGIApplication, base_url: str = "http://localhost") -> None:
        self._client = Client(app)
        self._base_url = base_url
        self._outside = HttpBrowser(base_url)

    def get(self, url: str) -> Page:
        """Opens a page; `url` may be relative to the site's root."""
        return self._page(url)

    def submit(self, form: Form, values: Values) -> Page:
        """Sends a form with what the worker entered, and gives the page that follows."""
        fields = form.filled(values)
        if form.method == "get":
            return self._page(f"{form.action.partition('?')[0]}?{urlencode(fields)}")
        return self._page(form.action, fields)

    def fetch(self, url: str) -> bytes:
        """Loads a picture."""
        if self._is_outside(url):
            return self._outside.fetch(url)
        return self._open(url)[1]

    def _is_outside(self, url: str) -> bool:
        here, there = urlsplit(self._base_url), urlsplit(urljoin(self._base_url, url))
        return (here.scheme, here.netloc) != (there.scheme, there.netloc)

    def _page(self, url: str, fields: dict[str, str] | None = None) -> Page:
        final_url, body = self._open(url, fields)
        return Page(status=200, url=final_url, html=body.decode("utf-8", "replace"))

    def _open(self, url: str, fields: dict[str, str] | None = None) -> tuple[str, bytes]:
        method = "GET" if fields is None else "POST"
        where = f"{method} {_short(url)}"
        if self._is_outside(url):
            raise CrowdTrouble(f"{where} leads away from {self._base_url}.")
        there = urlsplit(urljoin(self._base_url, url))
        answer = self._client.open(
            path=there._replace(scheme="", netloc="", fragment="").geturl() or "/",
            base_url=f"{there.scheme}://{there.netloc}",
            method=method,
            data=fields,
            follow_redirects=True,
        )
        with closing(answer) as response:
            if response.status_code != 200:
                raise CrowdTrouble(
                    f"{where} gave status {response.status_code}.", status=response.status_code
                )
            return response.request.url, response.get_data()


def attribute(tag: Tag, name: str) -> str:
    """An attribute's text, "" where it is not there."""
    value = tag.get(name)
    return value if isinstance(value, str) else " ".join(value or ())


def _initial_fields(form: Tag) -> dict[str, str]:
    """What the form sends when nobody touches it. Buttons, files and unticked boxes send nothing."""
    fields: dict[str, str] = {}
    for tag in form.find_all(["input", "textarea", "select"]):
        name = attribute(tag, "name")
        value = _initial_value(tag)
        if name and value is not None and not tag.has_attr("disabled"):
            fields[name] = value
    return fields


def _initial_value(tag: Tag) -> str | None:
    match tag.name, attribute(tag, "type").lower():
        case "textarea", _:
            return tag.get_text()
        case "select", _:
            chosen = tag.select_one("option[selected]") or tag.select_one("option")
            return None if chosen is None else attribute(chosen, "value") or chosen.get_text()
        case "input", "checkbox" | "radio":
            return (attribute(tag, "value") or "on") if tag.has_attr("checked") else None
        case "input", "submit" | "button" | "image" | "reset" | "file":
            return None
    return attribute(tag, "value")


def _short(url: str) -> str:
    """An address without its query, which names workers and assignments."""
    return url.partition("?")[0]
