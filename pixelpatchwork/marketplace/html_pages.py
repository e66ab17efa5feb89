"""The HTML of an HTMLQuestion: is it well-formed, and which script of the marketplace's does it need?

What is open is followed here, mark by mark. Documents with a `crowd-form` may leave out the document type and
`<html>`, as the templates in AWS's own reference do.
"""

from __future__ import annotations

import functools
import re
from contextlib import suppress
from dataclasses import dataclass

from pixelpatchwork.marketplace.errors import RequestError
from pixelpatchwork.marketplace.markup import MAX_DEPTH, Kind, Mark, MarkupError, line_and_column, marks

_KEPT = 64  # pages of at most 64 KiB: the HITs of a round often share one
_CROWD = re.compile(r"<crowd-[a-z]", re.IGNORECASE)
_SUBMIT_TO = "turkSubmitTo"
_AMAZONS_SCRIPT = "externalHIT_v1"
_HANDS_IN = re.compile(rf"<form\b|externalSubmit|{_AMAZONS_SCRIPT}", re.IGNORECASE)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
# Elements whose end tag HTML lets an author leave out (HTML Living Standard, 13.1.2.4).
_OPTIONAL_END = frozenset(
    [
        *("html", "head", "body", "li", "dt", "dd", "p", "rt", "rp", "optgroup", "option"),
        *("colgroup", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"),
    ]
)
_FOREIGN = frozenset(["svg", "math"])


@functools.lru_cache(maxsize=_KEPT)
def check_html(html: str) -> None:
    """Raises RequestError `XHTMLParseError` unless the text is one complete, well-formed HTML document."""
    checker = _Checker(is_crowd=uses_crowd_elements(html))
    try:
        for mark in marks(html):
            checker.take(mark)
        checker.finish(len(html))
    except MarkupError as error:
        raise _refusal(html, error) from error


def uses_crowd_elements(html: str) -> bool:
    """True where the page asks for `crowd-form` or one of its kind."""
    return _CROWD.search(html) is not None


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script of the site's, by its path, and how a page loads it (`defer`: after the page was read)."""

    path: str
    defer: bool


_CROWD_SCRIPT = Script(path="/static/crowd.js", defer=True)
# The page's own scripts call its functions while the page is being read.
_FORM_SCRIPT = Script(path="/static/mturk.js", defer=False)


def script_for(html: str) -> Script | None:
    """The script that makes the page work as it did on Mechanical Turk; None for one that needs nothing.

    That is a page whose own code reads `turkSubmitTo`, or that hands nothing in. Amazon's reference lets pages leave
    the address of their form to its `externalHIT_v1.js`.
    """
    if uses_crowd_elements(html):
        return _CROWD_SCRIPT
    knows_where = _SUBMIT_TO in html and _AMAZONS_SCRIPT not in html
    return None if knows_where or not _HANDS_IN.search(html) else _FORM_SCRIPT


@functools.lru_cache(maxsize=_KEPT)
def with_script(html: str, script: Script) -> str:
    """The page with the script at the beginning of its head."""
    place = _head_place(html)
    defer = " defer" if script.defer else ""
    return f'{html[:place]}<script src="{script.path}"{defer}></script>{html[place:]}'


def _head_place(html: str) -> int:
    """Where the head begins: after `<head>`, else after `<html>`, else after the document type."""
    place = 0
    with suppress(MarkupError):  # Published before pages were read this strictly: what was found must do.
        for mark in marks(html):
            if mark.kind is Kind.DOCTYPE or mark.name in {"html", "head"}:
                place = mark.end
            if mark.kind is not Kind.DOCTYPE and mark.name != "html":
                break
    return place


def _refusal(html: str, error: MarkupError) -> RequestError:
    line, column = line_and_column(html, error.place)
    return RequestError(
        "XHTMLParseError",
        f"There was an error parsing the XHTML data in your request. {error} (line {line}, column {column})",
    )


class _Checker:
    """Follows the open elements of a page. Every fault is a MarkupError."""

    def __init__(self, *, is_crowd: bool) -> None:
        self._open: list[Mark] = []
        # Kept beside the list, for a page can leave thousands of paragraphs open.
        self._depth = 0
        self._foreign = 0
        self._has_doctype = is_crowd
        self._has_root = is_crowd

    def take(self, mark: Mark) -> None:
        """The next mark."""
        if mark.kind is Kind.DOCTYPE:
            self._has_doctype = self._has_doctype or mark.name == "html"
        elif mark.kind is Kind.CLOSE:
            self._close(mark)
        else:
            self._start(mark)

    def finish(self, end: int) -> None:
        """The end of the text, at this offset."""
        for mark in self._open:
            if mark.name not in _OPTIONAL_END:
                raise MarkupError(f"<{mark.name}> is never closed.", mark.start)
        if not self._has_root:
            what = "HTMLContent must hold a complete HTML document with <!DOCTYPE html> and <html>."
            raise MarkupError(what, end)

    def _start(self, mark: Mark) -> None:
        tag = mark.name
        if not self._has_doctype:
            raise MarkupError(f"<{tag}> comes before <!DOCTYPE html>.", mark.start)
        if not self._has_root and tag != "html":
            raise MarkupError(f"The document must begin with <html>, not with <{tag}>.", mark.start)
        self._has_root = True
        if tag in _VOID:
            return
        if mark.kind is Kind.OPEN:
            self._push(mark)
        elif not self._foreign and tag not in _FOREIGN:
            what = f"<{tag}/> closes itself, which only void elements do. Write <{tag}></{tag}>."
            raise MarkupError(what, mark.start)

    def _push(self, mark: Mark) -> None:
        self._open.append(mark)
        self._foreign += mark.name in _FOREIGN
        # An element without an end tag may be over already: a list of a thousand <li> is no deep one.
        self._depth += mark.name not in _OPTIONAL_END
        if self._depth > MAX_DEPTH:
            raise MarkupError(f"<{mark.name}> lies within {MAX_DEPTH} other elements.", mark.start)

    def _pop(self) -> None:
        name = self._open.pop().name
        self._foreign -= name in _FOREIGN
        self._depth -= name not in _OPTIONAL_END

    def _close(self, mark: Mark) -> None:
        tag = mark.name
        if tag in _VOID:
            raise MarkupError(f"</{tag}> closes an element that has no end tag.", mark.start)
        while self._open and self._open[-1].name != tag and self._open[-1].name in _OPTIONAL_END:
            self._pop()
        if not self._open or self._open[-1].name != tag:
            raise MarkupError(f"</{tag}> closes an element that is not open here.", mark.start)
        self._pop()
