"""Answer keys: what the answers to a test are worth."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.answer_keys import read_answer_key
from pixelpatchwork.marketplace.answers import answer_xml, read_answers
from pixelpatchwork.marketplace.errors import ApiError

NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd"


def question(name: str, *options: tuple[str, int], default: int | None = None) -> str:
    parts = [f"<Question><QuestionIdentifier>{name}</QuestionIdentifier>"]
    for selections, score in options:
        chosen = "".join(f"<SelectionIdentifier>{one}</SelectionIdentifier>" for one in selections.split("+"))
        parts.append(f"<AnswerOption>{chosen}<AnswerScore>{score}</AnswerScore></AnswerOption>")
    if default is not None:
        parts.append(f"<DefaultScore>{default}</DefaultScore>")
    return "".join(parts) + "</Question>"


def key(*questions: str, mapping: str = "") -> str:
    mapped = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<AnswerKey xmlns="{NAMESPACE}">{"".join(questions)}{mapped}</AnswerKey>'


FRUIT = question("fruit", ("apple+pear", 10), ("apple", 4), ("nut", -3), default=1)


@pytest.mark.parametrize(
    ("chosen", "value"),
    [
        (["apple", "pear"], 10),
        (["pear", "apple"], 10),
        (["apple"], 4),
        (["apple", "pear", "nut"], 1),
        (["nut"], -3),
        ([], 1),
    ],
)
def test_an_option_counts_where_its_selections_are_all_of_the_workers(chosen: list[str], value: int) -> None:
    assert read_answer_key(key(FRUIT)).value({"fruit": chosen}) == value


def test_an_option_without_selections_is_met_by_no_answer() -> None:
    nothing = question("q", ("", 2)).replace("<SelectionIdentifier></SelectionIdentifier>", "")

    assert read_answer_key(key(nothing)).value({}) == 2


@pytest.mark.parametrize(
    ("mapping", "score", "value"),
    [
        ("<PercentageMapping><MaximumSummedScore>15</MaximumSummedScore></PercentageMapping>", 5, 33),
        ("<PercentageMapping><MaximumSummedScore>8</MaximumSummedScore></PercentageMapping>", 1, 13),
        ("<ScaleMapping><SummedScoreMultiplier>3</SummedScoreMultiplier></ScaleMapping>", 5, 15),
        ("<ScaleMapping><SummedScoreMultiplier>0.5</SummedScoreMultiplier></ScaleMapping>", 5, 3),
    ],
)
def test_the_sum_is_mapped_to_a_value(mapping: str, score: int, value: int) -> None:
    text = key(question("q", ("yes", score)), mapping=mapping)

    assert read_answer_key(text).value({"q": ["yes"]}) == value


@pytest.mark.parametrize(("score", "value"), [(4, 0), (5, 50), (7, 50), (8, 100), (10, 100), (11, 0)])
def test_ranges_include_their_bounds(score: int, value: int) -> None:
    ranges = "".join(
        f"<SummedScoreRange><InclusiveLowerBound>{low}</InclusiveLowerBound>"
        f"<InclusiveUpperBound>{high}</InclusiveUpperBound>"
        f"<QualificationValue>{worth}</QualificationValue></SummedScoreRange>"
        for low, high, worth in ((5, 7, 50), (8, 10, 100))
    )
    outside = "<OutOfRangeQualificationValue>0</OutOfRangeQualificationValue>"
    text = key(question("q", ("yes", score)), mapping=f"<RangeMapping>{ranges}{outside}</RangeMapping>")

    assert read_answer_key(text).value({"q": ["yes"]}) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<AnswerKey/>",
        key(),
        key(question("q"), question("q")),
        key(question("", ("a", 1))),
        key(question("q", ("a", 1)).replace("<AnswerScore>1", "<AnswerScore>one")),
        key(question("q", ("a", 1)).replace("<AnswerScore>1", "<AnswerScore>1" + "0" * 20)),
        key(question("q"), mapping="<Other/>"),
        key(question("q"), mapping="<PercentageMapping/>"),
        key(
            question("q"),
            mapping="<PercentageMapping><MaximumSummedScore>0</MaximumSummedScore></PercentageMapping>",
        ),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + key(question("q")),
        key(question("q")) + " " * 65_536,
    ],
)
def test_what_is_no_answer_key_is_refused(text: str) -> None:
    with pytest.raises(ApiError):
        read_answer_key(text)


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    for candidate in (text, key(text), key(question("q", ("a", 1)), mapping=text)):
        try:
            value = read_answer_key(candidate).value({"q": ["a"]})
        except ApiError:
            continue
        assert abs(value) < 2**31


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
WORDS = st.text(max_size=30)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, WORDS, max_size=5))
def test_answers_are_read_as_they_were_written_but_for_outer_space(fields: dict[str, str]) -> None:
    read = read_answers(answer_xml(fields.items()))

    assert set(read) == set(fields)
    for name, text in fields.items():
        legal = "".join(char if char in "\t\n\r" or char >= " " else "\ufffd" for char in text)
        plain = "".join("\ufffd" if char in "\ufffe\uffff" else char for char in legal)
        assert read[name] == ((plain.strip(),) if plain.strip() else ())


def test_selections_are_read_as_the_values_of_a_question() -> None:
    document = (
        '<QuestionFormAnswers xmlns="x"><Answer><QuestionIdentifier>fruit</QuestionIdentifier>'
        "<SelectionIdentifier>apple</SelectionIdentifier><SelectionIdentifier>pear</SelectionIdentifier>"
        "<OtherSelectionText>kiwi</OtherSelectionText></Answer></QuestionFormAnswers>"
    )

    assert read_answers(document) == {"fruit": ("apple", "pear", "kiwi")}
