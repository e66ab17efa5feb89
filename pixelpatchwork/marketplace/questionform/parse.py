"""A QuestionForm's XML as values. Whatever the schema does not know is refused with its name and place.

The namespace's date may be any: the schema was published under several, and its elements stayed the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from pixelpatchwork.marketplace.documents import parse_document
from pixelpatchwork.marketplace.errors import RequestError, xml_error
from pixelpatchwork.marketplace.questionform.formatted import FormattedError, formatted_html, has_scheme
from pixelpatchwork.marketplace.questionform.model import (
    Binary,
    Choice,
    Content,
    Formatted,
    FreeText,
    Items,
    MediaKind,
    Overview,
    Pattern,
    Question,
    QuestionForm,
    Selection,
    Style,
    Text,
    Title,
)

_T = TypeVar("_T")
_ROOT = re.compile(
    r"\{http://mechanicalturk\.amazonaws\.com/AWSMechanicalTurkDataSchemas/\d{4}-\d\d-\d\d/QuestionForm\.xsd\}QuestionForm"
)
_NOT_OFFERED = {
    "FileUploadAnswer": "Workers cannot upload files here. Ask for a link in a FreeTextAnswer.",
    "Application": "Applets and Flash no longer run in browsers. Use an HTMLQuestion.",
    "EmbeddedBinary": "Use a Binary with an image, audio or video type.",
}
_MEDIA = {"image": MediaKind.IMAGE, "audio": MediaKind.AUDIO, "video": MediaKind.VIDEO}
_WEB = frozenset(["http", "https"])
_MOST_LINES = 40
_MAX_IDENTIFIER = 200
_FLAGS = frozenset("gimsuy")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
_THIS_MACHINE = frozenset(["127.0.0.1", "localhost"])
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[[^\]]*\]")
_NOTHING_TO_REPEAT = re.compile(r"(^|\|)[*+?]|\([*+]")
_SINGLE = {
    "radiobutton": Style.RADIO,
    "dropdown": Style.DROPDOWN,
    "combobox": Style.DROPDOWN,
    "list": Style.LIST,
}
_SEVERAL = {"list": Style.LIST}
_STYLES = frozenset(["radiobutton", "checkbox", "list", "dropdown", "combobox", "multichooser"])


def parse_question_form(text: str) -> QuestionForm:
    """Reads the XML of a QuestionForm.

    Raises RequestError: `XMLParseError` where it is not one, `XHTMLParseError` for its FormattedContent,
    `OperationNotSupported` for what is not offered.
    """
    return form_of(parse_document(text))


def form_of(root: Element) -> QuestionForm:
    """The form of a parsed document. Raises as `parse_question_form`."""
    if not _ROOT.fullmatch(root.tag):
        raise xml_error("The root element must be QuestionForm in the namespace of its schema.")
    names = iter(range(10_000))
    readers: Mapping[str, Callable[[Element], Overview | Question]] = {
        "Overview": lambda element: Overview(contents=_contents(element)),
        "Question": lambda element: _question(element, f"q{next(names)}"),
    }
    form = QuestionForm(parts=tuple(_read(child, readers, "QuestionForm") for child in root))
    identifiers = [question.identifier for question in form.questions]
    if not identifiers:
        raise xml_error("A QuestionForm needs at least one Question.")
    if len(set(identifiers)) < len(identifiers):
        raise xml_error("Each Question needs a QuestionIdentifier of its own.")
    return form


def _read(element: Element, readers: Mapping[str, Callable[[Element], _T]], where: str) -> _T:
    name = _name(element)
    if name in _NOT_OFFERED:
        raise RequestError("OperationNotSupported", f"{name} is not offered. {_NOT_OFFERED[name]}")
    reader = readers.get(name)
    if reader is None:
        raise xml_error(f"{where} cannot hold the element {name[:60]}; it may hold {', '.join(readers)}.")
    return reader(element)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _value(element: Element, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else (child.text or "").strip()


def _needed(element: Element, name: str) -> Element:
    child = _child(element, name)
    if child is None:
        raise xml_error(f"{_name(element)} needs the element {name}.")
    return child


def _identifier(element: Element, name: str) -> str:
    identifier = (_needed(element, name).text or "").strip()
    if not identifier or len(identifier) > _MAX_IDENTIFIER:
        raise xml_error(f"{name} must have 1 to {_MAX_IDENTIFIER} characters.")
    return identifier


# ---- what there is to read ----------------------------------------------------------------------------------


def _contents(element: Element) -> tuple[Content, ...]:
    return tuple(_read(child, _CONTENT, _name(element)) for child in element)


def _text(element: Element) -> Text:
    return Text(text=(element.text or "").strip())


def _items(element: Element) -> Items:
    readers = {"ListItem": lambda item: (item.text or "").strip()}
    return Items(items=tuple(str(_read(child, readers, "List")) for child in element))


def _binary(element: Element) -> Binary:
    url = _value(element, "DataURL")
    if not has_scheme(url, _WEB):
        raise xml_error("The DataURL of a Binary must be an http or https address.")
    kind = _MEDIA.get(_value(_needed(element, "MimeType"), "Type").lower(), MediaKind.LINK)
    if kind is not MediaKind.LINK and not _loads(url, kind):
        raise xml_error("The DataURL of a picture, sound or film must begin with https://.")
    return Binary(url=url, alt=_value(element, "AltText"), media=kind)


def _loads(url: str, kind: MediaKind) -> bool:
    """Whether the policy of the form's page lets a browser load it; over plain http only pictures of this machine."""
    parts = urlsplit(url.strip())
    return parts.scheme == "https" or (kind is MediaKind.IMAGE and parts.hostname in _THIS_MACHINE)


def _formatted(element: Element) -> Formatted:
    try:
        return Formatted(html=formatted_html(element.text or ""))
    except FormattedError as fault:
        raise RequestError(
            "XHTMLParseError", f"There was an error parsing the XHTML data in your request. {fault}"
        ) from fault


_CHOICE_CONTENT: Mapping[str, Callable[[Element], Text | Binary | Formatted]] = {
    "Text": _text,
    "FormattedContent": _formatted,
    "Binary": _binary,
}
_CONTENT: Mapping[str, Callable[[Element], Content]] = {
    "Title": lambda element: Title(text=(element.text or "").strip()),
    "List": _items,
    **_CHOICE_CONTENT,
}


# ---- what there is to answer --------------------------------------------------------------------------------


def _question(element: Element, name: str) -> Question:
    specification = _needed(element, "AnswerSpecification")
    readers: Mapping[str, Callable[[Element], FreeText | Selection]] = {
        "FreeTextAnswer": _free_text,
        "SelectionAnswer": _selection,
    }
    answers = [_read(child, readers, "AnswerSpecification") for child in specification]
    if len(answers) != 1:
        raise xml_error("AnswerSpecification holds exactly one FreeTextAnswer or SelectionAnswer.")
    answer = answers[0]
    return Question(
        identifier=_identifier(element, "QuestionIdentifier"),
        name=name,
        display_name=_value(element, "DisplayName"),
        is_required=_boolean(element, "IsRequired"),
        contents=_contents(_needed(element, "QuestionContent")),
        free_text=answer if isinstance(answer, FreeText) else None,
        selection=answer if isinstance(answer, Selection) else None,
    )


def _free_text(element: Element) -> FreeText:
    constraints = _child(element, "Constraints")
    length = None if constraints is None else _child(constraints, "Length")
    number = None if constraints is None else _child(constraints, "IsNumeric")
    patterns = (
        [] if constraints is None else [one for one in constraints if _name(one) == "AnswerFormatRegex"]
    )
    default = _child(element, "DefaultText")
    _check_bounds(length, "minLength", "maxLength", _whole)
    _check_bounds(number, "minValue", "maxValue", _decimal)
    return FreeText(
        default="" if default is None else default.text or "",
        lines=min(_whole(_value(element, "NumberOfLinesSuggestion") or "1"), _MOST_LINES) or 1,
        min_length=_attribute(length, "minLength", _whole),
        max_length=_attribute(length, "maxLength", _whole),
        is_numeric=number is not None,
        min_value=_attribute(number, "minValue", _decimal),
        max_value=_attribute(number, "maxValue", _decimal),
        patterns=tuple(_pattern(one) for one in patterns),
    )


def _pattern(element: Element) -> Pattern:
    flags = element.get("flags", "")
    if not element.get("regex") or not _FLAGS.issuperset(flags):
        raise xml_error("AnswerFormatRegex needs a regex, and flags of JavaScript's.")
    if not _is_regex(element.get("regex", "")):
        raise xml_error(f"The regex {element.get('regex', '')[:40]!r} of AnswerFormatRegex is none.")
    return Pattern(regex=element.get("regex", ""), flags=flags, error_text=element.get("errorText", ""))


def _is_regex(text: str) -> bool:
    """False for what no dialect reads. A browser will read it, and Python would refuse some that JavaScript knows."""
    bare = _CLASS.sub("c", _ESCAPE.sub("e", text))
    depth = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0 and not {"[", "\\"} & set(bare) and not _NOTHING_TO_REPEAT.search(bare)


def _selection(element: Element) -> Selection:
    selections = _needed(element, "Selections")
    choices = tuple(_choice(child) for child in selections if _name(child) != "OtherSelection")
    other = _child(selections, "OtherSelection")
    if not choices or len({choice.identifier for choice in choices}) < len(choices):
        raise xml_error("Selections needs at least one Selection, each with an identifier of its own.")
    options = len(choices) + (other is not None)
    least = _whole(_value(element, "MinSelectionCount") or "1")
    most = _whole(_value(element, "MaxSelectionCount") or "1")
    if not (least <= most and most >= 1 and least <= options):
        raise xml_error(
            f"MinSelectionCount {least} and MaxSelectionCount {most} do not fit {options} choices."
        )
    return Selection(
        choices=choices,
        least=least,
        most=min(most, options),
        style=_style(_value(element, "StyleSuggestion"), choices, most),
        other=None if other is None else _free_text(other),
    )


def _choice(element: Element) -> Choice:
    if _name(element) != "Selection":
        raise xml_error(f"Selections cannot hold the element {_name(element)[:60]}.")
    shown = [child for child in element if _name(child) != "SelectionIdentifier"]
    if len(shown) != 1:
        raise xml_error("A Selection holds a SelectionIdentifier and one Text, FormattedContent or Binary.")
    content = _read(shown[0], _CHOICE_CONTENT, "Selection")
    return Choice(identifier=_identifier(element, "SelectionIdentifier"), content=content)


def _style(suggestion: str, choices: tuple[Choice, ...], most: int) -> Style:
    """A suggestion is followed where it can be: a menu shows plain text only, and a radio button takes one."""
    if suggestion and suggestion not in _STYLES:
        raise xml_error(f"StyleSuggestion must be one of {', '.join(sorted(_STYLES))}.")
    fallback = Style.RADIO if most == 1 else Style.CHECKBOX
    wanted = (_SINGLE if most == 1 else _SEVERAL).get(suggestion, fallback)
    only_text = all(isinstance(choice.content, Text) for choice in choices)
    return wanted if only_text else fallback


def _attribute(element: Element | None, name: str, read: Callable[[str], _T]) -> _T | None:
    text = None if element is None else element.get(name)
    return None if text is None else read(text)


def _check_bounds(
    element: Element | None, least: str, most: str, read: Callable[[str], Decimal | int]
) -> None:
    low, high = _attribute(element, least, read), _attribute(element, most, read)
    if low is not None and high is not None and low > high:
        raise xml_error(f"{least} {low} is more than {most} {high}.")


def _boolean(element: Element, name: str) -> bool:
    text = _value(element, name).lower()
    if text not in _BOOLEANS:
        raise xml_error(f"{name} must be true or false, not {text[:20]!r}.")
    return _BOOLEANS[text]


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise xml_error(f"{text[:20]!r} is not a whole number.")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise xml_error(f"{text[:20]!r} is not a number.") from error
    if not number.is_finite():
        raise xml_error(f"{text[:20]!r} is not a number.")
    return number
