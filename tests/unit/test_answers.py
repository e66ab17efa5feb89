"""Reading answers: what an honest one gives, and how every kind of bad one is named instead of raised."""

from __future__ import annotations

import json
import unicodedata
from html import escape

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.domain.answers import (
    MAX_ANSWER,
    Ballot,
    GenerationAnswer,
    GenerationRules,
    Opinion,
    Unusable,
    parse_ballot,
    parse_generation,
    tidy_prompt,
)
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Choice, ImageId

SIZE = (30, 20)
RULES = GenerationRules(min_coverage=0.02, max_coverage=0.5, max_prompt=100)
NAMESPACE = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
)
BALLOT = (ImageId("a1"), ImageId("b2"), ImageId("c3"))


def answer_xml(**fields: str) -> str:
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(value)}</FreeText></Answer>"
        for name, value in fields.items()
    )
    prolog = '<?xml version="1.0" encoding="ASCII"?>'
    return f'{prolog}<QuestionFormAnswers xmlns="{NAMESPACE}">{answers}</QuestionFormAnswers>'


def mask_text(painted: int = 60, *, size: tuple[int, int] = SIZE) -> str:
    width, height = size
    pixels = np.zeros(width * height, bool)
    pixels[:painted] = True
    return Mask(pixels=pixels.reshape(height, width)).to_rle()


def honest(**changes: str) -> str:
    fields = {
        "mask": mask_text(),
        "prompt": "a red boat",
        "consent": "yes",
        "language": "de-CH",
        "seconds": "61.5",
    }
    return answer_xml(**{**fields, **changes})


def read(answer: str) -> GenerationAnswer | Unusable:
    return parse_generation(answer, size=SIZE, rules=RULES)


def reason(answer: str) -> str:
    outcome = read(answer)
    assert isinstance(outcome, Unusable)
    return outcome.reason


def usable(answer: str) -> GenerationAnswer:
    outcome = read(answer)
    assert isinstance(outcome, GenerationAnswer)
    return outcome


def votes(**fields: str) -> Ballot | Unusable:
    return parse_ballot(answer_xml(consent="yes", **fields), ballot=BALLOT)


def test_an_honest_answer_gives_its_mask_prompt_language_and_seconds() -> None:
    answer = usable(honest())

    assert answer.mask.count == 60
    assert (answer.prompt, answer.language, answer.seconds) == ("a red boat", "de-CH", 61.5)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" \n", "empty", id="white space"),
        pytest.param(answer_xml(), "empty", id="no field"),
        pytest.param("no XML", "not well-formed", id="not XML"),
        pytest.param("<a>", "not well-formed", id="cut off"),
        pytest.param("\ud800", "not well-formed", id="half a surrogate pair"),
        pytest.param('<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>', "document type", id="a DTD"),
        pytest.param('<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "entities", id="an entity"),
        pytest.param("<a>" * 600_000, "nested too deeply", id="deep nesting"),
        pytest.param("x" * (MAX_ANSWER + 1), "at most 2,000,000", id="too large"),
        pytest.param(
            "<a>" + "<Answer><QuestionIdentifier>{}</QuestionIdentifier><FreeText/></Answer>" * 2 + "</a>",
            "Consent",
            id="unknown fields",
        ),
        pytest.param(honest(consent=""), "Consent", id="no consent"),
        pytest.param(honest(consent="false"), "Consent", id="consent refused"),
        pytest.param(honest(mask=""), "no mask", id="no mask"),
        pytest.param(honest(mask="[1, 2]"), "mask cannot be read", id="a mask of another kind"),
        pytest.param(honest(mask=mask_text(size=(20, 30))), "20 x 30", id="a mask of another size"),
        pytest.param(honest(mask=mask_text(0)), "mask is empty", id="an empty mask"),
        pytest.param(honest(mask=mask_text(600)), "whole picture", id="a full mask"),
        pytest.param(honest(mask=mask_text(6)), "1.00% of the picture, less than 2.00%", id="too little"),
        pytest.param(honest(mask=mask_text(360)), "60.00% of the picture, more than 50.00%", id="too much"),
        pytest.param(honest(prompt=""), "no prompt", id="no prompt"),
        pytest.param(honest(prompt=" \u200b\u202e\n"), "no prompt", id="an invisible prompt"),
        pytest.param(honest(prompt="...!"), "no prompt", id="a prompt of points"),
        pytest.param(honest(prompt="ab " * 34), "101 characters", id="a prompt one too long"),
        pytest.param(honest(prompt="x" * 40_000), "40,000 characters", id="an absurd prompt"),
        pytest.param(answer_xml(taskAnswers="[" * 100_000), "not JSON", id="deep JSON"),
        pytest.param(answer_xml(taskAnswers="[1]"), "no fields", id="JSON without fields"),
    ],
)
def test_a_bad_answer_is_unusable_with_a_plain_reason(answer: str, word: str) -> None:
    assert word in reason(answer)


def test_too_many_fields_are_unusable() -> None:
    fields = {f"field{index}": "x" for index in range(1_001)}

    assert "too many fields" in reason(answer_xml(**fields))


def test_markup_in_a_prompt_stays_as_text() -> None:
    assert usable(honest(prompt='<b onclick="x">cat</b> &amp;')).prompt == '<b onclick="x">cat</b> &amp;'


def test_a_prompt_becomes_one_line_without_control_and_bidirectional_characters() -> None:
    assert tidy_prompt(" a\tsmall\r\n\x00cat\u202e\u2066 \x1b[31mo\u0308\ue000\ufffe ") == "a small cat [31mö"


def test_joiners_of_emoji_and_persian_words_stay_in_a_prompt() -> None:
    astronaut, i_want = "\U0001f469\u200d\U0001f680", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert tidy_prompt(f"{astronaut} {i_want}") == f"{astronaut} {i_want}"


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_a_tidied_prompt_is_tidy_for_good(text: str) -> None:
    tidied = tidy_prompt(text)

    assert tidy_prompt(tidied) == tidied
    assert unicodedata.is_normalized("NFC", tidied)
    tidied.encode()


@pytest.mark.parametrize("seconds", ["", "soon", "nan", "inf", "-1", "1e99", "9" * 5000])
def test_seconds_that_are_none_are_left_out(seconds: str) -> None:
    assert usable(honest(seconds=seconds)).seconds is None


@pytest.mark.parametrize("language", ["", "<b>", "d", "de_CH", "de-" + "x" * 40])
def test_a_language_that_is_none_is_left_out(language: str) -> None:
    assert usable(honest(language=language)).language == ""


def test_the_first_of_two_equal_fields_counts() -> None:
    twice = honest().replace(
        "</QuestionFormAnswers>",
        "<Answer><QuestionIdentifier>prompt</QuestionIdentifier><FreeText>other</FreeText></Answer>"
        "</QuestionFormAnswers>",
    )

    assert usable(twice).prompt == "a red boat"


def test_the_fields_of_a_crowd_form_are_unfolded() -> None:
    folded = [
        {
            "mask": mask_text(),
            "prompt": "a red boat",
            "consent": {"yes": True},
            "language": None,
            "seconds": 12,
        }
    ]

    answer = usable(answer_xml(taskAnswers=json.dumps(folded)))

    assert (answer.prompt, answer.language, answer.seconds) == ("a red boat", "", 12.0)


def test_a_crowd_forms_radio_groups_are_unfolded() -> None:
    folded = [
        {
            "consent": True,
            "vote_a1": {"up": False, "down": True, "skip": False},
            "flag_b2": {"yes": False},
            "flag_c3": {"yes": True},
        }
    ]

    ballot = parse_ballot(answer_xml(taskAnswers=json.dumps(folded)), ballot=BALLOT)

    assert isinstance(ballot, Ballot)
    assert [(opinion.choice, opinion.flagged) for opinion in ballot.opinions] == [
        (Choice.DOWN, False),
        (Choice.SKIP, False),
        (Choice.SKIP, True),
    ]


def test_a_ballot_gives_its_opinions_in_the_ballots_order() -> None:
    ballot = votes(vote_c3="down", flag_c3="yes", vote_a1="UP ", seconds="9", language="en")

    assert ballot == Ballot(
        opinions=(
            Opinion(image_id=ImageId("a1"), choice=Choice.UP, flagged=False),
            Opinion(image_id=ImageId("b2"), choice=Choice.SKIP, flagged=False),
            Opinion(image_id=ImageId("c3"), choice=Choice.DOWN, flagged=True),
        ),
        language="en",
        seconds=9.0,
    )


def test_votes_on_other_images_and_unknown_words_count_as_nothing() -> None:
    assert votes(vote_zz="up", vote_a1="maybe", flag_zz="yes") == Unusable(
        "There is no vote: every image was skipped."
    )


def test_a_flag_alone_makes_a_ballot() -> None:
    assert isinstance(votes(flag_b2="yes"), Ballot)


def test_a_ballot_without_consent_is_unusable() -> None:
    assert parse_ballot(answer_xml(vote_a1="up"), ballot=BALLOT) == Unusable("Consent was not given.")


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_text_makes_the_readers_raise(text: str) -> None:
    assert isinstance(read(text), Unusable)
    assert isinstance(parse_ballot(text, ballot=BALLOT), Unusable)


@given(
    st.integers(0, 600),
    st.integers(0, 600),
    st.text(st.characters() | st.sampled_from('<>&;"[]{}!?/='), max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_no_mutation_of_an_honest_answer_makes_the_readers_raise(
    start: int, length: int, insertion: str
) -> None:
    whole = honest(vote_a1="up")
    mutated = whole[:start] + insertion + whole[start + length :]

    assert isinstance(read(mutated), GenerationAnswer | Unusable)
    assert isinstance(parse_ballot(mutated, ballot=BALLOT), Ballot | Unusable)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=8))
@settings(max_examples=80, deadline=None)
def test_no_folded_value_makes_the_readers_raise(value: object) -> None:
    names = ("mask", "prompt", "consent", "language", "seconds", "vote_a1")
    folded = answer_xml(taskAnswers=json.dumps([dict.fromkeys(names, value)]))

    assert isinstance(read(folded), Unusable)
    assert isinstance(parse_ballot(folded, ballot=BALLOT), Unusable)
