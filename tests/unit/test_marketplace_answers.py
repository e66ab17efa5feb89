"""Forms as QuestionFormAnswers documents: whatever was typed, the document parses and says it again."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import defusedxml.ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.answers import answer_fields, answer_xml

NAMESPACE = (
    "{http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd}"
)
LEGAL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")).map(
    lambda text: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
)


def read(document: str) -> list[tuple[str, str]]:
    root: Element = defusedxml.ElementTree.fromstring(document, forbid_dtd=True)
    return [
        (
            answer.findtext(f"{NAMESPACE}QuestionIdentifier") or "",
            answer.findtext(f"{NAMESPACE}FreeText") or "",
        )
        for answer in root
    ]


@given(st.lists(st.tuples(LEGAL, LEGAL), max_size=6))
@settings(max_examples=100, deadline=None)
def test_legal_text_comes_back_to_the_character(fields: list[tuple[str, str]]) -> None:
    assert read(answer_xml(fields)) == fields


@given(st.lists(st.tuples(st.text(), st.text()), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_text_at_all_gives_a_document_that_parses_and_is_ascii(fields: list[tuple[str, str]]) -> None:
    document = answer_xml(fields)

    assert document.isascii()
    assert len(read(document)) == len(fields)


def test_a_character_that_xml_forbids_becomes_a_replacement_character() -> None:
    assert read(answer_xml([("prompt", "a\x00b\x0bc\ufffed\ud800e")])) == [
        ("prompt", "a\ufffdb\ufffdc\ufffdd\ufffde")
    ]


def test_markup_stays_text() -> None:
    text = "</FreeText></Answer><Answer>]]><!ENTITY x>&lt;"

    assert read(answer_xml([("prompt", text)])) == [("prompt", text)]


def test_line_ends_survive() -> None:
    assert read(answer_xml([("prompt", "one\r\ntwo\rthree\n")])) == [("prompt", "one\r\ntwo\rthree\n")]


def test_a_repeated_field_comes_back_once() -> None:
    assert answer_fields([("vote", "up"), ("vote", "down"), ("flag", "no")]) == [
        ("vote", "up"),
        ("flag", "no"),
    ]


def test_the_frames_own_fields_and_nameless_ones_are_no_answer() -> None:
    own = [(name, "x") for name in ("assignmentId", "hitId", "workerId", "turkSubmitTo", "")]

    assert answer_fields([*own, ("prompt", "kite")]) == [("prompt", "kite")]
