"""The marks of an HTML text - its tags and its document type - found in one pass, strictly.

html.parser takes whatever it is given: it never says that a tag or a comment is left open, raises AssertionError for
some declarations, and on an unclosed tag reads the rest of the text once for every `<` in it, which a text of 60 kB
can stretch to 20 seconds. Here every quantifier is possessive and the first fault ends the reading, so the work grows
with the length of the text alone. Source of the grammar: HTML Living Standard, 13.1 "Writing HTML documents".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MAX_DEPTH = 256
"""Elements within one another. Browsers stop nesting at 512, so a deeper page is not shown as it was written."""

_SPACE = r"[ \t\n\f\r]"
_NAME = r"[a-zA-Z][^\s<>/\"'=]*+"
_VALUE = r"(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>]++)"
_ATTRIBUTE = rf"[ \t\n\f\r/]*+[^\s\"'<>/=]++(?:{_SPACE}*+={_SPACE}*+{_VALUE})?+"
_MARK = re.compile(
    rf"<(?P<open>{_NAME})(?:{_ATTRIBUTE})*+(?P<tail>[ \t\n\f\r/]*+)>"
    rf"|</(?P<close>{_NAME}){_SPACE}*+>"
    rf"|<!doctype{_SPACE}++(?P<doctype>[a-z]++)[^<>]*+>"
    r"|<!--(?!-?>)(?:(?!--(?:\s*+|!)>).)*+-->"
    r"|<\?[^<>]*+>"
    r"|<(?![a-zA-Z/!?])",
    re.IGNORECASE | re.DOTALL,
)
# What stands in these elements is text up to their end tag, whatever it looks like.
_RAW_END = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE) for name in ("script", "style")}
_FAULTS = {
    "<!--": "A comment is never closed by -->.",
    "</": "An end tag is not complete.",
    "<!": "Only <!DOCTYPE html> and comments may begin with <!.",
    "<?": "A processing instruction is never closed.",
    "<": "A tag is never closed by >, or one of its attributes is malformed.",
}


class Kind(Enum):
    """What a mark is. EMPTY is a start tag that closes itself."""

    DOCTYPE = "document type"
    OPEN = "start tag"
    EMPTY = "empty tag"
    CLOSE = "end tag"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One mark, its name in lower case, at `text[start:end]`."""

    kind: Kind
    name: str
    start: int
    end: int


class MarkupError(ValueError):
    """Text that is no markup, or broken off; `place` is the offset of its `<`."""

    def __init__(self, what: str, place: int) -> None:
        super().__init__(what)
        self.place = place


def marks(text: str) -> Iterator[Mark]:
    """The marks of the text in their order; comments and instructions are passed over.

    Raises MarkupError at the first `<` that begins a tag, comment or declaration without ending it. A `<` that begins
    nothing is text. The rest of a script or style sheet without an end is not read.
    """
    place = 0
    while (start := text.find("<", place)) >= 0:
        found = _MARK.match(text, start)
        if found is None:
            raise MarkupError(_what_is_wrong(text, start), start)
        place = found.end()
        mark = _to_mark(found)
        if mark is None:
            continue
        yield mark
        if mark.kind is Kind.OPEN and mark.name in _RAW_END:
            end = _RAW_END[mark.name].search(text, place)
            place = end.start() if end else len(text)


def line_and_column(text: str, place: int) -> tuple[int, int]:
    """Where an offset lies, both counted from 1."""
    return text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)


def _to_mark(found: re.Match[str]) -> Mark | None:
    if found["open"] is not None:
        kind, name = (Kind.EMPTY if found["tail"].endswith("/") else Kind.OPEN), found["open"]
    elif found["close"] is not None:
        kind, name = Kind.CLOSE, found["close"]
    elif found["doctype"] is not None:
        kind, name = Kind.DOCTYPE, found["doctype"]
    else:
        return None
    return Mark(kind=kind, name=name.lower(), start=found.start(), end=found.end())


def _what_is_wrong(text: str, start: int) -> str:
    return next(why for beginning, why in _FAULTS.items() if text.startswith(beginning, start))
