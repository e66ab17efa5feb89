"""What may be published as a HIT's page."""

from __future__ import annotations

from contextlib import suppress
from time import thread_time

import pytest

from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError
from pixelpatchwork.marketplace.html_pages import Script, check_html, script_for, with_script
from pixelpatchwork.marketplace.questions import (
    MAX_QUESTION_BYTES,
    ExternalQuestion,
    FormQuestion,
    HtmlQuestion,
    check_question,
    open_question,
)
from tests.support.marketplace import PAGE, html_question
from tests.support.question_forms import external_question, form, question

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


def test_an_external_question_is_an_address_and_a_height() -> None:
    opened = open_question(external_question("https://lab.example:8443/task?a=1&amp;b=2", 450))

    assert opened == ExternalQuestion(
        url="https://lab.example:8443/task?a=1&b=2", origin="https://lab.example:8443", frame_height=450
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://lab.example/task",
        "javascript:alert(1)",
        "/frame/HIT",
        "",
        "https://",
        "https://lab.example; script-src *",
        "https://user:pass@lab.example/",
        "https://[::1/",
        "https://lab.example/a b",
    ],
)
def test_an_external_address_must_be_a_plain_one_over_tls(url: str) -> None:
    with pytest.raises(ParameterValidationError, match="ExternalURL"):
        check_question(external_question(url))


def test_this_machines_own_servers_may_do_without_tls() -> None:
    check_question(external_question("http://127.0.0.1:5000/task"))


def test_a_question_form_is_a_question() -> None:
    opened = open_question(form(question()))

    assert isinstance(opened, FormQuestion)
    assert opened.frame_height == 0


CROWD = (
    '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form><p>x</p></crowd-form>'
)


@pytest.mark.parametrize("html", [CROWD, f"<!DOCTYPE html> {CROWD}", DOCUMENT.format(CROWD)])
def test_a_page_of_crowd_elements_need_not_be_a_whole_document(html: str) -> None:
    check_html(html)


@pytest.mark.parametrize(
    ("html", "before"),
    [
        (
            "<!DOCTYPE html>\n<html lang=en>\n<head>\n<title>x</title>",
            "<!DOCTYPE html>\n<html lang=en>\n<head>",
        ),
        ("<!doctype html><html><body>", "<!doctype html><html>"),
        ("<!DOCTYPE html> <crowd-form>", "<!DOCTYPE html>"),
        ("<crowd-form>", ""),
        ("<!DOCTYPE html><html><!-- <head> --><head>", "<!DOCTYPE html><html><!-- <head> --><head>"),
    ],
)
def test_our_script_goes_to_the_beginning_of_the_head(html: str, before: str) -> None:
    after = html.removeprefix(before)

    deferred, at_once = Script(path="/x.js", defer=True), Script(path="/x.js", defer=False)
    assert with_script(html, deferred) == f'{before}<script src="/x.js" defer></script>{after}'
    assert with_script(html, at_once) == f'{before}<script src="/x.js"></script>{after}'


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("<crowd-form></crowd-form><form></form>", "/static/crowd.js"),
        ("<FORM></FORM>", "/static/mturk.js"),
        ("<script>go('https://www.mturk.com/mturk/externalSubmit')</script>", "/static/mturk.js"),
        ("<script src='externalHIT_v1.js'></script><form></form>turkSubmitTo", "/static/mturk.js"),
        ("<form></form><script>use(query.get('turkSubmitTo') + '/mturk/externalSubmit')</script>", None),
        ("<p>Nothing to hand in, no <formula>.</p>", None),
    ],
)
def test_a_page_gets_the_script_that_it_needs_and_no_other(body: str, path: str | None) -> None:
    script = script_for(body)

    assert (script and script.path) == path


UNFINISHED = {
    "tags": "<a ",
    "quoted attributes": '<a b="',
    "comments": "<!--",
    "comments that nearly end": "<!-- --",
    "sections": "<![CDATA[",
    "unknown sections": "<![x",
    "declarations": "<!x",
    "instructions": "<?",
    "end tags": "</",
    "named end tags": "</a ",
}


@pytest.mark.parametrize("piece", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_markup_that_is_left_open_is_refused_at_its_first_place(piece: str) -> None:
    beginning = "<!DOCTYPE html><html>"
    for text in (piece, piece * (60_000 // len(piece))):
        with pytest.raises(RequestError, match=f"column {len(beginning) + 1}\\)") as caught:
            check_html(beginning + text)

        assert caught.value.members["TurkErrorCode"] == "AWS.MechanicalTurk.XHTMLParseError"


HEAVY = {
    **UNFINISHED,
    "ampersands": "&",
    "signs that begin nothing": "< ",
    "attributes": "<a x=1 y='2' z>",
    "nested": "<div>",
    "left open": "<p>",
    "spaces in comments": "<!-- -- " + " " * 100,
    "self-closing behind paragraphs": "<p>" * 10 + "<g/>" * 10,
}


@pytest.mark.parametrize("piece", HEAVY.values(), ids=HEAVY.keys())
@pytest.mark.parametrize("beginning", ["<html>", "<html><svg>", "<html><script></script", "<a ", "<!-- "])
def test_no_page_costs_more_than_its_length(beginning: str, piece: str) -> None:
    """Twice the text may take somewhat more than twice as long; html.parser took twenty seconds for some of these."""
    page = f"<!DOCTYPE html>{beginning}" + piece * (60_000 // len(piece))
    began = thread_time()
    with suppress(RequestError):
        check_html(page)
    script_for(page)
    with_script(page, Script(path="/x.js", defer=True))

    assert thread_time() - began < 1.0


def test_one_tag_with_very_many_attributes_is_read_once() -> None:
    began = thread_time()
    check_html(DOCUMENT.format("<p" + " a=1" * 15_000 + ">"))

    assert thread_time() - began < 1.0


def test_elements_can_be_nested_only_as_deeply_as_browsers_show() -> None:
    check_html(DOCUMENT.format("<b>" * 256 + "</b>" * 256))

    with pytest.raises(RequestError, match="<b> lies within 256 other elements"):
        check_html(DOCUMENT.format("<b>" * 257 + "</b>" * 257))


def test_a_long_list_without_end_tags_is_not_a_deep_one() -> None:
    check_html(DOCUMENT.format("<ul>" + "<li>x" * 2_000 + "</ul>"))


@pytest.mark.parametrize(
    "body",
    [
        "<a href=/x?a=b&c=d class = 'a > b' data-x=\"<p>\"title='c'>x</a>",
        "<p\n  hidden\n>1 < 2, 1 <2 and <3",
        "<!-- a -- b -> c > <d --->",
        "<!--[if IE]><p><![endif]-->",
        "<style>a::before { content: '</p><!--'; }</style >",
        "<img src=x/><img alt=''/>",
        "<?php echo 1 ?>",
    ],
)
def test_what_html_allows_within_marks_passes(body: str) -> None:
    check_html(DOCUMENT.format(body))


@pytest.mark.parametrize(
    "body", ["<!-->", "<!--->", "<!-- a -- >", "<!-- a --!>", "<p title='x>", "</>", "</p x>"]
)
def test_what_browsers_have_to_guess_at_is_refused(body: str) -> None:
    with pytest.raises(RequestError, match=f"column {DOCUMENT.index('{}') + 1}\\)"):
        check_html(DOCUMENT.format(body))
