"""FormattedContent: a requester's XHTML, reduced to an allow-list so that no script and no style can come with it.

The output is built from what was understood, never cut out of the input: an element, attribute or address that is not
on the lists below cannot appear in it, and every element that was opened is closed.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from pixelpatchwork.marketplace.markup import MAX_DEPTH, MarkupError, line_and_column, marks

_VOID = frozenset(["br", "col", "hr", "img"])
_ELEMENTS = _VOID | frozenset(
    [
        *("a", "b", "big", "blockquote", "caption", "center", "cite", "code", "colgroup", "dd", "del", "div"),
        *("dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "li", "ol", "p", "pre"),
        *("q", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
        *("tt", "u", "ul", "var"),
    ]
)
_ATTRIBUTES = frozenset(
    ["title", "lang", "dir", "colspan", "rowspan", "span", "start", "alt", "width", "height", "scope"]
)
_SCHEMES = {"href": frozenset(["http", "https", "mailto"]), "src": frozenset(["http", "https"])}
_BEARERS = {"href": "a", "src": "img"}
_ALLOWED_WORDS = 20


class FormattedError(ValueError):
    """FormattedContent that cannot be shown as it was meant; the message says what and where."""


def formatted_html(text: str) -> str:
    """The content as harmless HTML. Raises FormattedError for an element off the list or a tag that does not fit."""
    _check_marks(text)
    builder = _Builder()
    builder.feed(text)
    return builder.finish()


def _check_marks(text: str) -> None:
    """html.parser must see no mark that is left open: it reads the rest of the text again for each."""
    try:
        for _mark in marks(text):
            pass
    except MarkupError as error:
        raise _fault(str(error), line_and_column(text, error.place)) from error


def _fault(what: str, place: tuple[int, int]) -> FormattedError:
    line, column = place
    return FormattedError(f"{what} (line {line}, column {column})")


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ELEMENTS:
            raise self._fault(f"<{tag[:_ALLOWED_WORDS]}> is not allowed in FormattedContent.")
        self._out.append(f"<{tag}{_attributes(tag, attrs)}>")
        if tag not in _VOID:
            self._open.append(tag)
        if len(self._open) > MAX_DEPTH:
            raise self._fault(f"<{tag}> lies within {MAX_DEPTH} other elements.")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open or self._open[-1] != tag:
            raise self._fault(f"</{tag[:_ALLOWED_WORDS]}> closes an element that is not open here.")
        self._out.append(f"</{self._open.pop()}>")

    def handle_data(self, data: str) -> None:
        self._out.append(escape(data, quote=False))

    def finish(self) -> str:
        """What was built, at the end of the text."""
        self.close()
        if self._open:
            raise self._fault(f"<{self._open[-1]}> is never closed.")
        return "".join(self._out)

    def _fault(self, what: str) -> FormattedError:
        line, column = self.getpos()
        return _fault(what, (line, column + 1))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    kept = {name: value or "" for name, value in attrs if _is_kept(tag, name, value or "")}
    if "href" in kept:
        # A link must not take the worker's form away, nor hand the new page a way back to it.
        kept |= {"target": "_blank", "rel": "noopener noreferrer"}
    if tag == "img":
        kept.setdefault("alt", "")
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _is_kept(tag: str, name: str, value: str) -> bool:
    if name in _SCHEMES:
        return tag == _BEARERS[name] and has_scheme(value, _SCHEMES[name])
    return name in _ATTRIBUTES


def has_scheme(address: str, schemes: frozenset[str]) -> bool:
    """True for an absolute address of one of these schemes."""
    try:
        return urlsplit(address.strip()).scheme.lower() in schemes
    except ValueError:
        return False
