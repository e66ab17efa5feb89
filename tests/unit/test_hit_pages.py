"""The workers' pages as documents: their contract, their size, and what hostile words cannot do to them."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import MAX_BYTES, HitPages, html_question
from pixelpatchwork.domain.errors import ConfigurationError, PageTooLarge
from pixelpatchwork.domain.model import ImageId
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from tests.support.hit_host import html_of

LANGUAGES = ("de", "en", "es", "fr")
HOSTILE = "</script></textarea><img src=x onerror=alert(1)> \"'{{ 7*7 }} ]]> \x00\x0b\ud800 👾 &amp; \u202e"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def image(image_id: str, *, label: str = "", url: str | None = None) -> ShownImage:
    url = f"/images/{image_id}.png?a=1&b=2" if url is None else url
    return ShownImage(image_id=ImageId(image_id), url=url, width=600, height=400, label=label)


def generation(*, prompt: str = "a boat", winners: int = 1, consent: str = "Kept.") -> GenerationPage:
    winner = PastWinner(day_number=1, image=image("w1", label="offline"), prompt=prompt, username=prompt)
    return GenerationPage(
        study_name=prompt,
        day_number=2,
        reward_usd=Decimal("0.25"),
        seed=image("seed", label=prompt),
        past_winners=(winner,) * winners,
        min_coverage=0.02,
        max_coverage=0.125,
        max_prompt=400,
        consent=consent,
        instructions="One.\n\nTwo.",
    )


def voting(*, prompt: str = "a boat", images: int = 3, url: str | None = None) -> VotingPage:
    return VotingPage(
        study_name="A study",
        day_number=2,
        reward_usd=Decimal("0.10"),
        seed=image("seed"),
        ballot=(
            (image("seed"), ""),
            *((image(f"i{number}", label="offline", url=url), prompt) for number in range(1, images)),
        ),
        consent="Kept.",
        instructions="",
    )


@pytest.fixture(scope="module")
def pages() -> HitPages:
    return HitPages(resources.hit_templates())


def form_of(question: str) -> Tag:
    form = BeautifulSoup(html_of(question), "html.parser").find("form", id="answer")
    assert isinstance(form, Tag)
    return form


class StrictParser(HTMLParser):
    """Finds what a marketplace refuses: unclosed or crossed elements, repeated attributes and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> repeats an attribute")
        self.faults += [f"<{tag}> has an inline handler" for name in names if name.startswith("on")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.faults.append(f"<{tag}/> is no HTML ({attrs})")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def faults_of(html: str) -> list[str]:
    parser = StrictParser()
    parser.feed(html)
    parser.close()
    repeated = {name for name in parser.ids if parser.ids.count(name) > 1}
    unclosed = [f"<{tag}> is not closed" for tag in parser.open]
    return parser.faults + unclosed + [f"the id {name} is repeated" for name in repeated]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("prompt", ["a boat", HOSTILE], ids=["plain", "hostile"])
def test_every_page_is_a_whole_well_formed_document(language: str, prompt: str) -> None:
    pages = HitPages(resources.hit_templates(), language=language)

    for question in (pages.generation(generation(prompt=prompt)), pages.voting(voting(prompt=prompt))):
        html = html_of(question)
        assert html.startswith("<!DOCTYPE html>")
        assert html.endswith("</html>")
        assert faults_of(html) == []


def test_a_question_is_an_html_question_that_fits_the_window(pages: HitPages) -> None:
    root = ElementTree.fromstring(pages.generation(generation()))

    namespace = (
        "{http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd}"
    )
    assert root.tag == f"{namespace}HTMLQuestion"
    assert root.findtext(f"{namespace}FrameHeight") == "0"


def test_usual_pages_leave_room_for_long_prompts(pages: HitPages) -> None:
    assert len(pages.generation(generation(winners=5)).encode()) < 40_000
    assert len(pages.voting(voting(images=10)).encode()) < 40_000


def test_a_generation_form_keeps_its_contract(pages: HitPages) -> None:
    form = form_of(pages.generation(generation()))

    data = {name: value for name, value in form.attrs.items() if name.startswith("data-")}
    assert data == {
        "data-kind": "generation",
        "data-width": "600",
        "data-height": "400",
        "data-seed-image-id": "seed",
        "data-seed-url": "/images/seed.png?a=1&b=2",
        "data-min-coverage": "0.02",
        "data-max-coverage": "0.125",
        "data-max-prompt": "400",
    }
    names = sorted(str(field["name"]) for field in form.select("[name]"))
    assert names == ["assignmentId", "consent", "language", "mask", "prompt", "seconds"]
    assert form["method"] == "post"


def test_a_ballot_form_keeps_its_contract(pages: HitPages) -> None:
    form = form_of(pages.voting(voting()))

    cards = form.find_all("fieldset")
    assert [card["data-image-id"] for card in cards] == ["seed", "i1", "i2"]
    assert cards[1]["data-src"] == "/images/i1.png?a=1&b=2"
    assert [part.text for part in form.select("fieldset [data-prompt]")] == ["", "a boat", "a boat"]
    radios = cards[1].find_all("input", attrs={"name": "vote_i1"})
    assert [(radio["value"], radio.has_attr("checked")) for radio in radios] == [
        ("up", False),
        ("down", False),
        ("skip", True),
    ]
    assert cards[1].find("input", attrs={"name": "flag_i1", "type": "checkbox", "value": "yes"})
    assert (form["data-kind"], form["data-seed-image-id"]) == ("voting", "seed")


def test_pictures_of_an_offline_editor_are_labelled(pages: HitPages) -> None:
    cards = form_of(pages.voting(voting())).find_all("fieldset")

    assert [bool(card.find(class_="badge", string="offline")) for card in cards] == [False, True, True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_label_explains_itself_where_it_is_used_and_only_there(language: str) -> None:
    pages = HitPages(resources.hit_templates(), language=language)
    words = yaml.safe_load(
        (resources.hit_templates() / f"locales/{language}.yaml").read_text(encoding="utf-8")
    )
    assert "offline" in words["offline"]

    plain = generation(winners=0)
    for page, expected in (
        (pages.voting(voting()), 1),
        (pages.voting(replace(voting(), ballot=((image("seed"), ""),))), 0),
        (pages.generation(replace(plain, seed=image("seed", label="offline"))), 1),
        (pages.generation(replace(plain, seed=image("seed"))), 0),
        (pages.generation(replace(generation(), seed=image("seed"))), 1),
        (pages.generation(generation()), 1),
    ):
        soup = BeautifulSoup(html_of(page), "html.parser")
        assert len(soup.find_all("p", string=words["offline"])) == expected


def test_hostile_words_are_text_and_nothing_else(pages: HitPages) -> None:
    plain = BeautifulSoup(html_of(pages.generation(generation())), "html.parser")
    hostile = BeautifulSoup(html_of(pages.generation(generation(prompt=HOSTILE))), "html.parser")

    assert [tag.name for tag in hostile.find_all()] == [tag.name for tag in plain.find_all()]
    shown = "</script></textarea><img src=x onerror=alert(1)> \"'{{ 7*7 }} ]]>  👾 &amp; \u202e"
    assert hostile.h1 is not None
    assert hostile.h1.text == shown


def test_characters_beyond_the_bmp_are_written_as_entities(pages: HitPages) -> None:
    question = pages.voting(voting(prompt="👾 ok"))

    assert "&#x1F47E; ok" in question
    assert max(question) <= "\uffff"


def test_scripts_hold_no_character_beyond_the_bmp() -> None:
    for path in resources.hit_templates().rglob("*.*"):
        assert max(path.read_text(encoding="utf-8")) <= "\uffff"


def test_a_page_loads_nothing_from_outside(pages: HitPages) -> None:
    html = html_of(pages.generation(generation()))

    assert not re.findall(r"(?:https?:)?//[a-z]", html)
    assert "localStorage" not in html
    assert "@import" not in html


def test_a_cdata_end_in_a_page_survives_the_wrapping() -> None:
    assert html_of(html_question("<p>a ]]> b</p>")) == "<p>a ]]> b</p>"


def test_long_prompts_are_shortened_before_a_round_fails(pages: HitPages) -> None:
    question = pages.voting(voting(prompt="👾" * 4_000, images=9))

    assert len(question.encode()) <= MAX_BYTES
    shown = form_of(question).select("[data-prompt]")[1].text
    assert shown.startswith("👾👾")
    assert shown.endswith("…")


def test_a_page_that_cannot_fit_is_refused_with_what_to_do(pages: HitPages) -> None:
    with pytest.raises(PageTooLarge, match=r"at most 65,535\. Show fewer images"):
        pages.voting(voting(images=60, url="/images/" + "x" * 1_000))


@pytest.mark.parametrize(
    ("language", "stem"), [("de", "überspring"), ("en", "skip"), ("es", "omit"), ("fr", "passe")]
)
def test_the_button_that_skips_says_what_the_instruction_calls_it(language: str, stem: str) -> None:
    path = resources.hit_templates() / "locales" / f"{language}.yaml"
    words = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert stem in words["vote_skip"].lower()
    assert stem in words["vote_how"].lower()


@pytest.mark.parametrize(
    ("language", "bounds"),
    [
        ("de", "erlaubt: 2 bis 12,5 %"),
        ("en", "allowed: 2% to 12.5%"),
        ("es", "permitido: del 2 al 12,5 %"),
        ("fr", "permis : de 2 à 12,5 %"),
    ],
)
def test_the_bounds_are_written_as_the_pages_language_writes_numbers(language: str, bounds: str) -> None:
    soup = BeautifulSoup(
        html_of(HitPages(resources.hit_templates(), language=language).generation(generation())),
        "html.parser",
    )

    assert [part.text for part in soup.select(".share .quiet")] == [bounds]
    assert "--most:12.5%" in str(soup.select_one(".bar")["style"])


def test_all_locales_hold_the_same_texts_with_the_same_names_to_fill_in() -> None:
    def names(language: str) -> dict[str, list[str]]:
        path = resources.hit_templates() / "locales" / f"{language}.yaml"
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
        del words["defaults"]  # the settings' own: nothing is filled into them
        texts = {f"script.{key}": text for key, text in words.pop("script").items()} | words
        return {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts.items()}

    assert {language: names(language) for language in LANGUAGES} == dict.fromkeys(LANGUAGES, names("en"))


def test_a_language_without_a_locale_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no HIT pages in 'xx'\. There are: de, en, es, fr"):
        HitPages(resources.hit_templates(), language="xx")


def test_a_locale_that_lacks_a_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "en.yaml").write_text("day: Day\nscript: {ready: Ready}\n")
    (tmp_path / "locales" / "de.yaml").write_text("day: Tag\nscript: {}\n")

    with pytest.raises(ConfigurationError, match=r"differ in: script\.ready"):
        HitPages(tmp_path, language="de")


def test_templates_and_settings_are_found_in_a_checkout() -> None:
    assert (resources.hit_templates() / "generation.html.j2").is_file()
    assert resources.config().is_dir()
