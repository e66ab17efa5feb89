"""A QuestionForm as values: overviews and questions in their order, each with its content and its kind of answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

OTHER = "other"
"""The form's value for "something else" in a selection."""


class MediaKind(StrEnum):
    """How a binary is shown."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Title:
    """A heading."""

    text: str
    kind: str = field(default="title", init=False)


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph; line breaks count."""

    text: str
    kind: str = field(default="text", init=False)


@dataclass(frozen=True, kw_only=True)
class Items:
    """A bulleted list."""

    items: tuple[str, ...]
    kind: str = field(default="list", init=False)


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A picture, a sound, a film, or anything else as a link. `url` is http or https."""

    url: str
    alt: str
    media: MediaKind
    kind: str = field(default="binary", init=False)


@dataclass(frozen=True, kw_only=True)
class Formatted:
    """HTML that went through the allow-list and may be shown as it is."""

    html: str
    kind: str = field(default="formatted", init=False)


Content = Title | Text | Items | Binary | Formatted


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A format that the browser asks of an answer, as a JavaScript regular expression."""

    regex: str
    flags: str
    error_text: str


@dataclass(frozen=True, kw_only=True)
class FreeText:
    """A text to write. Bounds that are None do not bind; lengths in characters."""

    default: str = ""
    lines: int = 1
    min_length: int | None = None
    max_length: int | None = None
    is_numeric: bool = False
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing to choose."""

    identifier: str
    content: Text | Binary | Formatted


class Style(StrEnum):
    """How choices are shown; the six suggestions of the schema come down to these four."""

    RADIO = "radio"
    CHECKBOX = "checkbox"
    LIST = "list"
    DROPDOWN = "dropdown"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Choices, of which between `least` and `most` are to be taken. `other` is a text beside them."""

    choices: tuple[Choice, ...]
    least: int
    most: int
    style: Style
    other: FreeText | None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Something to read before the questions."""

    contents: tuple[Content, ...]
    kind: str = field(default="overview", init=False)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `name` is its field's in the form; its identifier is the requester's and may be anything."""

    identifier: str
    name: str
    display_name: str
    is_required: bool
    contents: tuple[Content, ...]
    free_text: FreeText | None
    selection: Selection | None
    kind: str = field(default="question", init=False)


@dataclass(frozen=True, kw_only=True)
class QuestionForm:
    """The whole form, in the order in which it is shown."""

    parts: tuple[Overview | Question, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions alone."""
        return tuple(part for part in self.parts if isinstance(part, Question))
