"""`ppw --config study.yaml rehearse`: the study's own rules are tried, and nothing of it is touched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.domain.model import AssignmentState, CheckKind, RoundKind, Verdict
from tests.support.ppw import here

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a study of one's own: its settings with some lines changed."""

    def made(**changes: str) -> Path:
        file = tmp_path / "mine" / "study.yaml"
        here("init", file.parent, "--name", "A story of my own").well()
        text = file.read_text(encoding="utf-8")
        for name, value in changes.items():
            before, line, after = text.partition(f"\n  {name}: ")
            assert line
            text = f"{before}{line}{value}{after[after.index(chr(10)) :]}"
        file.write_text(text, encoding="utf-8")
        return file

    return made


def rehearsed(file: Path) -> Settings:
    return load_settings(file.parent.parent / "trial" / "study.yaml", {})


def test_rounds_judgement_budgets_and_bonuses_are_those_of_the_study(write: Write) -> None:
    mine = write(
        policy="hold",
        attention_checks="both",
        study_usd="50",
        voter_usd="0.05",
        assignments="8",
        ballot_size="4",
    )
    before = {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()}
    ran = here("--config", mine, "rehearse", mine.parent.parent / "trial", "--days", 1).well()
    assert "held and left out" in ran.stdout
    assert "bonus" in ran.stdout
    assert {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()} == before

    settings = rehearsed(mine)
    assert (settings.study, settings.marketplace, settings.editor) == (
        "A story of my own",
        "embedded",
        "offline",
    )
    assert (settings.generation.assignments, settings.budget.study_usd) == (8, Decimal(50))
    with closing(open_store(settings.database_url)) as store:
        rounds = {one.kind: one for one in store.rounds()}
        hits = store.hits(rounds[RoundKind.VOTING].round_id)
        answers = [answer for one in rounds.values() for answer in store.assignments(one.round_id)]
        assert all({check.kind for check in hit.checks} == set(CheckKind) for hit in hits)
        assert all(one.state is AssignmentState.SETTLED for one in answers)
        assert not any(one.verdict is Verdict.HELD for one in answers)
        assert all(one.paid_at for one in store.bonuses())
        assert store.bonuses()


def test_a_budget_without_room_ends_the_rehearsal_and_says_which(write: Write) -> None:
    mine = write(round_usd="1")
    ran = here("--config", mine, "rehearse", mine.parent.parent / "trial", "--days", 1)
    assert (ran.code, "raise `budget.round_usd` in the settings" in ran.stderr) == (1, True)
