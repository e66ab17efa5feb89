"""The HTML of an HTMLQuestion: is it well-formed, and does it use crowd elements?

html.parser itself repairs everything and reports nothing, so what is open is followed here. Documents with a
`crowd-form` may leave out the document type and `<html>`, as the templates in AWS's own reference do.
"""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser

from pixelpatchwork.marketplace.errors import RequestError

_KEPT = 64  # pages of at most 64 KiB: the HITs of a round often share one
_CROWD = re.compile(r"<crowd-[a-z]", re.IGNORECASE)
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
    checker.feed(html)
    checker.finish()


def uses_crowd_elements(html: str) -> bool:
    """True where the page asks for `crowd-form` or one of its kind."""
    return _CROWD.search(html) is not None


def with_script(html: str, address: str) -> str:
    """The page with a deferred script at the beginning of its head. `address` must be safe in an attribute."""
    finder = _HeadFinder()
    finder.feed(html)
    place = finder.place
    return f'{html[:place]}<script src="{address}" defer></script>{html[place:]}'


class _HeadFinder(HTMLParser):
    """Finds where the head begins: after `<head>`, else after `<html>`, else after the document type."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.place = 0
        self._line_starts: list[int] = []
        self._found = False

    def feed(self, data: str) -> None:
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", data))]
        super().feed(data)

    def handle_decl(self, decl: str) -> None:
        if self.place == 0 and not self._found:
            self.place = self._offset() + len(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if not self._found and tag in {"html", "head"}:
            self.place = self._offset() + len(self.get_starttag_text() or "")
        self._found = self._found or tag != "html"

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column


class _Checker(HTMLParser):
    """Follows the open elements of a page. html.parser itself repairs everything and reports nothing."""

    def __init__(self, *, is_crowd: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, tuple[int, int]]] = []
        self._has_doctype = is_crowd
        self._has_root = is_crowd

    def handle_decl(self, decl: str) -> None:
        self._has_doctype = self._has_doctype or decl.lower().split()[:2] == ["doctype", "html"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if not self._has_doctype:
            raise self._fault(f"<{tag}> comes before <!DOCTYPE html>.")
        if not self._has_root and tag != "html":
            raise self._fault(f"The document must begin with <html>, not with <{tag}>.")
        self._has_root = True
        if tag not in _VOID:
            self._open.append((tag, self.getpos()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _VOID:
            return
        if not any(name in _FOREIGN for name, _ in self._open):
            raise self._fault(f"<{tag}/> closes itself, which only void elements do. Write <{tag}></{tag}>.")
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            raise self._fault(f"</{tag}> closes an element that has no end tag.")
        while self._open and self._open[-1][0] != tag and self._open[-1][0] in _OPTIONAL_END:
            self._open.pop()
        if not self._open or self._open[-1][0] != tag:
            raise self._fault(f"</{tag}> closes an element that is not open here.")
        self._open.pop()

    def finish(self) -> None:
        """The end of the text."""
        self.close()
        for tag, position in self._open:
            if tag not in _OPTIONAL_END:
                raise self._fault(f"<{tag}> is never closed.", position)
        if not self._has_root:
            raise self._fault(
                "HTMLContent must hold a complete HTML document with <!DOCTYPE html> and <html>."
            )

    def _fault(self, what: str, position: tuple[int, int] | None = None) -> RequestError:
        line, column = position or self.getpos()
        return RequestError(
            "XHTMLParseError",
            f"There was an error parsing the XHTML data in your request. {what} (line {line}, column {column + 1})",
        )
