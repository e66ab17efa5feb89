"""What may be published as a HIT's page."""

from __future__ import annotations

import pytest

from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError
from pixelpatchwork.marketplace.html_pages import check_html
from pixelpatchwork.marketplace.questions import (
    MAX_QUESTION_BYTES,
    HtmlQuestion,
    check_question,
    open_question,
)
from tests.support.marketplace import PAGE, html_question

DOCUMENT = "<!DOCTYPE html><html><head><title>x</title></head><body>{}</body></html>"


def test_a_page_comes_out_as_it_was_written() -> None:
    question = open_question(html_question(PAGE, frame_height=450))

    assert question == HtmlQuestion(html=PAGE, frame_height=450)


@pytest.mark.parametrize(
    "body",
    [
        "<p>one<p>two",
        "<ul><li>a<li>b</ul>",
        "<table><tr><td>a<td>b<tr><td>c</table>",
        "<br><img src=x><input name=y>",
        "<br/>",
        '<svg viewBox="0 0 1 1"><path d="M0 0"/><g><circle r="1"/></g></svg>',
        "<script>if (1 < 2 && '</p>') { document.title = '<div>'; }</script>",
        "<textarea>a &lt; b</textarea>",
        "<!-- <div> -->",
        "&#x1F600; caf&eacute;",
        "<select><option>a<option>b</select>",
        "<dl><dt>a<dd>b</dl>",
    ],
)
def test_legal_html_passes(body: str) -> None:
    check_html(DOCUMENT.format(body))


def test_end_tags_that_may_be_left_out_may_be_left_out() -> None:
    check_html("<!doctype HTML>\n<html lang=en><title>x</title><body><p>text")


@pytest.mark.parametrize(
    ("html", "told"),
    [
        (DOCUMENT.format("<div><span></div>"), "</div>"),
        (DOCUMENT.format("</div>"), "</div>"),
        (DOCUMENT.format("<div>"), "</body>"),
        ("<!DOCTYPE html><html><body><form>", "<form> is never closed"),
        (DOCUMENT.format("<script>let a = 1;"), "<script> is never closed"),
        (DOCUMENT.format("<div/>"), "closes itself"),
        (DOCUMENT.format("</br>"), "no end tag"),
        ("<html><body></body></html>", "<!DOCTYPE html>"),
        ("<!DOCTYPE html><p>x</p>", "must begin with <html>"),
        ("just text", "complete HTML document"),
        ("", "complete HTML document"),
    ],
)
def test_malformed_html_is_refused_with_the_place(html: str, told: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_html(html)

    assert caught.value.members["TurkErrorCode"] == "AWS.MechanicalTurk.XHTMLParseError"
    assert told in caught.value.message
    assert "line 1, column " in caught.value.message


def test_the_place_of_a_fault_counts_lines() -> None:
    with pytest.raises(RequestError, match=r"line 3, column 5"):
        check_html("<!DOCTYPE html><html><body>\n<div>\n    </span></div></body></html>")


def test_a_question_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    room = MAX_QUESTION_BYTES - len(html_question(DOCUMENT.format("")))
    check_question(html_question(DOCUMENT.format("x" * room)))

    with pytest.raises(ParameterValidationError, match="65535"):
        check_question(html_question(DOCUMENT.format("x" * (room + 1))))


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(ParameterValidationError, match="bytes"):
        check_question(html_question(DOCUMENT.format("€" * 22_000)))


def test_a_four_byte_character_is_refused_with_the_entity_to_write() -> None:
    with pytest.raises(ParameterValidationError, match="&#x1F600;"):
        check_question(html_question(DOCUMENT.format("\U0001f600")))


@pytest.mark.parametrize(
    "question",
    [
        "",
        "<HTMLQuestion>",
        "<HTMLQuestion/>",
        html_question().replace("2011-11-11", "1999-01-01"),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + html_question("&a;"),
        html_question().replace("<FrameHeight>0", "<FrameHeight>high"),
        html_question().replace("<FrameHeight>0</FrameHeight>", ""),
        html_question("\x00"),
    ],
)
def test_xml_that_is_no_html_question_is_refused(question: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_question(question)

    assert caught.value.members["TurkErrorCode"] == "AWS.MechanicalTurk.XMLParseError"
