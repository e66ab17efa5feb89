"""The crowd's browsers, both kinds against the same small site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from pixelpatchwork.crowd.browser import Browser, CrowdTrouble, HttpBrowser, Page, WsgiBrowser
from pixelpatchwork.marketplace.served import running

FORM = """<!DOCTYPE html><title>A form</title>
<form id="plain" action="echo?old=1" method="POST">
  <input type="hidden" name="token" value="t&amp;1"><input name="text" value="was"><input name="off" disabled value="x">
  <textarea name="long">two
lines</textarea>
  <input type="checkbox" name="ticked" value="yes" checked><input type="checkbox" name="unticked" value="yes">
  <input type="radio" name="vote" value="up"><input type="radio" name="vote" value="skip" checked>
  <select name="one"><option value="a">A</option><option selected>B</option></select>
  <select name="first"><option value="a">A</option><option>B</option></select><select name="none"></select>
  <input type="submit" name="button" value="Go"><input type="file" name="file"><input value="nameless">
</form>
<form id="search"><input name="q"></form>"""


def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    request = Request(environ)
    answers: dict[str, Callable[[Request], Response]] = {
        "/": lambda _: Response("<title>Home</title>", content_type="text/html"),
        "/forms/": lambda _: Response(FORM, content_type="text/html"),
        "/forms/echo": _echo,
        "/moved": lambda _: redirect("/forms/?after=1", 303),
        "/in": _sign_in,
        "/who": lambda one: Response(one.cookies.get("who", "nobody")),
        "/picture": lambda _: Response(b"\x89PNG\x00\xff", content_type="image/png"),
        "/late": lambda _: Response("too late", status=409),
        "/broken": lambda _: Response("oh", status=500),
        "/nothing": lambda _: Response(status=204),
    }
    answer = answers.get(request.path, _unknown)(request)
    return answer(environ, start_response)


def _unknown(_request: Request) -> Response:
    return Response("no such page", status=404)


def _echo(request: Request) -> Response:
    fields = "".join(f"<p>{name}={value}</p>" for name, value in request.form.items(multi=True))
    return Response(f"<i>{request.method} {request.query_string.decode()}</i>{fields}")


def _sign_in(_request: Request) -> Response:
    response = redirect("/who", 303)
    response.set_cookie("who", "Ada")
    return response


@pytest.fixture(scope="module")
def browsers() -> Iterator[dict[str, Callable[[], Browser]]]:
    with ExitStack() as stack:
        url = stack.enter_context(running(site))
        yield {"in process": lambda: WsgiBrowser(site), "over sockets": lambda: HttpBrowser(url)}


@pytest.fixture(params=["in process", "over sockets"])
def browser(request: pytest.FixtureRequest, browsers: dict[str, Callable[[], Browser]]) -> Browser:
    return browsers[request.param]()


def echoed(page: Page) -> list[str]:
    return [tag.get_text() for tag in page.soup.find_all("p")]


def test_a_page_is_opened_by_an_address_relative_to_the_site(browser: Browser) -> None:
    page = browser.get("/")
    assert page.status == 200
    assert page.soup.title is not None
    assert page.soup.title.get_text() == "Home"
    assert page.forms == ()


def test_redirects_are_followed_and_the_page_knows_where_it_is(browser: Browser) -> None:
    page = browser.get("/moved")
    assert page.url.endswith("/forms/?after=1")
    assert page.query == {"after": "1"}
    assert page.link("x").endswith("/forms/x")


def test_a_form_goes_out_as_it_came_with_what_was_entered(browser: Browser) -> None:
    form = browser.get("/forms/").form("form#plain")
    assert form is not None
    page = browser.submit(form, {"text": "now ü \U0001f3a8", "ticked": None, "vote": "up", "new": "n"})
    assert page.soup.i is not None
    assert page.soup.i.get_text() == "POST old=1"
    assert echoed(page) == [
        "token=t&1",
        "text=now ü \U0001f3a8",
        "long=two\nlines",
        "vote=up",
        "one=B",
        "first=a",
        "new=n",
    ]


def test_a_form_without_an_action_leads_back_to_its_page_as_a_query(browser: Browser) -> None:
    form = browser.get("/forms/?old=1").forms[1]
    assert browser.submit(form, {"q": "a b"}).url.endswith("/forms/?q=a+b")


def test_each_browser_keeps_its_own_cookies(browsers: dict[str, Callable[[], Browser]]) -> None:
    for make in browsers.values():
        ada, other = make(), make()
        assert ada.get("/in").html == "Ada"
        assert ada.get("/who").html == "Ada"
        assert other.get("/who").html == "nobody"


def test_a_picture_comes_as_its_bytes(browser: Browser) -> None:
    assert browser.fetch("/picture") == b"\x89PNG\x00\xff"


@pytest.mark.parametrize(
    ("path", "status", "refusal"),
    [("/late", 409, True), ("/x", 404, True), ("/broken", 500, False), ("/nothing", 204, False)],
)
def test_every_other_status_is_trouble(browser: Browser, path: str, status: int, refusal: bool) -> None:
    with pytest.raises(CrowdTrouble, match=rf"{path} gave status {status}") as caught:
        browser.get(f"{path}?workerId=A1")
    assert caught.value.status == status
    assert caught.value.is_refusal is refusal
    assert "A1" not in str(caught.value)
    with pytest.raises(CrowdTrouble, match=str(status)):
        browser.fetch(path)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:text/plain,x"])
def test_only_the_web_is_opened(browser: Browser, address: str) -> None:
    with pytest.raises(CrowdTrouble, match="is no address on the web"):
        browser.fetch(address)


def test_a_server_that_is_not_there_is_trouble_without_a_status() -> None:
    with pytest.raises(CrowdTrouble, match="gave no answer") as caught:
        HttpBrowser("http://127.0.0.1:9").get("/")
    assert caught.value.status is None
    assert not caught.value.is_refusal


def test_in_process_pictures_may_lie_elsewhere_but_pages_may_not(
    browsers: dict[str, Callable[[], Browser]],
) -> None:
    far = browsers["over sockets"]().get("/").link("/picture")
    near = browsers["in process"]()
    assert near.fetch(far) == b"\x89PNG\x00\xff"
    with pytest.raises(CrowdTrouble, match="leads away"):
        near.get(far)


def test_an_endless_answer_is_cut_off() -> None:
    with running(site) as url, pytest.raises(CrowdTrouble, match="more than 5 bytes"):
        HttpBrowser(url, max_bytes=5).fetch("/picture")
