"""The report: what it shows of a study, what it never shows, and that nothing in a study can break it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup, Tag

from pixelpatchwork.domain.errors import NothingToDo
from pixelpatchwork.domain.model import Image, ImageState, RoundKind
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.insight.figures import MAX_ENTRIES, MAX_TEXT, shown
from pixelpatchwork.insight.report import (
    MAX_ROWS,
    Report,
    build_report,
    decimal,
    on,
    percent,
    render_report,
    short,
    usd,
)
from tests.support.insight import (
    MemoryPictures,
    MemoryRecords,
    answer,
    day,
    first_seed,
    hit,
    one_day_story,
    painted,
    painted_round,
    png,
    stored,
    user,
    vote,
)

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
HOSTILE = "</q><script>alert(1)</script><img src=x onerror=alert(1)>\"' {{ 7*7 }} \x00\x1b\u202e\ud800"


def built(records: MemoryRecords, pictures: MemoryPictures | None = None) -> Report:
    return build_report(records, pictures or stored(records.all_images), generated_at=NOW)


def page(records: MemoryRecords, pictures: MemoryPictures | None = None) -> BeautifulSoup:
    return BeautifulSoup(render_report(built(records, pictures)), "html.parser")


def words(soup: Tag) -> str:
    return " ".join(soup.get_text(" ").split())


def changed(records: MemoryRecords, image_id: str, **changes: object) -> MemoryRecords:
    """The same study, one of whose images is different."""

    def change(image: Image) -> Image:
        return replace(image, **changes) if image.image_id == image_id else image  # type: ignore[arg-type]

    return replace(records, all_images=[change(image) for image in records.all_images])


def test_the_story_goes_from_the_seed_to_the_winners() -> None:
    captions = [words(one) for one in page(one_day_story()).select(".strip li")]
    assert captions == [
        "The seed The picture it all began with",
        "Day 1 a sleeping fox by ann-heron 3 ▲ up 0 ▼ down",
    ]


def test_the_first_seed_shows_its_caption_where_it_has_one() -> None:
    soup = page(changed(one_day_story(), "seed", prompt_text="A launch & a <b>crowd</b>"))
    assert words(soup.select(".strip li")[0]) == "The seed A launch & a <b>crowd</b>"


def test_a_day_shows_its_images_by_votes_with_the_seed_among_them() -> None:
    report = built(one_day_story())
    entries = report.days[0].entries
    assert [(one.prompt, one.ups, one.downs, one.skips) for one in entries] == [
        ("a sleeping fox", 3, 0, 0),
        ("a small door", 1, 1, 1),
        ("", 1, 3, 0),
    ]
    assert [(one.is_winner, one.is_seed) for one in entries] == [(True, False), (False, False), (False, True)]
    assert [day.winner is None for day in report.days] == [False, True]
    assert entries[0].patch is not None
    assert entries[0].patch.coverage == 0.5


def test_the_page_stands_alone() -> None:
    html = render_report(built(one_day_story()))
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.select("script, link, iframe, object, embed, form, base, audio, video, [onload]")
    assert soup.select("img")
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in soup.select("img"))
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", html))
    assert "url(" not in html
    assert "@import" not in html
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert str(policy["content"]).startswith("default-src 'none'")


def test_people_are_shown_by_pseudonym_only() -> None:
    html = render_report(built(one_day_story()))
    assert "ann-heron" in html
    assert not re.search(r"AWORKER|ASSIGNMENT|KEYOFPSEUDONYMS", html)


def test_hostile_words_are_shown_as_words() -> None:
    records = replace(
        changed(one_day_story(), "fox", prompt_text=HOSTILE),
        name=HOSTILE,
        all_users=[user(name, username=f"{name}{HOSTILE}") for name in ("ann", "bob", "cid", "dee")],
    )
    records.all_answers = [
        replace(one, reason=HOSTILE) if one.reason is not None else one for one in records.all_answers
    ]
    html = render_report(built(records))
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.select("script, [onerror]")
    assert "alert(1)" in words(soup)
    assert "{{ 7*7 }}" in words(soup)
    assert not set(html) & {"\x00", "\x1b"}
    html.encode("utf-8")
    assert all(
        one.find_parent("bdi") for one in soup.find_all(string=re.compile("alert")) if one.find_parent("q")
    )


def test_a_day_counts_its_images_as_the_status_does_and_names_the_seed_beside_them() -> None:
    def head(records: MemoryRecords) -> str:
        return words(page(records).select(".day header")[0])

    assert "· 2 images and the seed on the ballot · 9 votes" in head(one_day_story())
    hidden = changed(one_day_story(), "fox", state=ImageState.HIDDEN)
    assert "· 2 images and the seed on the ballot ·" in head(hidden)
    alone = one_day_story()
    alone.all_votes = [one for one in alone.all_votes if one.image_id != "seed"]
    alone.all_hits = [replace(one, ballot=()) for one in alone.all_hits]
    assert "· 2 images · " in head(alone)


def test_only_the_offline_editors_images_carry_its_badge() -> None:
    soup = page(changed(one_day_story(), "door", editor="offline"))
    marked = [card for card in soup.select(".cards li") if card.select(".offline")]
    assert len(soup.select(".offline")) == 1
    assert ["a small door" in words(card) for card in marked] == [True]


@pytest.mark.parametrize("data", [None, b"", b"no picture", png()[:70]])
def test_missing_and_broken_pictures_leave_empty_frames(data: bytes | None) -> None:
    records = one_day_story()
    pictures = MemoryPictures({} if data is None else dict.fromkeys(stored(records.all_images).data, data))
    soup = page(records, pictures)
    assert not soup.select("img")
    assert len(soup.select(".missing")) == len(soup.select(".frame")) > 5
    assert "a sleeping fox" in words(soup)


def test_an_unreadable_mask_costs_only_the_outline() -> None:
    report = built(changed(one_day_story(), "fox", mask_rle="[]"))
    fox = report.days[0].entries[0]
    assert fox.patch is None
    assert fox.picture is not None


def test_hidden_images_are_counted_and_not_shown() -> None:
    records = changed(one_day_story(), "fox", state=ImageState.HIDDEN)
    pictures = stored(records.all_images)
    soup = page(records, pictures)
    assert "a sleeping fox" not in words(soup)
    assert not {"fox.png", "fox.jpg"} & set(pictures.asked)
    assert "1 image is hidden by the requester." in words(soup)
    # The winner was hidden afterwards: its frames stay, empty.
    assert {words(one) for one in soup.select(".missing")} == {"Hidden by the requester"}


def test_a_study_in_which_nobody_took_part_shows_its_seed() -> None:
    records = MemoryRecords(all_days=[day(1, "seed")], all_images=[first_seed()])
    soup = page(records)
    assert len(soup.select(".strip img")) == 1
    assert "Nobody has taken part yet." in words(soup)
    assert not soup.select(".measures")


def test_a_first_day_without_votes_shows_images_and_no_measures() -> None:
    records = MemoryRecords(
        all_days=[day(1, "seed")],
        all_rounds=[painted_round("g1", 1, RoundKind.GENERATION)],
        all_hits=[hit("g1")],
        all_answers=[answer("ann", "g1")],
        all_images=[first_seed(), painted("fox", "ann", "a sleeping fox")],
        all_users=[user("ann")],
    )
    soup = page(records)
    text = words(soup)
    assert len(soup.select(".cards li")) == 1
    assert not soup.select(".cards .votes")
    assert "No image has stood on a ballot yet." in text
    assert "Nobody has voted up or down yet." in text
    assert "In 1 Day, 1 person took part: 1 painted 1 picture. No Day has closed yet" in text


def test_a_study_without_days_is_still_a_page() -> None:
    assert "Nobody has taken part yet." in words(page(MemoryRecords()))


def test_a_database_without_a_study_says_what_comes_first() -> None:
    with pytest.raises(NothingToDo, match="ppw init"):
        build_report(MemoryRecords(has_study=False), MemoryPictures({}), generated_at=NOW)


def test_many_images_are_bounded_and_the_rest_is_counted() -> None:
    many = [painted(f"i{number:04}", "ann") for number in range(MAX_ENTRIES)]
    records = MemoryRecords(
        all_days=[day(1, "seed", "i0000"), day(2, "i0000")],
        all_rounds=[painted_round("g1", 1, RoundKind.GENERATION)],
        all_hits=[hit("g1")],
        all_answers=[answer("ann", "g1")],
        all_images=[first_seed(), *many],
        all_users=[user("ann")],
    )
    first = built(records).days[0]
    assert (len(first.entries), first.unshown) == (MAX_ENTRIES // 2, MAX_ENTRIES // 2)
    assert f"{MAX_ENTRIES // 2} more images" in words(page(records))


def test_a_long_study_has_smaller_pictures_and_every_day() -> None:
    days = [day(number, "seed", "seed") for number in range(1, 31)]
    records = MemoryRecords(all_days=days, all_images=[first_seed()])
    pictures = MemoryPictures({"seed.png": png(1200, 800), "seed.jpg": png(320, 213)})
    report = built(records, pictures)
    assert len(report.days) == 30
    assert {one.winner.picture.width for one in report.days if one.winner and one.winner.picture} == {560}
    assert {one.seed.picture.width for one in report.days if one.seed.picture} == {320}
    assert sorted(pictures.asked) == ["seed.jpg", "seed.png"]


def test_the_measures_stand_in_the_page() -> None:
    text = words(page(one_day_story()))
    assert "In 1 Day, 4 people took part: 2 painted 2 pictures, 4 gave 9 votes." in text
    assert "1 The mask is empty." in text
    assert "Few data: 9 votes can be compared." in text
    # Seven answers: three at 0.25 and four at 0.10, and a fifth of that in fees.
    assert "Rewards for 7 paid answers $1.15" in text
    assert "Together $1.38" in text


def test_the_agreement_chart_is_bounded_and_the_table_has_everybody() -> None:
    names = [f"v{number:03}" for number in range(MAX_ROWS + 15)]
    records = one_day_story()
    records.all_users = [*records.all_users, *(user(name) for name in names)]
    records.all_votes = [
        *records.all_votes,
        *(vote(name, "fox", "u") for name in names),
        *(vote(name, "seed", "d") for name in names[:20]),
    ]
    report = built(records)
    assert len(report.voters) == MAX_ROWS + 19
    soup = page(records)
    assert len(soup.select(".dot")) == MAX_ROWS
    assert "19 voters with fewer comparable votes in the table only." in words(soup)


def test_voters_come_by_agreement_and_those_without_a_figure_last() -> None:
    records = one_day_story()
    records.all_votes = [*records.all_votes, vote("eve", "door", "u", round_id="v9")]
    records.all_users = [*records.all_users, user("eve")]
    shares = [row.agreement.share for row in built(records).voters]
    assert shares[-1] is None
    figures = [share for share in shares if share is not None]
    assert len(figures) == len(shares) - 1
    assert figures == sorted(figures, reverse=True)


def test_equal_records_give_the_same_page() -> None:
    assert render_report(built(one_day_story())) == render_report(built(one_day_story()))


def test_text_is_cleaned_and_cut() -> None:
    assert shown(" a\tb\r\n\x00c\ud800 ") == "a b c"
    assert shown("مدينة فوق السحاب") == "مدينة فوق السحاب"
    assert shown("a\u202eb\u2066c\u2069d\u2028e") == "abcd e"
    assert shown("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert shown("x" * 40_000) == "x" * (MAX_TEXT - 1) + "…"


def test_numbers_are_written_for_people() -> None:
    assert [percent(0), percent(0.001), percent(0.384), percent(1)] == ["0%", "<1%", "38%", "100%"]
    assert [decimal(None), decimal(-0.254), decimal(0.5), decimal(-0.001)] == [
        "\N{EN DASH}",
        "\N{MINUS SIGN}0.25",
        "0.50",
        "0.00",
    ]
    assert [usd(Usd("1204.5")), usd(Usd(0)), usd(Usd("0.0421"))] == ["$1,204.50", "$0.00", "$0.0421"]
    assert on(NOW.date()) == "21 November 2026"
    assert [short("a" * 20), short("a" * 21)] == ["a" * 20, "a" * 19 + "…"]
