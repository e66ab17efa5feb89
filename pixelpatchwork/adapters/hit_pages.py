"""The workers' pages as HTMLQuestion XML: one self-contained HTML document for each HIT.

A page runs in a sandboxed frame of an opaque origin, so it loads nothing but its pictures and stores nothing.
Whatever workers wrote is escaped by Jinja2; the marketplace's own demands (65,535 bytes, well-formed HTML, no
character beyond the Basic Multilingual Plane, no `]]>`) are met or refused here, before it is published.

The contract between a page and whoever fills it in, a person's browser or a program that reads the HTML:

- The query string brings `assignmentId`, `hitId`, `workerId`, `turkSubmitTo`. The answer is POSTed as a form
  to `turkSubmitTo`, without its trailing slash, + `/mturk/externalSubmit`, with `assignmentId` beside the
  fields below. `assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE` is a preview: nothing can be sent.
- `<form id="answer" method="post" data-kind="generation" data-width data-height data-seed-image-id
  data-seed-url data-min-coverage data-max-coverage data-max-prompt>` with the fields `mask`
  (`{"size":[height,width],"counts":"..."}`, COCO's compressed run-length text at the seed's own resolution),
  `prompt`, `consent` (`yes`), `language` (BCP 47), `seconds` (time spent with the page in view).
- `<form id="answer" method="post" data-kind="voting" data-seed-image-id data-seed-url>` with `consent`,
  `language`, `seconds`, and for each image a `<fieldset data-image-id data-src>` that holds its prompt in a
  `[data-prompt]` element (empty where nothing was written), the radio buttons `vote_<image id>` (`up`,
  `down`, `skip`, which is the default) and the checkbox `flag_<image id>` (`yes`: this should not be here).
- Pictures' addresses are absolute, or relative to the root of the site that shows the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pixelpatchwork.domain.errors import ConfigurationError, PageTooLarge
from pixelpatchwork.domain.ports import GenerationPage, VotingPage

MAX_BYTES = 65_535
"""Of a whole HTMLQuestion (MTurk's API reference)."""

DEFAULT_LANGUAGE = "en"

_PROMPT_LENGTHS = (4_000, 400, 120)
"""How much of each prompt is shown, in characters: less where a page would be too large, so that no worker's
long prompt can keep a round from being published."""

_QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[{html}]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class HitPages:
    """The port `Pages` over the Jinja2 templates in a folder, in one language.

    Raises ConfigurationError where there is no such locale, or its keys are not exactly the English ones.
    """

    def __init__(self, templates: Path, *, language: str = DEFAULT_LANGUAGE) -> None:
        self._words = _load_words(templates / "locales", language)
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "words": self._words,
            "language": language,
            "source": cache(partial(_source, templates)),
        }
        self._environment.filters |= {"paragraphs": _paragraphs, "share": _share}

    def generation(self, page: GenerationPage) -> str:
        """The question of a generation HIT. Raises PageTooLarge."""
        return self._question("generation.html.j2", page)

    def voting(self, page: VotingPage) -> str:
        """The question of a voting HIT. Raises PageTooLarge."""
        return self._question("voting.html.j2", page)

    def _question(self, template: str, page: GenerationPage | VotingPage) -> str:
        size = 0
        for longest in _PROMPT_LENGTHS:
            html = self._environment.get_template(template).render(page=page, longest_prompt=longest)
            question = html_question(html)
            size = len(question.encode())
            if size <= MAX_BYTES:
                return question
        raise PageTooLarge(
            f"The page of a HIT is {size:,} bytes, and a marketplace takes at most {MAX_BYTES:,}. "
            "Show fewer images on a ballot or fewer past winners, shorten the consent and instructions, "
            "or give the images shorter addresses."
        )


def html_question(html: str) -> str:
    """`html` as HTMLQuestion XML, with what XML or the marketplace forbids taken out or written otherwise.

    Characters beyond the BMP become numeric entities: they may stand in text and attributes, not in scripts.
    """
    allowed = _NOT_IN_XML.sub("", html)
    in_bmp = _BEYOND_BMP.sub(lambda found: f"&#x{ord(found[0]):X};", allowed)
    return _QUESTION.format(html=in_bmp.replace("]]>", "]]]]><![CDATA[>"))


def _load_words(folder: Path, language: str) -> dict[str, Any]:
    """The texts of one language: strings by key, those of the scripts below `script`."""
    languages = sorted(path.stem for path in folder.glob("*.yaml"))
    if language not in languages:
        raise ConfigurationError(
            f"There are no HIT pages in {language!r}. There are: {', '.join(languages)}."
        )
    words = _read_yaml(folder / f"{language}.yaml")
    differing = set(_keys(words)) ^ set(_keys(_read_yaml(folder / f"{DEFAULT_LANGUAGE}.yaml")))
    if differing:
        raise ConfigurationError(
            f"The locales {language} and {DEFAULT_LANGUAGE} differ in: {', '.join(sorted(differing))}."
        )
    return words


def _read_yaml(path: Path) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words


def _keys(words: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in words.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")


def _source(templates: Path, name: str) -> Markup:
    """A script or style of ours for a page, without indentation and comment lines, which cost bytes there."""
    lines = (line.strip() for line in (templates / name).read_text(encoding="utf-8").splitlines())
    lean = "\n".join(line for line in lines if line and not line.startswith("//"))
    return Markup(lean)  # noqa: S704  # our own file, no worker's text


def _paragraphs(text: str) -> list[str]:
    return [stripped for part in re.split(r"\n\s*\n", text) if (stripped := part.strip())]


def _share(value: float) -> str:
    """A share of the picture as a percentage, without trailing zeros: 0.02 -> `2`, 0.125 -> `12.5`."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".")
