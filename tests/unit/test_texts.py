"""The texts for workers that no settings give: in the language of the pages, whole, and within every bound."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest

from pixelpatchwork import resources
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.config import Settings, render_settings
from pixelpatchwork.config_texts import LANGUAGES, Language, day_name, default_texts, seed_caption
from pixelpatchwork.domain.errors import ConfigurationError
from pixelpatchwork.domain.model import ImageId
from pixelpatchwork.domain.ports import GenerationPage, PastWinner, ShownImage, VotingPage
from pixelpatchwork.domain.wording import DAY_NAME, of_day
from tests.support.settings import Load

LONGEST = {"title": 128, "description": 2000, "keywords": 1000}
"""Characters that the marketplace takes."""
OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(tmp_path)


def texts_of(settings: Settings) -> dict[str, object]:
    return {key: reduce(getattr, key.split("."), settings) for key in default_texts("en")}


def test_no_text_is_forgotten() -> None:
    rounds = ("title", "description", "keywords", "instructions", "consent")
    reasons = ("winner_reason", "runner_up_reason", "third_reason", "voter_reason")
    assert set(default_texts("en")) == {
        "study",
        *(f"{name}.{key}" for name in ("generation", "voting") for key in rounds),
        *(f"bonus.{key}" for key in reasons),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_and_short_enough_for_the_marketplace(language: Language) -> None:
    texts = default_texts(language)
    assert texts_of(Settings(language=language)) == texts
    assert all(texts.values())
    for key, text in texts.items():
        name = key.rpartition(".")[2]
        shown = of_day(text, 9999, called=day_name(language)) if name == "title" else text
        assert len(shown) <= LONGEST.get(name, 4000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_title_that_the_settings_take_has_room_for_the_day(
    load: Load, language: Language
) -> None:
    longest = "T" * 112
    assert load(f"generation: {{title: {longest}}}").generation.title == longest
    with pytest.raises(ConfigurationError, match="at most 112 characters"):
        load(f"generation: {{title: {longest}T}}")
    assert len(of_day(longest, 99_999, called=day_name(language))) <= LONGEST["title"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: Language) -> None:
    english = default_texts("en")
    assert not set(default_texts(language).values()) & set(english.values())
    assert seed_caption(language) != seed_caption("en")
    assert day_name(language) != day_name("en") == DAY_NAME


@pytest.mark.parametrize(
    "written",
    [
        "",
        "study:\ngeneration:\nvoting:\n",
        "voting: {title: , consent: null}\nbonus: {voter_usd: 0.05}\n",
        "generation: {assignments: 7}",
    ],
)
def test_texts_that_are_not_set_are_in_the_pages_language(load: Load, written: str) -> None:
    assert texts_of(load(f"language: de\n{written}")) == default_texts("de")


def test_the_language_of_a_variable_counts_as_well(load: Load) -> None:
    assert texts_of(load("language: de", {"PPW_LANGUAGE": "fr"})) == default_texts("fr")


def test_a_text_that_is_set_stays_in_any_language(load: Load) -> None:
    changed = {"voting.consent": "Mine."}
    settings = load("language: es\nvoting: {consent: Mine.}")
    assert texts_of(settings) == default_texts("es") | changed


@pytest.mark.parametrize("language", ["xx", "[de]", "''"])
def test_a_language_that_there_is_not_is_one_fault(load: Load, language: str) -> None:
    assert load.faults(f"language: {language}").keys() == {"language"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_rendered_settings_hold_the_texts_of_their_language(load: Load, language: Language) -> None:
    text = render_settings({"language": language, "generation.title": "Mine"})
    assert texts_of(load(text)) == default_texts(language) | {"generation.title": "Mine"}
    assert default_texts(language)["voting.title"] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_usual_pages_leave_room_for_long_prompts_in_every_language(language: Language) -> None:
    settings = Settings(language=language)
    pages = HitPages(resources.hit_templates(), language=language)
    image = ShownImage(image_id=ImageId("i"), url="/images/i.png", width=600, height=400, label="offline")
    generation = GenerationPage(
        study_name=settings.study,
        day_number=9,
        reward_usd=Decimal("0.25"),
        seed=image,
        past_winners=(PastWinner(day_number=1, image=image, prompt="a boat", username="ada"),) * 5,
        min_coverage=0.005,
        max_coverage=0.5,
        max_prompt=500,
        consent=settings.generation.consent,
        instructions=settings.generation.instructions,
    )
    voting = VotingPage(
        study_name=settings.study,
        day_number=9,
        reward_usd=Decimal("0.10"),
        seed=image,
        ballot=((image, seed_caption(language)),) * 10,
        consent=settings.voting.consent,
        instructions=settings.voting.instructions,
    )
    assert len(pages.generation(generation).encode()) < 42_000
    assert len(pages.voting(voting).encode()) < 42_000
