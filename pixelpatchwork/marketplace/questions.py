"""What a requester may publish: the HTMLQuestion document, checked before it costs anybody anything.

The rules are those of the HTMLQuestion data structure: at most 65,535 bytes, characters of at most three bytes in
UTF-8, well-formed XML around a complete, well-formed HTML document. A page that a browser would have to guess at
is refused with the place of the fault.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree

from pixelpatchwork.marketplace.errors import ApiError, ParameterValidationError, RequestError

MAX_QUESTION_BYTES = 65_535
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
_HTML_QUESTION = f"{{{_SCHEMAS}2011-11-11/HTMLQuestion.xsd}}"
_KEPT = 64  # pages of at most 64 KiB: the HITs of a round often share one
_OTHER_QUESTIONS = ("ExternalQuestion", "QuestionForm")
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
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class HtmlQuestion:
    """A page to show in the worker's frame. `frame_height` in pixels; 0 means: as high as the window allows."""

    html: str
    frame_height: int


def check_html_question(question: str) -> None:
    """Refuses what a worker's browser could not show as it was meant.

    Raises ParameterValidationError for a size or characters out of bounds, and RequestError `XMLParseError` or
    `XHTMLParseError` with the place of the fault.
    """
    _check_text(question)
    check_html(open_html_question(question).html)


@functools.lru_cache(maxsize=_KEPT)
def open_html_question(question: str) -> HtmlQuestion:
    """Takes the page out of its XML. Raises RequestError `XMLParseError`."""
    root = _parse_xml(question)
    if root.tag != f"{_HTML_QUESTION}HTMLQuestion":
        raise _other_root(root.tag)
    html = (root.findtext(f"{_HTML_QUESTION}HTMLContent") or "").strip()
    return HtmlQuestion(html=html, frame_height=_frame_height(root))


@functools.lru_cache(maxsize=_KEPT)
def check_html(html: str) -> None:
    """Raises RequestError `XHTMLParseError` unless the text is one complete, well-formed HTML document."""
    checker = _Checker()
    checker.feed(html)
    checker.finish()


def _check_text(question: str) -> None:
    size = len(question.encode())
    if size > MAX_QUESTION_BYTES:
        why = f"It has {size} bytes; at most {MAX_QUESTION_BYTES} are allowed. Refer to images by URL."
        raise ParameterValidationError("Question", question, why)
    if found := _FOUR_BYTES.search(question):
        code = f"{ord(found[0]):X}"
        why = f"Character {found.start()} (U+{code}) takes four bytes in UTF-8. Write it as the entity &#x{code};"
        raise ParameterValidationError("Question", question, why)


def _parse_xml(question: str) -> Element:
    try:
        root = defusedxml.ElementTree.fromstring(question, forbid_dtd=True)
    except ParseError as error:
        raise _xml_error(str(error)) from error
    except (defusedxml.DefusedXmlException, ValueError) as error:
        raise _xml_error("Document types, entities and encodings are not allowed.") from error
    return root


def _xml_error(detail: str) -> RequestError:
    return RequestError(
        "XMLParseError",
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        f"well-formed and validates against the appropriate schema. {detail}",
    )


def _other_root(tag: str) -> ApiError:
    name = tag.rpartition("}")[2]
    if name in _OTHER_QUESTIONS:
        return RequestError("OperationNotSupported", f"{name} is not offered yet. Use an HTMLQuestion.")
    return _xml_error(f"The root element must be HTMLQuestion of {_HTML_QUESTION[1:-1]}, not {name[:60]}.")


def _frame_height(root: Element) -> int:
    text = (root.findtext(f"{_HTML_QUESTION}FrameHeight") or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise _xml_error("FrameHeight must be a whole number of pixels; 0 fits the window.")
    return int(text)


class _Checker(HTMLParser):
    """Follows the open elements of a page. html.parser itself repairs everything and reports nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, tuple[int, int]]] = []
        self._has_doctype = False
        self._has_root = False

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
