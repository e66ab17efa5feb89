"""A worker's form, as the QuestionFormAnswers document that requesters read, and such a document read again.

The document says `encoding="ASCII"` as Mechanical Turk's did: everything else is a numeric reference. What a worker
typed is kept to the character, except for those that XML 1.0 cannot carry at all; they become U+FFFD, so that the
document always parses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from pixelpatchwork.marketplace.documents import parse_document, split_name

_NAMESPACE = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
)
RESERVED_FIELDS = frozenset(["assignmentId", "hitId", "workerId", "turkSubmitTo"])
_ANSWERING = frozenset(["FreeText", "SelectionIdentifier", "OtherSelectionText"])
# Everything outside the Char production of XML 1.0 (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer_fields(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that are an answer: without the frame's own, without nameless ones, each name once (the first)."""
    kept: dict[str, str] = {}
    for name, value in fields:
        if name and name not in RESERVED_FIELDS:
            kept.setdefault(name, value)
    return list(kept.items())


def answer_xml(fields: Iterable[tuple[str, str]]) -> str:
    """The QuestionFormAnswers document for these fields, in ASCII."""
    return answers_document((name, [("FreeText", value)]) for name, value in fields)


def answers_document(answers: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> str:
    """The document for answers by question: an identifier, and elements with their texts.

    An element is such as `("SelectionIdentifier", "cat")`.
    """
    parts = [f'<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="{_NAMESPACE}">']
    for identifier, elements in answers:
        parts.append(f"<Answer>\n<QuestionIdentifier>{_xml_text(identifier)}</QuestionIdentifier>\n")
        parts.extend(f"<{name}>{_xml_text(text)}</{name}>\n" for name, text in elements)
        parts.append("</Answer>\n")
    parts.append("</QuestionFormAnswers>")
    return "".join(parts)


def read_answers(document: str) -> Mapping[str, tuple[str, ...]]:
    """Question id -> what was answered: the selections, or the text where the question asked for one.

    Outer white space does not count, and what is empty is no answer. Raises RequestError `XMLParseError`.
    """
    found = {}
    for answer in parse_document(document):
        parts = [(split_name(part.tag)[1], (part.text or "").strip()) for part in answer]
        values = tuple(text for name, text in parts if name in _ANSWERING and text)
        found[_identifier(answer)] = values
    return found


def _identifier(answer: Element) -> str:
    named = (part.text or "" for part in answer if split_name(part.tag)[1] == "QuestionIdentifier")
    return next(named, "").strip()


def _xml_text(text: str) -> str:
    """Escapes; a carriage return as a reference, because an XML parser turns a bare one into a line feed."""
    legal = _NOT_XML.sub("\ufffd", text)
    return escape(legal, {"\r": "&#13;"}).encode("ascii", "xmlcharrefreplace").decode("ascii")
