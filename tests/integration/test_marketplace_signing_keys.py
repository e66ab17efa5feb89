"""The key that signs sessions and links can be changed while people work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixelpatchwork.config import load_settings
from pixelpatchwork.marketplace.ways_in import SignUp, WaysIn
from pixelpatchwork.wiring import wired
from tests.support.marketplace import Bench, Worker, bench
from tests.support.marketplace_ways_in import PASSWORD, invitation, visitor

OLD, NEW = "the key of before", "the key of now"


@contextmanager
def opened(folder: Path, signing_key: str | None, *older: str) -> Iterator[Bench]:
    with bench(
        database_url=f"sqlite:///{folder / 'market.db'}",
        signing_key=signing_key,
        older_signing_keys=older,
        ways_in=WaysIn(signup=SignUp.INVITE),
    ) as market:
        yield market


def sign_up(market: Bench, link: str) -> Worker:
    worker = visitor(market)
    assert worker.send(link, "form.signin", name="Ann", password=PASSWORD).status_code == 303
    return worker


def cookie(worker: Worker) -> str:
    found = worker.browser.get_cookie("marketplace")
    assert found is not None
    return found.value


def with_cookie(market: Bench, value: str) -> Worker:
    worker = visitor(market)
    worker.browser.set_cookie("marketplace", value)
    return worker


@pytest.mark.parametrize("before", [OLD, None])
def test_what_an_older_key_signed_is_believed_until_the_key_is_taken_away(
    tmp_path: Path, before: str | None
) -> None:
    older = before or "fixed"
    with opened(tmp_path, before) as market:
        unused = invitation(market)
        ann = sign_up(market, invitation(market))
        hit_id = market.hit()
        assignment_id = ann.accept(hit_id)
        session, target = cookie(ann), ann.frame(assignment_id)["turkSubmitTo"]
        worker_id = ann.worker_id
    with opened(tmp_path, NEW) as market:
        assert with_cookie(market, session).browser.get("/dashboard").status_code == 303
        assert visitor(market).browser.get(unused).status_code == 403
    with opened(tmp_path, NEW, "some other key", older) as market:
        ann = with_cookie(market, session)
        assert ann.browser.get("/dashboard").status_code == 200
        assert visitor(market).browser.get(unused).status_code == 200
        path = target.removeprefix("http://localhost") + "/mturk/externalSubmit"
        answer = visitor(market).browser.post(path, data={"assignmentId": assignment_id, "prompt": "kite"})
        assert answer.status_code == 200
        assert market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"][0]["WorkerId"] == worker_id


def test_the_new_key_signs(tmp_path: Path) -> None:
    with opened(tmp_path, NEW, OLD) as market:
        session = cookie(sign_up(market, invitation(market)))
    with opened(tmp_path, NEW) as market:
        assert with_cookie(market, session).browser.get("/dashboard").status_code == 200


def test_the_settings_take_the_keys_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"marketplace_database: sqlite:///{tmp_path / 'm.db'}\n", encoding="utf-8")
    new, older = "n" * 40, ("o" * 40, "p" * 40)
    environ = {"PPW_SERVE__SIGNING_KEY": new, "PPW_SERVE__OLDER_SIGNING_KEYS": ", ".join(older)}

    with wired(load_settings(path, environ)) as wiring:
        keys = wiring.marketplace.extensions["marketplace"].signing
        shown = f"{wiring.settings!r}{keys!r}"

    assert (keys.current, keys.older) == (new, older)
    assert new not in shown
    assert older[0] not in shown
