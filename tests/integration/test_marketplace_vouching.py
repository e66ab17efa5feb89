"""`ppw marketplace vouch`: what no history can earn."""

from __future__ import annotations

from pathlib import Path

from pixelpatchwork.config import load_settings
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.wiring import wired
from tests.support.marketplace import Bench, MovableClock, Worker, socket_client
from tests.support.ppw import here


def test_whom_the_operator_vouches_for_may_do_what_masters_may(tmp_path: Path) -> None:
    here("init", tmp_path / "study").well()
    study = tmp_path / "study" / "study.yaml"
    with wired(load_settings(study, {})) as wiring:
        client = socket_client("http://embedded.invalid")
        attach(client, wiring.marketplace)
        bench = Bench(wiring.marketplace, client, MovableClock())
        masters = {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}
        hit_id, ann = bench.hit(QualificationRequirements=[masters]), bench.worker("Ann")
        seen = [may_accept(ann, hit_id)]
        for more in ([], ["--withdraw"]):
            here("--config", study, "marketplace", "vouch", ann.worker_id, "masters", *more).well()
            seen.append(may_accept(ann, hit_id))

        assert seen == [False, True, False]


def test_nobody_is_vouched_for_who_has_not_signed_up(tmp_path: Path) -> None:
    here("init", tmp_path / "study").well()

    told = here("--config", tmp_path / "study" / "study.yaml", "marketplace", "vouch", "A1NOBODY", "adult")

    assert (told.code, "No worker of this id has signed up" in told.stderr) == (1, True)


def may_accept(worker: Worker, hit_id: str) -> bool:
    return worker.page(f"/hits/{hit_id}").select_one("form.accept") is not None
