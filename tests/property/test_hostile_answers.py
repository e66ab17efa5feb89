"""What a worker sends: whatever it is, it becomes an answer or a reason, soon, and is kept as it came."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pytest
from hypothesis import example, find, given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.database import SqlStore
from pixelpatchwork.domain.answers import (
    GenerationAnswer,
    GenerationRules,
    Unusable,
    parse_ballot,
    parse_generation,
    read_fields,
    tidy_prompt,
)
from pixelpatchwork.domain.errors import MaskError
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import AssignmentId, AssignmentState, Choice, ImageId
from tests.support.hostile import bent, hostile, require_reason
from tests.support.records import GENERATION, NOW, assignment, begin_generation, unusable
from tests.support.stores import DATABASES, fresh_store

SIZE = (96, 80)
RULES = GenerationRules(min_coverage=0.005, max_coverage=0.6, max_prompt=200)
BALLOT = tuple(ImageId(name) for name in ("boat", "cat", "sea", "moon"))
CHECK = ImageId("broken")
FEW = settings(max_examples=100, database=None, derandomize=True)
NAMESPACE = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
)
STRANGE = st.sampled_from(
    [
        "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
        "<Answer>",
        "</Answer>",
        "<FreeText>",
        "]]>",
        "&#0;",
        "&#xD800;",
        "\x00",
        "\ud800",
        "\ufeff",
        "\u202e",
        "\u0301" * 500,
        '{"taskAnswers":',
        "[" * 3_000,
        "9" * 5_000,
        "1e999",
        "-",
        "NaN",
        '"size":[80,96]',
        "\\",
        "P" * 3_000,
        "o" * 500,
    ]
)
pieces = st.one_of(STRANGE, st.text(max_size=40))
in_xml = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=40
)
"""What a browser lets through: no character that XML has no place for."""


@st.composite
def masks(draw: st.DrawFn) -> str:
    """The text of boxes that were painted over a picture, as a browser sends it."""
    pixels = np.zeros(SIZE[::-1], dtype=np.bool_)
    for _ in range(draw(st.integers(1, 3))):
        left, top = draw(st.integers(0, SIZE[0] - 1)), draw(st.integers(0, SIZE[1] - 1))
        pixels[top : top + draw(st.integers(1, 80)), left : left + draw(st.integers(1, 96))] = True
    return Mask(pixels=pixels).to_rle()


def answer_xml(fields: Mapping[str, str]) -> str:
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(value)}</FreeText></Answer>"
        for name, value in fields.items()
    )
    return (
        f'<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns={quoteattr(NAMESPACE)}>'
        f"{answers}</QuestionFormAnswers>"
    )


prompts = st.one_of(
    in_xml, bent(st.sampled_from(["a red boat", "ein Mond über dem Meer", "قارب", "👩‍🚀 in the sky"]), pieces)
)
generation_fields = st.fixed_dictionaries(
    {
        "mask": st.one_of(masks(), bent(masks(), pieces)),
        "prompt": prompts,
        "consent": st.sampled_from(["yes", "yes", "yes", "on", "", "no"]),
        "language": st.one_of(st.just("en"), in_xml),
        "seconds": st.one_of(st.just("30"), in_xml),
    }
)
BALLOT_FIELDS = [f"{kind}_{one}" for kind in ("vote", "flag") for one in (*BALLOT, CHECK)]
cast = st.fixed_dictionaries(
    {"consent": st.just("yes")} | {f"vote_{one}": st.sampled_from(Choice) for one in (*BALLOT, CHECK)},
    optional={f"flag_{one}": st.just("yes") for one in BALLOT},
)
"""Ballots as the voting page sends them."""
tampered = st.builds(
    lambda fields, more: {**fields, **more},
    cast,
    st.dictionaries(
        st.one_of(st.sampled_from(BALLOT_FIELDS), in_xml),
        st.one_of(st.sampled_from(["up", "yes", "UP "]), in_xml),
        max_size=3,
    ),
)
ballot_fields = st.one_of(
    cast, tampered, st.dictionaries(st.one_of(st.sampled_from(["consent", *BALLOT_FIELDS]), pieces), pieces)
)


def folded_into_one(fields: Mapping[str, str]) -> str:
    """As the form of Crowd HTML Elements sends an answer: everything as JSON in one field."""
    return answer_xml({"taskAnswers": json.dumps([fields])})


generations = st.one_of(generation_fields.map(answer_xml), generation_fields.map(folded_into_one))
ballots = st.one_of(ballot_fields.map(answer_xml), ballot_fields.map(folded_into_one))


@hostile
@given(st.one_of(generations, bent(generations, pieces)))
@example("<a>" * 100_000)
@example(answer_xml({"consent": "yes", "taskAnswers": "[" * 100_000}))
@example(answer_xml({"consent": "yes", "prompt": "\u0301\u0327" * 60_000}))
def test_a_generation_answer_becomes_a_mask_and_a_prompt_or_a_reason(xml: str) -> None:
    parsed = parse_generation(xml, size=SIZE, rules=RULES)
    if isinstance(parsed, Unusable):
        assert parsed.reason
        return
    assert isinstance(parsed, GenerationAnswer)
    assert RULES.min_coverage <= parsed.mask.coverage <= RULES.max_coverage
    assert 0 < len(parsed.prompt) <= RULES.max_prompt
    parsed.prompt.encode()


@hostile
@given(st.one_of(ballots, bent(ballots, pieces)))
def test_a_ballot_becomes_one_opinion_an_image_or_a_reason(xml: str) -> None:
    parsed = parse_ballot(xml, ballot=BALLOT, checks=[CHECK])
    if isinstance(parsed, Unusable):
        assert parsed.reason
        return
    assert tuple(one.image_id for one in parsed.opinions) == BALLOT
    assert tuple(one.image_id for one in parsed.checks) == (CHECK,)
    assert all(one.choice in set(Choice) for one in parsed.opinions)
    assert parsed.seconds is None or parsed.seconds >= 0


@hostile
@given(cast, st.booleans())
def test_a_ballot_is_read_as_it_was_cast(fields: dict[str, str], is_folded: bool) -> None:
    parsed = parse_ballot(
        (folded_into_one if is_folded else answer_xml)(fields), ballot=BALLOT, checks=[CHECK]
    )
    if isinstance(parsed, Unusable):
        assert not any(f"flag_{one}" in fields or fields[f"vote_{one}"] != "skip" for one in BALLOT)
        return
    assert [(one.choice, one.flagged) for one in (*parsed.opinions, *parsed.checks)] == [
        (fields[f"vote_{one}"], f"flag_{one}" in fields) for one in (*BALLOT, CHECK)
    ]


@hostile
@given(st.one_of(generations, bent(ballots, pieces), st.text()))
@example(answer_xml({"taskAnswers": '[{"prompt": "\\ud800", "\\udfff": "up"}]'}))
def test_whatever_can_be_read_of_an_answer_is_text_by_name(xml: str) -> None:
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in read_fields(xml).items())


@hostile
@given(st.one_of(bent(masks(), pieces), st.text(max_size=300)))
@example('{"size":[80,96],"counts":"' + "P" * 2_000_000 + '"}')
@example('{"size":[' + "9" * 6 + "," + "9" * 6 + '],"counts":"o"}')
def test_a_mask_is_one_of_the_pictures_size_or_refused(text: str) -> None:
    try:
        mask = Mask.from_rle(text, size=SIZE)
    except MaskError as error:
        require_reason(error)
        return
    assert mask.size == SIZE
    assert Mask.from_rle(mask.to_rle(), size=SIZE).to_rle() == mask.to_rle()


@hostile
@given(st.one_of(prompts, st.text(st.characters(), max_size=300)))
def test_a_prompt_is_one_line_without_what_cannot_be_seen(text: str) -> None:
    tidy = tidy_prompt(text)
    tidy.encode()
    assert tidy == tidy_prompt(tidy)
    assert tidy == tidy.strip()
    assert not [
        character
        for character in tidy
        if unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"}
        or character in "\u202a\u202e\u2066"
    ]


@pytest.mark.parametrize("form", [generation_fields.map(answer_xml), generation_fields.map(folded_into_one)])
def test_usable_answers_are_among_those_that_are_tried(form: st.SearchStrategy[str]) -> None:
    """Hostile input that never got past the door would show little."""
    find(
        form,
        lambda xml: isinstance(parse_generation(xml, size=SIZE, rules=RULES), GenerationAnswer),
        settings=FEW,
    )


# ---- raw input is kept ----------------------------------------------------------------------------------

_numbers = count(1)


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    with fresh_store(request.param, tmp_path_factory.mktemp("hostile")) as fresh:
        begin_generation(fresh)
        yield fresh


@hostile
@given(raw=st.one_of(bent(generations, pieces), st.text(max_size=500)))
@example(raw="\x00")
@example(raw="\ud800")
@example(raw="😀 \r\n\t ")
def test_a_raw_answer_comes_back_as_it_came(store: SqlStore, raw: str) -> None:
    key = AssignmentId(f"A{next(_numbers)}")
    store.add_assignments([replace(assignment(key, 1), raw_answer=raw)])
    (kept,) = store.assignments(GENERATION, state=AssignmentState.STORED)
    store.record_judgements([unusable(key, "Kept.")], at=NOW)  # so that the next one is alone again
    assert (kept.assignment_id, kept.raw_answer) == (key, raw)
