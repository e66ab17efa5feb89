"""Answer keys: how the answers to a qualification test become the qualification's value.

Source: the API reference, "AnswerKey". A question scores its first option whose selections are exactly the worker's,
else its default (0). The sum is the value, or is mapped to a percentage, scaled, or looked up in ranges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from xml.etree.ElementTree import Element

from pixelpatchwork.marketplace.documents import SCHEMAS, check_size, parse_document, split_name
from pixelpatchwork.marketplace.errors import xml_error

_NAMESPACE = re.compile(re.escape(SCHEMAS) + r"\d{4}-\d\d-\d\d/AnswerKey\.xsd")
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?")
_LARGEST_VALUE = 2**31 - 1

Answers = Mapping[str, Sequence[str]]
Mapper = Callable[[int], int]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One combination of selections, and what it scores."""

    selections: frozenset[str]
    score: int


@dataclass(frozen=True, kw_only=True)
class KeyQuestion:
    """One question of a key."""

    identifier: str
    options: tuple[Option, ...]
    default: int

    def score(self, answered: Sequence[str]) -> int:
        """What these selections score."""
        chosen = frozenset(answered)
        return next((option.score for option in self.options if option.selections == chosen), self.default)


@dataclass(frozen=True, kw_only=True)
class AnswerKey:
    """A whole key; `to_value` maps the summed score to the qualification's value."""

    questions: tuple[KeyQuestion, ...]
    to_value: Mapper

    def value(self, answers: Answers) -> int:
        """The qualification's value for these answers (question id -> what was chosen)."""
        total = sum(question.score(answers.get(question.identifier, ())) for question in self.questions)
        return max(-_LARGEST_VALUE, min(_LARGEST_VALUE, self.to_value(total)))


def read_answer_key(text: str) -> AnswerKey:
    """Parses a key. Raises ParameterValidationError for its size, RequestError `XMLParseError` for its content."""
    check_size("AnswerKey", text)
    root = parse_document(text)
    namespace, name = split_name(root.tag)
    if name != "AnswerKey" or not _NAMESPACE.fullmatch(namespace):
        raise xml_error(f"The root element must be AnswerKey of {SCHEMAS}2005-10-01/AnswerKey.xsd.")
    reader = _Reader(namespace)
    questions = tuple(reader.question(element) for element in reader.all(root, "Question"))
    identifiers = [question.identifier for question in questions]
    if not questions or len(set(identifiers)) < len(identifiers):
        raise xml_error("An AnswerKey needs one Question for each question, and at least one.")
    return AnswerKey(
        questions=questions, to_value=reader.mapper(root.find(f"{{{namespace}}}QualificationValueMapping"))
    )


class _Reader:
    """Reads elements of one version of the schema."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}"

    def all(self, parent: Element, name: str) -> list[Element]:
        return parent.findall(self._prefix + name)

    def text(self, parent: Element, name: str) -> str:
        found = parent.findtext(self._prefix + name)
        if found is None or not found.strip():
            raise xml_error(f"{split_name(parent.tag)[1]} needs a {name}.")
        return found.strip()

    def integer(self, parent: Element, name: str) -> int:
        return int(self._number(parent, name, _INTEGER))

    def question(self, element: Element) -> KeyQuestion:
        has_default = element.find(self._prefix + "DefaultScore") is not None
        return KeyQuestion(
            identifier=self.text(element, "QuestionIdentifier"),
            options=tuple(self._option(option) for option in self.all(element, "AnswerOption")),
            default=self.integer(element, "DefaultScore") if has_default else 0,
        )

    def mapper(self, element: Element | None) -> Mapper:
        if element is None:
            return int
        for name, read in (
            ("PercentageMapping", self._percentage),
            ("ScaleMapping", self._scale),
            ("RangeMapping", self._ranges),
        ):
            mapping = element.find(self._prefix + name)
            if mapping is not None:
                return read(mapping)
        raise xml_error(
            "QualificationValueMapping needs a PercentageMapping, a ScaleMapping or a RangeMapping."
        )

    def _option(self, element: Element) -> Option:
        found = [(child.text or "").strip() for child in self.all(element, "SelectionIdentifier")]
        return Option(selections=frozenset(found), score=self.integer(element, "AnswerScore"))

    def _percentage(self, element: Element) -> Mapper:
        most = self.integer(element, "MaximumSummedScore")
        if most <= 0:
            raise xml_error("MaximumSummedScore must be greater than 0.")
        return lambda total: _rounded(Decimal(total) * 100 / most)

    def _scale(self, element: Element) -> Mapper:
        factor = Decimal(self._number(element, "SummedScoreMultiplier", _DECIMAL))
        return lambda total: _rounded(total * factor)

    def _ranges(self, element: Element) -> Mapper:
        ranges = [
            (
                self.integer(found, "InclusiveLowerBound"),
                self.integer(found, "InclusiveUpperBound"),
                self.integer(found, "QualificationValue"),
            )
            for found in self.all(element, "SummedScoreRange")
        ]
        outside = self.integer(element, "OutOfRangeQualificationValue")
        return lambda total: next((value for low, high, value in ranges if low <= total <= high), outside)

    def _number(self, parent: Element, name: str, pattern: re.Pattern[str]) -> str:
        text = self.text(parent, name)
        if not pattern.fullmatch(text):
            raise xml_error(f"{name} must be a number, not {text[:40]!r}.")
        return text


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
