"""What a worker answered, or why it cannot be used.

An answer is the QuestionFormAnswers XML that the marketplace hands over, and everything in it is hostile:
it was typed, painted or forged by a stranger. So sizes are bounded before anything is read, DTDs and entities
are refused, and whatever is wrong becomes an `Unusable` with a reason in plain words. No text makes it raise.

The fields are those of the HIT pages (see `adapters/hit_pages.py`). Answers of a `crowd-form`, which folds
all fields into one `taskAnswers` field of JSON, are read as well.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from pixelpatchwork.domain.errors import MaskError
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Choice, ImageId

MAX_ANSWER = 2_000_000
"""Characters of one answer. The largest honest one, a scribble on 4000 x 3000 pixels, is a tenth of that."""

MAX_DEPTH = 8
MAX_FIELDS = 1_000
MAX_PROMPT_INFLATION = 8
"""A prompt's characters as sent, in units of those allowed after tidying: bounds the work of tidying."""

LONGEST_SECONDS = 31_536_000.0
"""A year: the longest assignment that MTurk allows."""


@dataclass(frozen=True, kw_only=True)
class GenerationRules:
    """What a generation answer must keep to: shares of the picture, and characters of the tidied prompt."""

    min_coverage: float
    max_coverage: float
    max_prompt: int

    def to_text(self) -> str:
        """As JSON text, to be kept with a round."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> GenerationRules:
        """What `to_text` wrote."""
        return cls(**json.loads(text))


LENIENT = GenerationRules(min_coverage=0.0, max_coverage=1.0, max_prompt=32_000)
"""What an answer must keep to that the requester wants used: that it can be made at all."""


@dataclass(frozen=True, kw_only=True)
class GenerationAnswer:
    """One worker's mask and prompt. `language` is a BCP 47 tag or "", `seconds` the time on the page."""

    mask: Mask
    prompt: str
    language: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one ballot says of one image."""

    image_id: ImageId
    choice: Choice
    flagged: bool


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """One worker's opinions, in the order of the ballot; `checks` are those on its attention checks."""

    opinions: tuple[Opinion, ...]
    language: str
    seconds: float | None
    checks: tuple[Opinion, ...] = ()


@dataclass(frozen=True)
class Unusable:
    """Why an answer cannot be used, in words that a worker and a requester understand."""

    reason: str


_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class _Refused(Exception):  # noqa: N818  # carries a reason to the two functions below, never further
    """This answer cannot be used; the message is the reason."""


def parse_generation(
    answer_xml: str, *, size: tuple[int, int], rules: GenerationRules
) -> GenerationAnswer | Unusable:
    """Reads a generation answer. `size` is the seed's (width, height)."""
    try:
        fields = _consented(answer_xml)
        return GenerationAnswer(
            mask=_mask(fields.get("mask", ""), size, rules),
            prompt=_prompt(fields.get("prompt", ""), rules.max_prompt),
            language=_language(fields.get("language", "")),
            seconds=_seconds(fields.get("seconds", "")),
        )
    except _Refused as refusal:
        return Unusable(str(refusal))


def parse_ballot(
    answer_xml: str, *, ballot: Sequence[ImageId], checks: Sequence[ImageId] = ()
) -> Ballot | Unusable:
    """Reads a voting answer. An image without a vote counts as skipped; votes on other images are ignored.

    `checks` are the ids under which the ballot's attention checks are shown.
    """
    try:
        fields = _consented(answer_xml)
    except _Refused as refusal:
        return Unusable(str(refusal))
    opinions = tuple(opinion_of(fields, image_id) for image_id in ballot)
    if all(opinion.choice is Choice.SKIP and not opinion.flagged for opinion in opinions):
        return Unusable("There is no vote: every image was skipped.")
    return Ballot(
        opinions=opinions,
        language=_language(fields.get("language", "")),
        seconds=_seconds(fields.get("seconds", "")),
        checks=tuple(opinion_of(fields, shown_as) for shown_as in checks),
    )


def read_fields(answer_xml: str) -> Mapping[str, str]:
    """What can be read of an answer, by field, to be shown to the requester; nothing where it cannot be read."""
    try:
        return _unfolded(_xml_fields(answer_xml))
    except _Refused:
        return {}


def tidy_prompt(text: str) -> str:
    """`text` as one line in Unicode form NFC, without control, bidirectional or invisible characters.

    Markup stays as it is: it is text, and is escaped wherever it is shown.
    """
    kept = "".join(_tidy_character(character) for character in text)
    return " ".join(unicodedata.normalize("NFC", kept).split())


# ---- fields ---------------------------------------------------------------------------------------------


def _mask(text: str, size: tuple[int, int], rules: GenerationRules) -> Mask:
    if not text.strip():
        raise _Refused("There is no mask: nothing was painted.")
    try:
        mask = Mask.from_rle(text, size=size)
    except MaskError as error:
        raise _Refused(str(error)) from error
    if mask.is_empty:
        raise _Refused("The mask is empty: nothing was painted.")
    if mask.is_full:
        raise _Refused("The mask covers the whole picture, so nothing of it would stay.")
    if mask.coverage < rules.min_coverage:
        raise _Refused(
            f"The mask covers {mask.coverage:.2%} of the picture, less than {rules.min_coverage:.2%}."
        )
    if mask.coverage > rules.max_coverage:
        raise _Refused(
            f"The mask covers {mask.coverage:.2%} of the picture, more than {rules.max_coverage:.2%}."
        )
    return mask


def _prompt(text: str, longest: int) -> str:
    # Normalising is quadratic in runs of combining marks, so the length is bounded first.
    if len(text) > MAX_PROMPT_INFLATION * longest:
        raise _Refused(f"The prompt is {len(text):,} characters long; at most {longest:,} are allowed.")
    prompt = tidy_prompt(text)
    if not any(unicodedata.category(character)[0] in "LNS" for character in prompt):
        raise _Refused("There is no prompt: it says nothing about what to paint.")
    if len(prompt) > longest:
        raise _Refused(f"The prompt is {len(prompt):,} characters long; at most {longest:,} are allowed.")
    return prompt


def _tidy_character(character: str) -> str:
    """The character, a space for any white space, or nothing where it must not be stored."""
    if character.isspace():
        return " "
    if character in "\u200c\u200d":  # joiners: Persian words and many emoji need them
        return character
    code = ord(character)
    is_noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    if is_noncharacter or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}:
        return ""
    return character


def opinion_of(fields: Mapping[str, str], image_id: ImageId) -> Opinion:
    """What an answer's fields say of one picture; no vote that can be read counts as skipped."""
    choice = fields.get(f"vote_{image_id}", "").strip().lower()
    return Opinion(
        image_id=image_id,
        choice=Choice(choice) if choice in set(Choice) else Choice.SKIP,
        flagged=_is_ticked(fields.get(f"flag_{image_id}", "")),
    )


def _is_ticked(value: str) -> bool:
    """A checkbox that is not ticked is not sent at all, or as a word for no."""
    return value.strip().lower() not in {"", "false", "no", "off", "0"}


def _language(text: str) -> str:
    """The tag if it looks like one of BCP 47 (RFC 5646: 35 characters cover every practical tag), else ""."""
    tag = text.strip()
    return tag if len(tag) <= 35 and re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag) else ""


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text[:32])
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS else None


# ---- the XML --------------------------------------------------------------------------------------------


def _consented(answer_xml: str) -> dict[str, str]:
    """The answer's fields by name. Raises _Refused where it cannot be read or gives no consent."""
    fields = _unfolded(_xml_fields(answer_xml))
    if not fields:
        raise _Refused("The answer is empty.")
    if not _is_ticked(fields.get("consent", "")):
        raise _Refused("Consent was not given.")
    return fields


@dataclass
class _Collector:
    """A parser target that keeps the fields and builds no tree, so that no nesting can exhaust anything."""

    fields: dict[str, str] = field(default_factory=dict)
    depth: int = 0
    name: str = ""
    text: list[str] = field(default_factory=list)

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused("The answer is nested too deeply to be one of this page.")
        self.text = []

    def end(self, tag: str) -> None:
        self.depth -= 1
        match tag.rpartition("}")[2]:
            case "Answer":
                self.name = ""
            case "QuestionIdentifier":
                self.name = "".join(self.text).strip()
            case "FreeText" if self.name:
                self.fields.setdefault(self.name, "".join(self.text))
        if len(self.fields) > MAX_FIELDS:
            raise _Refused("The answer has too many fields to be one of this page.")
        self.text = []

    def data(self, text: str) -> None:
        self.text.append(text)

    def close(self) -> dict[str, str]:
        return self.fields


def _xml_fields(answer_xml: str) -> dict[str, str]:
    """The free-text fields by name; of a repeated name the first counts."""
    if len(answer_xml) > MAX_ANSWER:
        raise _Refused(f"The answer is {len(answer_xml):,} characters long; at most {MAX_ANSWER:,} are read.")
    text = answer_xml.strip().removeprefix("\ufeff")
    if not text:
        raise _Refused("The answer is empty.")
    collector = _Collector()
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        raise _Refused("The answer contains a document type or entities, which are not allowed.") from error
    except (ParseError, ValueError) as error:  # ValueError: characters that no encoding holds
        raise _Refused("The answer is not well-formed XML.") from error
    return collector.fields


def _unfolded(fields: dict[str, str]) -> dict[str, str]:
    """The fields themselves where a `crowd-form` folded them into the JSON of one field `taskAnswers`."""
    folded = fields.get("taskAnswers")
    if folded is None:
        return fields
    try:
        answers = json.loads(folded)
    except (ValueError, RecursionError) as error:
        raise _Refused("The answer's taskAnswers field is not JSON.") from error
    inner = answers[0] if isinstance(answers, list) and answers else answers
    if not isinstance(inner, dict):
        raise _Refused("The answer's taskAnswers field holds no fields.")
    return {_whole(name): _whole(_flat(value)) for name, value in inner.items()}


def _whole(text: str) -> str:
    """JSON can name half a character (a lone surrogate), which nothing can show or keep."""
    return _HALF_CHARACTER.sub("\ufffd", text)


def _flat(value: object) -> str:
    """A folded value as a form would send it; checkboxes and radio groups come as {"value": true}."""
    if isinstance(value, dict):
        return next((str(name) for name, is_chosen in value.items() if is_chosen is True), "")
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value) if isinstance(value, str | int | float) else ""
