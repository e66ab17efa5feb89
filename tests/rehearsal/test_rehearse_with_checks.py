"""A rehearsed study with attention checks on its ballots: a crowd that looks passes them, one that does not fails."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.domain.model import CheckKind, RoundKind
from pixelpatchwork.founding import default_seed
from pixelpatchwork.rehearsal import Script, prepare, rehearse


def test_who_looks_at_the_pictures_passes_and_who_likes_everything_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    script = Script(days=1, workers=12, seed=default_seed(), random_seed=7, faults=None)
    file = prepare(folder, script)
    settings = file.read_text(encoding="utf-8")
    assert "attention_checks: none" in settings
    file.write_text(settings.replace("attention_checks: none", "attention_checks: both"), encoding="utf-8")
    (played,) = rehearse(folder, script, now=datetime(2026, 3, 2, tzinfo=UTC))

    with closing(open_store(f"sqlite:///{folder / 'study.db'}")) as store:
        ended = {event.subject: event.kind for event in store.events() if event.kind.startswith("attention_")}
        voting = next(one for one in store.rounds() if one.kind is RoundKind.VOTING)
        hits, answers = store.hits(voting.round_id), store.assignments(voting.round_id)
        images = {image.image_id for image in store.images()}
        voted_on = {vote.image_id for vote in store.votes()}
    assert all({check.kind for check in hit.checks} == set(CheckKind) for hit in hits)
    passed = [key for key, kind in ended.items() if kind == "attention_passed"]
    assert len(passed) >= len(answers) / 2
    assert len(passed) < len(answers)
    assert voted_on <= images
    assert played.advanced.winner_image_id in images
