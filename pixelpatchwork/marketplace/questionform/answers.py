"""What a worker entered into a QuestionForm: checked against the form, and written as QuestionFormAnswers.

An AnswerFormatRegex is checked by the worker's browser only. It is the requester's, it meets the worker's text, and
Python's matcher has no time limit: run here, two people could stop the server with one expression. Mechanical Turk
itself "does not guarantee that answers conform to the answer specifications", so requesters check them anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

from pixelpatchwork.marketplace.answers import answers_document
from pixelpatchwork.marketplace.questionform.model import (
    OTHER,
    FreeText,
    Question,
    QuestionForm,
    Selection,
)

_ELSEWHERE = "Choose from what this question offers."


class Fields(Protocol):
    """A submitted form; werkzeug's MultiDict is one."""

    def getlist(self, key: str) -> list[str]:
        """All values sent under one name."""
        ...


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A submitted form as read: `faults` by the question's field name, and the document where there are none."""

    faults: dict[str, str]
    document: str


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One question's answer, as elements of the document, or what is wrong with it."""

    elements: tuple[tuple[str, str], ...] = ()
    fault: str = ""


def read_answers(form: QuestionForm, fields: Fields) -> Reading:
    """Checks what was entered and writes the document; an optional question left empty has an empty answer."""
    entries = [(question, _read(question, fields)) for question in form.questions]
    return Reading(
        faults={question.name: entry.fault for question, entry in entries if entry.fault},
        document=answers_document((question.identifier, entry.elements) for question, entry in entries),
    )


def _read(question: Question, fields: Fields) -> _Entry:
    if question.selection is not None:
        return _read_selection(question.selection, question, fields)
    text = _first(fields, question.name)
    rules = question.free_text or FreeText()
    return _Entry(
        elements=(("FreeText", text),), fault=_text_fault(rules, text, is_required=question.is_required)
    )


def _read_selection(selection: Selection, question: Question, fields: Fields) -> _Entry:
    chosen = [value for value in dict.fromkeys(fields.getlist(question.name)) if value]
    other = _first(fields, f"{question.name}_other") if OTHER in chosen else ""
    known = {str(position): choice.identifier for position, choice in enumerate(selection.choices)}
    legal = known.keys() | ({OTHER} if selection.other else set())
    if not legal.issuperset(chosen):
        return _Entry(fault=_ELSEWHERE)
    elements = [("SelectionIdentifier", known[value]) for value in chosen if value in known]
    if OTHER in chosen:
        elements.append(("OtherSelectionText", other))
    fault = _count_fault(selection, len(chosen), is_required=question.is_required)
    if not fault and selection.other and OTHER in chosen:
        fault = _text_fault(selection.other, other, is_required=True)
    return _Entry(elements=tuple(elements), fault=fault)


def _first(fields: Fields, name: str) -> str:
    """Browsers send line ends as CRLF; what was typed is a line feed."""
    return next(iter(fields.getlist(name)), "").replace("\r\n", "\n")


def _count_fault(selection: Selection, count: int, *, is_required: bool) -> str:
    least = max(selection.least, 1) if is_required else selection.least
    if count == 0 and not is_required:
        return ""
    if least <= count <= selection.most:
        return ""
    if least == selection.most:
        return f"Choose {_things(least)}."
    if count < least:
        return f"Choose at least {_things(least)}."
    return f"Choose at most {_things(selection.most)}."


def _things(count: int) -> str:
    return "one" if count == 1 else str(count)


def _text_fault(rules: FreeText, text: str, *, is_required: bool) -> str:
    if not text.strip():
        return "Please answer this question." if is_required else ""
    return next(_faults(rules, text), "")


def _faults(rules: FreeText, text: str) -> Iterator[str]:
    if rules.min_length is not None and len(text) < rules.min_length:
        yield f"Write at least {rules.min_length} characters."
    if rules.max_length is not None and len(text) > rules.max_length:
        yield f"Write at most {rules.max_length} characters."
    if rules.is_numeric:
        yield from _number_faults(rules, text)


def _number_faults(rules: FreeText, text: str) -> Iterator[str]:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        yield "Write a number."
        return
    if not number.is_finite():
        yield "Write a number."
    elif rules.min_value is not None and number < rules.min_value:
        yield f"The least is {rules.min_value}."
    elif rules.max_value is not None and number > rules.max_value:
        yield f"The most is {rules.max_value}."


def entered(form: QuestionForm, fields: Fields) -> dict[str, Sequence[str]]:
    """What stood in each field, to show the form again with it."""
    names = [name for question in form.questions for name in (question.name, f"{question.name}_other")]
    return {name: fields.getlist(name) for name in names if fields.getlist(name)}
