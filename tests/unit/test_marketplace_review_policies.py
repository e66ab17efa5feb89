"""Review policies, as pure decisions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelpatchwork.marketplace.errors import ParameterValidationError
from pixelpatchwork.marketplace.review_policies import (
    KNOWN_ANSWERS,
    PLURALITY,
    Extension,
    percent_correct,
    read_known_answers,
    read_plurality,
)


def policy(name: str, key: dict[str, list[str]] | None = None, **values: str | list[str]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"Key": name, "Values": [value] if isinstance(value, str) else value}
        for name, value in values.items()
    ]
    if key is not None:
        entries = [{"Key": question, "Values": right} for question, right in key.items()]
        parameters.append({"Key": "AnswerKey", "MapEntries": entries})
    return {"PolicyName": name, "Parameters": parameters}


def known(key: dict[str, list[str]] | None = None, **values: str) -> dict[str, Any]:
    return policy(KNOWN_ANSWERS, {"a": ["x"]} if key is None else key, **values)


def plurality(**values: str | list[str]) -> dict[str, Any]:
    return policy(PLURALITY, **{"QuestionIds": "A,B,C,D", "QuestionAgreementThreshold": "50"} | values)


@pytest.mark.parametrize(
    ("right", "given_answer", "matches"),
    [
        (["x"], ["x"], True),
        ([" x "], ["x"], True),
        (["x"], ["X"], False),
        (["x", "y"], ["y", "x"], True),
        (["x", "y"], ["x"], False),
        (["x"], ["x", "y"], False),
        ([], [], False),
        ([], ["x"], False),
        (["x"], [], False),
    ],
)
def test_a_known_answer_matches_exactly(right: list[str], given_answer: list[str], *, matches: bool) -> None:
    assert read_known_answers(known({"a": right})).correct({"a": given_answer}) == {"a": matches}


def test_the_score_is_a_percentage_rounded_down() -> None:
    assert percent_correct({"a": True, "b": True, "c": False}) == 66


@pytest.mark.parametrize(("score", "decision"), [(80, "approve"), (79, None), (50, None), (49, "reject")])
def test_thresholds_decide(score: int, decision: str | None) -> None:
    rules = read_known_answers(
        known(
            ApproveIfKnownAnswerScoreIsAtLeast="80",
            RejectIfKnownAnswerScoreIsLessThan="50",
            RejectReason="No.",
        )
    )

    assert rules.verdict.decides(score) == decision


def test_an_extension_has_the_documented_defaults() -> None:
    assert read_known_answers(known(ExtendIfKnownAnswerScoreIsLessThan="80")).extension == Extension(
        below=80, most=5, seconds=0
    )


DOCUMENTED = {
    "1": {"A": ["coat"], "B": ["blue"], "C": ["large"], "D": ["Furry"]},
    "2": {"A": ["sweater"], "B": ["blue"], "C": ["large"], "D": ["fur"]},
    "3": {"A": ["coat"], "B": ["green"], "C": ["large"], "D": ["furr"]},
}


def test_the_documented_example_of_three_workers_comes_out_as_documented() -> None:
    agreement = read_plurality(plurality()).compare(DOCUMENTED)

    assert agreement.hit_score == 75
    assert {name: (set(answer), level) for name, (answer, level) in agreement.agreed.items()} == {
        "A": ({"coat"}, 66),
        "B": ({"blue"}, 66),
        "C": ({"large"}, 100),
    }
    assert [agreement.worker_score(name) for name in "123"] == [100, 66, 66]


def test_a_tie_is_no_agreement_and_full_agreement_always_is_one() -> None:
    tied = read_plurality(plurality(QuestionIds="q", QuestionAgreementThreshold="10"))
    strict = read_plurality(plurality(QuestionIds="q", QuestionAgreementThreshold="100"))

    assert tied.compare({"1": {"q": ["a"]}, "2": {"q": ["b"]}}).hit_score == 0
    assert strict.compare({"1": {"q": ["a"]}, "2": {"q": ["a"]}}).hit_score == 100


def test_an_answer_of_more_than_256_characters_is_left_out() -> None:
    rules = read_plurality(plurality(QuestionIds="q"))

    agreement = rules.compare({"1": {"q": ["a"]}, "2": {"q": ["b" * 257]}, "3": {"q": ["c" * 257]}})

    assert agreement.agreed["q"] == (frozenset(["a"]), 100)
    assert [agreement.worker_score(name) for name in "123"] == [100, 0, 0]


def test_older_names_of_parameters_are_understood() -> None:
    rules = read_plurality(
        policy(
            PLURALITY,
            QuestionIDs=["a", "b, c"],
            QuestionAgreementThreshold="50",
            ApproveIfWorkerAgreementScoreIsNotLessThan="60",
            DisregardAssignmentIfRejected="T",
        )
    )

    assert (rules.questions, rules.verdict.approve_at, rules.disregard_rejected) == (
        ("a", "b", "c"),
        60,
        True,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        policy(PLURALITY, {"a": ["x"]}),
        policy(KNOWN_ANSWERS),
        known({}),
        known({"": ["x"]}),
        known({"a" * 256: ["x"]}),
        known(ApproveIfKnownAnswerScoreIsAtLeast="102"),
        known(ApproveIfKnownAnswerScoreIsAtLeast="eighty"),
        known(ExtendMaximumAssignments="26"),
        known(ExtendMaximumAssignments="1"),
        known(ExtendMinimumTimeInSeconds="3599"),
        known(Colour="red"),
    ],
)
def test_an_assignment_policy_that_cannot_be_applied_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterValidationError, match="AssignmentReviewPolicy"):
        read_known_answers(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        known(),
        plurality(QuestionIds=" , "),
        plurality(QuestionAgreementThreshold=[]),
        plurality(QuestionAgreementThreshold=["1", "2"]),
        plurality(DisregardAssignmentIfRejected="maybe"),
        plurality(ExtendIfHITAgreementScoreIsLessThan="50"),
        plurality(ApproveIfKnownAnswerScoreIsAtLeast="50"),
    ],
)
def test_a_hit_policy_that_cannot_be_applied_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterValidationError, match="HITReviewPolicy"):
        read_plurality(wrong)


ANSWERS = st.dictionaries(
    st.sampled_from(["w1", "w2", "w3", "w4"]),
    st.dictionaries(st.sampled_from("ABCD"), st.lists(st.sampled_from("xyz"), max_size=2), max_size=4),
    min_size=1,
)


@settings(max_examples=80)
@given(ANSWERS, st.integers(0, 100))
def test_scores_are_percentages_and_names_do_not_matter(
    answers: dict[str, dict[str, list[str]]], threshold: int
) -> None:
    rules = read_plurality(plurality(QuestionAgreementThreshold=str(threshold)))

    agreement = rules.compare(answers)
    renamed = rules.compare({f"again {name}": given_answers for name, given_answers in answers.items()})

    assert agreement.agreed == renamed.agreed
    assert 0 <= agreement.hit_score <= 100
    assert all(0 <= agreement.worker_score(name) <= 100 for name in answers)
    assert all(level > threshold or level == 100 for _, level in agreement.agreed.values())
