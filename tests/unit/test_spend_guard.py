"""Real money is spent only where somebody has said how much."""

from __future__ import annotations

import pytest

from pixelpatchwork.cli.spending import SpendGuard
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.money import Usd

WHAT = "2 bonuses on Mechanical Turk"


def typing(answer: str | None, *, asked: list[str] | None = None) -> SpendGuard:
    """Nothing was stated; `answer` is typed where the amount is asked for."""

    def ask(question: str) -> str | None:
        if asked is not None:
            asked.append(question)
        return answer

    return SpendGuard(stated=None, ask=ask)


def unasked(stated: str) -> SpendGuard:
    def ask(_question: str) -> str | None:
        raise AssertionError("nobody is asked where the amount was stated")

    return SpendGuard(stated=Usd(stated), ask=ask)


@pytest.mark.parametrize("typed", ["1.20", "$1.20", " 1.2 ", "1.200"])
def test_whoever_types_the_amount_goes_on(typed: str) -> None:
    asked: list[str] = []
    typing(typed, asked=asked).insist(Usd("1.20"), WHAT)
    assert asked == ["This spends real money: up to $1.20 for 2 bonuses on Mechanical Turk."]


@pytest.mark.parametrize("typed", ["", "y", "yes", "1.19", "1.21", "-1.20", "nan", "$", "1,20"])
def test_whoever_types_anything_else_is_told_what_to_type(typed: str) -> None:
    with pytest.raises(PatchworkError, match=r"^Nothing was spent: .*another amount\. To go on, type 1\.20$"):
        typing(typed).insist(Usd("1.20"), WHAT)


def test_where_nobody_sits_the_option_is_named() -> None:
    with pytest.raises(PatchworkError, match=r"up to \$1\.20\. To allow that, add: --yes-spend 1\.20$"):
        typing(None).insist(Usd("1.20"), WHAT)


@pytest.mark.parametrize("stated", ["1.20", "5"])
def test_a_stated_amount_that_covers_it_is_enough(stated: str) -> None:
    unasked(stated).insist(Usd("1.20"), WHAT)


@pytest.mark.parametrize("stated", ["1.19", "0"])
def test_a_stated_amount_that_does_not_cover_it_is_refused_with_what_would(stated: str) -> None:
    with pytest.raises(
        PatchworkError, match=rf"--yes-spend allows \${stated}\. To allow it all, say: --yes-spend 1\.20$"
    ):
        unasked(stated).insist(Usd("1.20"), WHAT)


def test_the_amount_to_be_stated_is_enough_where_edits_cost_parts_of_a_cent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    amount = Usd("0.7313")
    assert not typing(None).allows(amount, "3 edits")
    assert "add: --yes-spend 0.74" in capsys.readouterr().err
    assert unasked("0.74").allows(amount, "3 edits")


def test_what_may_wait_says_why_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert not unasked("1").allows(Usd("1.20"), "3 edits")
    assert capsys.readouterr().err.startswith("Nothing was spent: 3 edits would cost up to $1.20.")


def test_a_progress_bar_ends_its_line_before_the_question() -> None:
    said: list[str] = []

    def ask(_question: str) -> str:
        said.append("question")
        return "0"

    SpendGuard(stated=None, ask=ask, clear=lambda: said.append("end of the bar")).allows(Usd("2.00"), "edits")
    assert said == ["end of the bar", "question"]
