"""QuestionForm: what is read of its XML, what is refused, and how workers' entries become answers."""

from __future__ import annotations

from decimal import Decimal
from time import thread_time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from pixelpatchwork.marketplace.errors import RequestError
from pixelpatchwork.marketplace.questionform import parse_question_form, read_answers
from pixelpatchwork.marketplace.questionform.formatted import FormattedError, formatted_html
from pixelpatchwork.marketplace.questionform.model import (
    Binary,
    Formatted,
    FreeText,
    Items,
    MediaKind,
    Overview,
    Pattern,
    Style,
    Text,
    Title,
)
from tests.support.question_forms import ANSWERS, form, free_text, question, selection


def length(least: int, most: int) -> str:
    return free_text(f'<Constraints><Length minLength="{least}" maxLength="{most}"/></Constraints>')


def numeric(least: str, most: str) -> str:
    return free_text(f'<Constraints><IsNumeric minValue="{least}" maxValue="{most}"/></Constraints>')


def pattern(regex: str) -> str:
    return free_text(f'<Constraints><AnswerFormatRegex regex="{regex}" errorText="No."/></Constraints>')


def picture(url: str, kind: str = "image") -> str:
    mime = f"<MimeType><Type>{kind}</Type><SubType>x</SubType></MimeType>"
    return f"<Overview><Binary>{mime}<DataURL>{url}</DataURL><AltText>It</AltText></Binary></Overview>"


@pytest.mark.parametrize(
    "regex",
    ["[^]]", "(?P&lt;n&gt;a)", "(?&lt;name&gt;a)", r"\p{L}+", "[(*]", r"\[", "(?:a|b)?", "(?=a)", "[]a"],
)
def test_every_dialect_of_regular_expressions_is_taken(regex: str) -> None:
    assert parse_question_form(form(question(pattern(regex)))).questions


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://x.example/a", "video"),
        ("http://localhost:8080/a.png", "image"),
        ("http://x.example/a.pdf", "application"),
    ],
)
def test_what_a_page_can_load_or_link_to_is_taken(url: str, kind: str) -> None:
    assert parse_question_form(form(picture(url, kind), question())).parts


def test_an_overview_keeps_its_contents_in_order() -> None:
    overview = (
        "<Overview><Title>One</Title><Text>Two</Text><List><ListItem>a</ListItem><ListItem>b</ListItem></List>"
        "<Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType>"
        "<DataURL>https://x.example/a.png</DataURL><AltText>A kite</AltText></Binary>"
        "<FormattedContent><![CDATA[<b>Three</b>]]></FormattedContent></Overview>"
    )

    parts = parse_question_form(form(overview, question())).parts

    assert parts[0] == Overview(
        contents=(
            Title(text="One"),
            Text(text="Two"),
            Items(items=("a", "b")),
            Binary(url="https://x.example/a.png", alt="A kite", media=MediaKind.IMAGE),
            Formatted(html="<b>Three</b>"),
        )
    )


def test_a_free_text_answer_keeps_its_constraints() -> None:
    answer = free_text(
        '<Constraints><IsNumeric minValue="1" maxValue="2.5"/><Length minLength="2" maxLength="9"/>'
        '<AnswerFormatRegex regex="^[a-h]$" errorText="A letter." flags="i"/></Constraints>'
        "<DefaultText>C1</DefaultText><NumberOfLinesSuggestion>3</NumberOfLinesSuggestion>"
    )

    (read,) = parse_question_form(form(question(answer))).questions

    assert read.free_text == FreeText(
        default="C1",
        lines=3,
        min_length=2,
        max_length=9,
        is_numeric=True,
        min_value=Decimal(1),
        max_value=Decimal("2.5"),
        patterns=(Pattern(regex="^[a-h]$", flags="i", error_text="A letter."),),
    )


@pytest.mark.parametrize(
    ("suggestion", "most", "style"),
    [
        ("radiobutton", 1, Style.RADIO),
        ("dropdown", 1, Style.DROPDOWN),
        ("combobox", 1, Style.DROPDOWN),
        ("list", 1, Style.LIST),
        ("checkbox", 1, Style.RADIO),
        ("list", 2, Style.LIST),
        ("checkbox", 2, Style.CHECKBOX),
        ("multichooser", 2, Style.CHECKBOX),
        ("dropdown", 2, Style.CHECKBOX),
        ("", 1, Style.RADIO),
        ("", 2, Style.CHECKBOX),
    ],
)
def test_every_suggestion_of_style_is_followed_where_it_can_be(
    suggestion: str, most: int, style: Style
) -> None:
    (read,) = parse_question_form(form(question(selection("ab", most=most, style=suggestion)))).questions

    assert read.selection is not None
    assert read.selection.style is style


def test_pictures_to_choose_from_are_never_put_into_a_menu() -> None:
    answer = selection("ab", style="dropdown").replace(
        "<Text>Choice b</Text>", "<FormattedContent>&lt;i&gt;b&lt;/i&gt;</FormattedContent>"
    )

    (read,) = parse_question_form(form(question(answer))).questions

    assert read.selection is not None
    assert read.selection.style is Style.RADIO


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (form(), "at least one Question"),
        (form(question(length(5, 2))), "minLength 5 is more than maxLength 2"),
        (form(question(numeric("2.5", "1"))), "minValue 2.5 is more than maxValue 1"),
        (form(question(pattern("["))), "is none"),
        (form(question(pattern("a)"))), "is none"),
        (form(question(pattern("*a"))), "is none"),
        (form(question(pattern("a\\"))), "is none"),
        (form(question().replace("false", "yes")), "IsRequired must be true or false"),
        (form(picture("http://x.example/a.png"), question()), "must begin with https://"),
        (form(picture("http://127.0.0.1/a.mp4", "video"), question()), "must begin with https://"),
        (form(question(), question()), "of its own"),
        (
            form(question().replace("FreeTextAnswer", "DrawingAnswer")),
            "cannot hold the element DrawingAnswer",
        ),
        (form("<Overview><Script/></Overview>", question()), "cannot hold the element Script"),
        (form(question(selection(""))), "at least one Selection"),
        (form(question(selection("aa"))), "of its own"),
        (form(question(selection("ab", least=3, most=3))), "do not fit"),
        (form(question(selection("ab", style="slider"))), "StyleSuggestion"),
        (form(question(free_text('<Constraints><Length maxLength="-1"/></Constraints>'))), "whole number"),
        (form(question(free_text('<Constraints><IsNumeric minValue="NaN"/></Constraints>'))), "not a number"),
        (
            form(question()).replace(
                "<Text>", "<Binary><DataURL>javascript:alert(1)</DataURL></Binary><Text>"
            ),
            "http",
        ),
        (form(question()).replace("QuestionForm.xsd", "Other.xsd"), "namespace"),
        (form(question()).replace("</QuestionForm>", ""), ""),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + form(question()), "entities"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(xml: str, told: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_question_form(xml)

    assert caught.value.members["TurkErrorCode"] == "AWS.MechanicalTurk.XMLParseError"
    assert told in caught.value.message


@pytest.mark.parametrize(
    "xml",
    [
        form(question().replace("FreeTextAnswer", "FileUploadAnswer")),
        form("<Overview><Application/></Overview>", question()),
        form("<Overview><EmbeddedBinary/></Overview>", question()),
    ],
)
def test_what_is_not_offered_is_refused_by_name(xml: str) -> None:
    with pytest.raises(RequestError, match="is not offered") as caught:
        parse_question_form(xml)

    assert caught.value.members["TurkErrorCode"] == "AWS.MechanicalTurk.OperationNotSupported"


# ---- formatted content --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("a<br/>b<hr>", "a<br>b<hr>"),
        ('<b onclick="alert(1)" style="x" id="y">bold</b>', "<b>bold</b>"),
        (
            '<a href="https://x.example/?a=1&amp;b=2">x</a>',
            '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">x</a>',
        ),
        ('<a href=" JavaScript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="//evil.example">x</a>', "<a>x</a>"),
        ('<img src="data:text/html,x" alt="&quot;q">', '<img alt="&quot;q">'),
        ('<img src="https://x.example/a.png">', '<img src="https://x.example/a.png" alt="">'),
        ('<td colspan="2" background="https://x.example">x</td>', '<td colspan="2">x</td>'),
        ("<!-- <script> -->x", "x"),
    ],
)
def test_formatted_content_keeps_only_what_is_on_the_lists(text: str, html: str) -> None:
    assert formatted_html(text) == html


@pytest.mark.parametrize(
    "text",
    ["<script>x</script>", "<iframe></iframe>", "<svg/>", "<b>x", "x</b>", "<b><i>x</b></i>", "<style>x"],
)
def test_formatted_content_with_anything_else_is_refused(text: str) -> None:
    with pytest.raises(FormattedError, match="line 1, column"):
        formatted_html(text)


@settings(max_examples=150)
@given(st.text(alphabet="<>/abi=\"' :jscript&;!-", max_size=60))
def test_no_text_at_all_gets_a_script_through(text: str) -> None:
    try:
        html = formatted_html(text)
    except FormattedError:
        return
    allowed = set("abip")
    for piece in html.split("<")[1:]:
        assert piece.lstrip("/")[:1] in allowed
        assert not piece.lower().startswith(("script", "iframe"))


# ---- answers ------------------------------------------------------------------------------------------------


def read(
    xml: str, *fields: tuple[str, str]
) -> tuple[dict[str, str], list[tuple[str, list[tuple[str, str]]]]]:
    reading = read_answers(parse_question_form(xml), MultiDict(list(fields)))
    answers = [
        (
            answer.findtext(f"{{{ANSWERS}}}QuestionIdentifier") or "",
            [(part.tag.rpartition("}")[2], part.text or "") for part in list(answer)[1:]],
        )
        for answer in ElementTree.fromstring(reading.document)
    ]
    return reading.faults, answers


def test_answers_are_the_documented_elements() -> None:
    xml = form(
        question(identifier="said"),
        question(selection("abc", most=2, other=True), identifier="chosen"),
        question(selection("ab", other=True), identifier="else"),
    )

    faults, answers = read(
        xml, ("q0", "a <kite>\r\nred"), ("q1", "0"), ("q1", "2"), ("q2", "other"), ("q2_other", "a boat")
    )

    assert faults == {}
    assert answers == [
        ("said", [("FreeText", "a <kite>\nred")]),
        ("chosen", [("SelectionIdentifier", "a"), ("SelectionIdentifier", "c")]),
        ("else", [("OtherSelectionText", "a boat")]),
    ]


def test_an_optional_question_may_be_left_empty() -> None:
    xml = form(question(identifier="said"), question(selection("ab"), identifier="chosen"))

    assert read(xml) == ({}, [("said", [("FreeText", "")]), ("chosen", [])])


@pytest.mark.parametrize(
    ("answer", "required", "fields", "fault"),
    [
        (free_text(""), True, [], "Please answer this question."),
        (free_text(""), True, [("q0", " \n")], "Please answer this question."),
        (
            free_text('<Constraints><Length minLength="5"/></Constraints>'),
            False,
            [("q0", "four")],
            "at least 5",
        ),
        (
            free_text('<Constraints><Length maxLength="3"/></Constraints>'),
            False,
            [("q0", "four")],
            "at most 3",
        ),
        (free_text("<Constraints><IsNumeric/></Constraints>"), False, [("q0", "ten")], "Write a number."),
        (
            free_text("<Constraints><IsNumeric/></Constraints>"),
            False,
            [("q0", "Infinity")],
            "Write a number.",
        ),
        (
            free_text('<Constraints><IsNumeric minValue="1"/></Constraints>'),
            False,
            [("q0", "0")],
            "The least is 1.",
        ),
        (
            free_text('<Constraints><IsNumeric maxValue="9"/></Constraints>'),
            False,
            [("q0", "9.5")],
            "The most is 9.",
        ),
        (selection("ab"), True, [], "Choose one."),
        (selection("abc", least=2, most=2), False, [("q0", "0")], "Choose 2."),
        (selection("abc", least=2, most=3), False, [("q0", "0")], "Choose at least 2."),
        (selection("abc", most=2), False, [("q0", "0"), ("q0", "1"), ("q0", "2")], "Choose at most 2."),
        (selection("ab"), False, [("q0", "7")], "Choose from what this question offers."),
        (selection("ab"), False, [("q0", "other")], "Choose from what this question offers."),
        (selection("ab", other=True), False, [("q0", "other")], "Please answer this question."),
    ],
)
def test_entries_that_do_not_fit_are_faults(
    answer: str, required: bool, fields: list[tuple[str, str]], fault: str
) -> None:
    faults, _ = read(form(question(answer, required=required)), *fields)

    assert fault in faults["q0"]


def test_a_format_is_left_to_the_browser() -> None:
    hostile = free_text('<Constraints><AnswerFormatRegex regex="^(a+)+$"/></Constraints>')

    assert read(form(question(hostile)), ("q0", "a" * 40 + "!"))[0] == {}


@pytest.mark.parametrize("piece", ["<a ", '<a b="', "<!--", "<![CDATA[", "<![x", "<?", "</", "</b "])
def test_formatted_content_that_is_left_open_is_refused_without_being_read_again(piece: str) -> None:
    began = thread_time()
    for text in (piece, piece * (60_000 // len(piece))):
        with pytest.raises(FormattedError, match=r"line 2, column 1\)"):
            formatted_html("<p>x</p>\n" + text)

    assert thread_time() - began < 1.0


def test_formatted_content_can_be_nested_only_as_deeply_as_browsers_show() -> None:
    formatted_html("<b>" * 256 + "</b>" * 256)

    with pytest.raises(FormattedError, match="<b> lies within 256 other elements"):
        formatted_html("<b>" * 257 + "</b>" * 257)
