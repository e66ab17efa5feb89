"""Review policies as pure decisions: what a policy asks for, and how answers score under it.

`ScoreMyKnownAnswers` compares one assignment with an answer key; `SimplePlurality` compares the assignments of a HIT
with each other. Percentages are rounded down, as in the documented example (2 of 3 is 66).

Source: the API reference, "Assignment Review Policies", "HIT Review Policies". Where it contradicts itself (a question
is agreed "if its score is greater than" a threshold that its own example sets to 100), full agreement always counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pixelpatchwork.marketplace.errors import ParameterValidationError

KNOWN_ANSWERS = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"

_LONGEST_COMPARED = 256
_LONGEST_QUESTION_ID = 255
_HOUR_S, _YEAR_S = 3_600, 31_536_000
_DEFAULT_MOST_ASSIGNMENTS = 5
_INTEGER = re.compile(r"[0-9]{1,9}")
# What older tools and the documents themselves write instead.
_OTHER_NAMES = {
    "QuestionIDs": "QuestionIds",
    "ApproveIfWorkerAgreementScoreIsNotLessThan": "ApproveIfWorkerAgreementScoreIsAtLeast",
}

Answers = Mapping[str, Sequence[str]]
Chosen = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One more assignment where a score is `below`, up to `most` in all, and at least `seconds` for it."""

    below: int
    most: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Approve from one score on, reject below another; None: do not."""

    approve_at: int | None
    approve_reason: str | None
    reject_below: int | None
    reject_reason: str

    def decides(self, score: int) -> str | None:
        """`approve`, `reject`, or None. A score that asks for both is approved: the worker has the doubt."""
        if self.approve_at is not None and score >= self.approve_at:
            return "approve"
        return "reject" if self.reject_below is not None and score < self.reject_below else None


@dataclass(frozen=True, kw_only=True)
class KnownAnswers:
    """ScoreMyKnownAnswers: `key` is question id -> the values that are right together."""

    key: Mapping[str, Chosen]
    verdict: Verdict
    extension: Extension | None

    def correct(self, answers: Answers) -> Mapping[str, bool]:
        """Which questions were answered exactly as the key has them. An empty value never matches."""
        return {
            question: bool(right) and frozenset(answers.get(question, ())) == right
            for question, right in self.key.items()
        }


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What the workers of a HIT agree on: `agreed` holds only questions with an agreed answer (and its level)."""

    agreed: Mapping[str, tuple[Chosen, int]]
    hit_score: int
    matches: Mapping[str, Mapping[str, bool]]

    def worker_score(self, assignment_id: str) -> int:
        """The share of agreed questions on which this assignment agrees; 0 where nothing is agreed."""
        return _percent(sum(self.matches[assignment_id].values()), len(self.agreed))


@dataclass(frozen=True, kw_only=True)
class Plurality:
    """SimplePlurality over these questions."""

    questions: tuple[str, ...]
    threshold: int
    disregard_rejected: bool
    disregard_below: int | None
    verdict: Verdict
    extension: Extension | None

    def compare(self, assignments: Mapping[str, Answers]) -> Agreement:
        """Compares assignment id -> answers. Answers of more than 256 characters are left out."""
        agreed = {}
        for question in self.questions:
            found = self._plurality([_chosen(answers, question) for answers in assignments.values()])
            if found is not None:
                agreed[question] = found
        matches = {
            assignment_id: {
                question: _chosen(answers, question) == answer for question, (answer, _) in agreed.items()
            }
            for assignment_id, answers in assignments.items()
        }
        return Agreement(agreed=agreed, hit_score=_percent(len(agreed), len(self.questions)), matches=matches)

    def _plurality(self, given: Sequence[Chosen | None]) -> tuple[Chosen, int] | None:
        counted = Counter(answer for answer in given if answer is not None)
        if not counted:
            return None
        (answer, count), *others = counted.most_common(2)
        level = _percent(count, counted.total())
        is_tie = bool(others) and others[0][1] == count
        return None if is_tie or not (level > self.threshold or level == 100) else (answer, level)


def read_known_answers(policy: Mapping[str, Any]) -> KnownAnswers:
    """Reads an AssignmentReviewPolicy. Raises ParameterValidationError."""
    parameters = _Parameters(policy, "AssignmentReviewPolicy", KNOWN_ANSWERS)
    read = KnownAnswers(
        key=parameters.answer_key(),
        verdict=parameters.verdict("KnownAnswerScore", most=101),
        extension=parameters.extension(
            "ExtendIfKnownAnswerScoreIsLessThan", most=101, assignments=(2, 25), is_needed=False
        ),
    )
    parameters.finish()
    return read


def read_plurality(policy: Mapping[str, Any]) -> Plurality:
    """Reads a HITReviewPolicy. Raises ParameterValidationError."""
    parameters = _Parameters(policy, "HITReviewPolicy", PLURALITY)
    threshold = parameters.integer("QuestionAgreementThreshold", 0, 100)
    if threshold is None:
        raise parameters.fault("QuestionAgreementThreshold", "It is needed.")
    read = Plurality(
        questions=parameters.questions(),
        threshold=threshold,
        disregard_rejected=parameters.boolean("DisregardAssignmentIfRejected"),
        disregard_below=parameters.integer("DisregardAssignmentIfKnownAnswerScoreIsLessThan", 0, 101),
        verdict=parameters.verdict("WorkerAgreementScore", most=101),
        extension=parameters.extension(
            "ExtendIfHITAgreementScoreIsLessThan", most=100, assignments=(1, 1_000_000_000), is_needed=True
        ),
    )
    parameters.finish()
    return read


class _Parameters:
    """The parameters of one policy, each taken once; what is left at the end nobody knows."""

    def __init__(self, policy: Mapping[str, Any], level: str, name: str) -> None:
        self._level = level
        if policy["PolicyName"] != name:
            raise ParameterValidationError(
                level, policy["PolicyName"], f"The policy of this level is {name}."
            )
        self._values: dict[str, list[str]] = {}
        self._entries: dict[str, list[Mapping[str, Any]]] = {}
        for parameter in policy.get("Parameters", []):
            key = parameter.get("Key", "").strip()
            key = _OTHER_NAMES.get(key, key)
            self._values[key] = [value.strip() for value in parameter.get("Values", [])]
            self._entries[key] = parameter.get("MapEntries", [])

    def fault(self, key: str, why: str) -> ParameterValidationError:
        return ParameterValidationError(self._level, key, why)

    def finish(self) -> None:
        for key in self._values:
            raise self.fault(key, "The policy has no such parameter.")

    def text(self, key: str) -> str | None:
        self._entries.pop(key, None)
        values = self._values.pop(key, [])
        if len(values) > 1:
            raise self.fault(key, "It takes one value.")
        return values[0] if values else None

    def integer(self, key: str, least: int, most: int) -> int | None:
        text = self.text(key)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
            raise self.fault(key, f"It must be a whole number from {least} to {most}.")
        return int(text)

    def boolean(self, key: str) -> bool:
        text = (self.text(key) or "F").upper()
        if text not in {"T", "F", "TRUE", "FALSE"}:
            raise self.fault(key, "It must be T or F.")
        return text.startswith("T")

    def questions(self) -> tuple[str, ...]:
        self._entries.pop("QuestionIds", None)
        values = self._values.pop("QuestionIds", [])
        named = [name.strip() for value in values for name in value.split(",") if name.strip()]
        if not named or max(map(len, named)) > _LONGEST_QUESTION_ID:
            raise self.fault(
                "QuestionIds", f"Name the questions, in up to {_LONGEST_QUESTION_ID} characters."
            )
        return tuple(dict.fromkeys(named))

    def answer_key(self) -> Mapping[str, Chosen]:
        self._values.pop("AnswerKey", None)
        entries = self._entries.pop("AnswerKey", [])
        if not entries or not all(
            1 <= len(entry.get("Key", "")) <= _LONGEST_QUESTION_ID for entry in entries
        ):
            raise self.fault("AnswerKey", "It needs MapEntries, each with a question's id as its Key.")
        return {
            entry["Key"]: frozenset(value.strip() for value in entry.get("Values", []) if value.strip())
            for entry in entries
        }

    def verdict(self, score: str, *, most: int) -> Verdict:
        return Verdict(
            approve_at=self.integer(f"ApproveIf{score}IsAtLeast", 0, most),
            approve_reason=self.text("ApproveReason"),
            reject_below=self.integer(f"RejectIf{score}IsLessThan", 0, most),
            reject_reason=self.text("RejectReason") or "",
        )

    def extension(
        self, key: str, *, most: int, assignments: tuple[int, int], is_needed: bool
    ) -> Extension | None:
        below = self.integer(key, 0, most)
        limit = self.integer("ExtendMaximumAssignments", *assignments)
        seconds = self.integer("ExtendMinimumTimeInSeconds", _HOUR_S, _YEAR_S)
        if below is None:
            return None
        if is_needed and (limit is None or seconds is None):
            raise self.fault(key, "It needs ExtendMaximumAssignments and ExtendMinimumTimeInSeconds.")
        return Extension(below=below, most=limit or _DEFAULT_MOST_ASSIGNMENTS, seconds=seconds or 0)


def percent_correct(correct: Mapping[str, bool]) -> int:
    """The KnownAnswerScore."""
    return _percent(sum(correct.values()), len(correct))


def _chosen(answers: Answers, question: str) -> Chosen | None:
    values = answers.get(question, ())
    return None if any(len(value) > _LONGEST_COMPARED for value in values) else frozenset(values)


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0
