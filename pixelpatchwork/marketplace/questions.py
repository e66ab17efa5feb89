"""A HIT's question, of one of Mechanical Turk's three kinds, checked before it costs anybody anything.

HTMLQuestion is a page, ExternalQuestion the address of a page on the requester's own server, QuestionForm a form in
XML. All have at most 65,535 bytes in characters of at most three bytes in UTF-8, in well-formed XML. A page that a
browser would have to guess at is refused with the place of the fault.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit
from xml.etree.ElementTree import Element

from pixelpatchwork.marketplace.documents import SCHEMAS, parse_document, split_name
from pixelpatchwork.marketplace.errors import ParameterValidationError, xml_error
from pixelpatchwork.marketplace.html_pages import check_html
from pixelpatchwork.marketplace.questionform import QuestionForm, form_of

MAX_QUESTION_BYTES = 65_535
_KEPT = 64
_HTML_QUESTION = f"{SCHEMAS}2011-11-11/HTMLQuestion.xsd"
_EXTERNAL_QUESTION = f"{SCHEMAS}2006-07-14/ExternalQuestion.xsd"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
# Characters beyond the Basic Multilingual Plane.
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")
_LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


@dataclass(frozen=True, kw_only=True)
class HtmlQuestion:
    """A page to show in the worker's frame. `frame_height` in pixels; 0 means: as high as the window allows."""

    html: str
    frame_height: int


@dataclass(frozen=True, kw_only=True)
class ExternalQuestion:
    """A page on another server. `origin` is its scheme and host, such as `https://lab.example`."""

    url: str
    origin: str
    frame_height: int


@dataclass(frozen=True, kw_only=True)
class FormQuestion:
    """A form that the marketplace shows itself, as high as the window allows."""

    form: QuestionForm
    frame_height: int = 0


Question = HtmlQuestion | ExternalQuestion | FormQuestion


def check_question(question: str) -> None:
    """Refuses what a worker's browser could not show as it was meant.

    Raises ParameterValidationError for a size, characters or an address out of bounds, and RequestError
    `XMLParseError`, `XHTMLParseError` (with the place of the fault) or `OperationNotSupported`.
    """
    _check_text(question)
    opened = open_question(question)
    if isinstance(opened, HtmlQuestion):
        check_html(opened.html)


@functools.lru_cache(maxsize=_KEPT)
def open_question(question: str) -> Question:
    """Takes the question out of its XML. Raises as `check_question`."""
    root = parse_document(question)
    namespace, name = split_name(root.tag)
    if name == "QuestionForm":
        return FormQuestion(form=form_of(root))
    if namespace == _HTML_QUESTION and name == "HTMLQuestion":
        html = (root.findtext(f"{{{namespace}}}HTMLContent") or "").strip()
        return HtmlQuestion(html=html, frame_height=_frame_height(root, namespace))
    if namespace == _EXTERNAL_QUESTION and name == "ExternalQuestion":
        return _external(root, namespace)
    raise xml_error(
        f"The root element must be HTMLQuestion of {_HTML_QUESTION}, ExternalQuestion of {_EXTERNAL_QUESTION} or "
        f"QuestionForm, not {name[:60]}."
    )


def _check_text(question: str) -> None:
    size = len(question.encode())
    if size > MAX_QUESTION_BYTES:
        why = f"It has {size} bytes; at most {MAX_QUESTION_BYTES} are allowed. Refer to images by URL."
        raise ParameterValidationError("Question", question, why)
    if found := _FOUR_BYTES.search(question):
        code = f"{ord(found[0]):X}"
        why = f"Character {found.start()} (U+{code}) takes four bytes in UTF-8. Write it as the entity &#x{code};"
        raise ParameterValidationError("Question", question, why)


def _external(root: Element, namespace: str) -> ExternalQuestion:
    url = (root.findtext(f"{{{namespace}}}ExternalURL") or "").strip()
    parts = _split(url)
    # Over plain http a stranger on the way could read the worker's ticket; only this machine has no such way.
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not _HOST.fullmatch(parts.netloc) or not url.isprintable() or " " in url:
        raise ParameterValidationError(
            "Question", url, "ExternalURL must be a complete address that begins with https://."
        )
    height = _frame_height(root, namespace)
    return ExternalQuestion(url=url, origin=f"{parts.scheme}://{parts.netloc}", frame_height=height)


def _split(url: str) -> SplitResult:
    """The parts of an address; none of one that is no address."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _frame_height(root: Element, namespace: str) -> int:
    text = (root.findtext(f"{{{namespace}}}FrameHeight") or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise xml_error("FrameHeight must be a whole number of pixels; 0 fits the window.")
    return int(text)
