"""`ppw marketplace worker`, `requester`, `withdraw` and `ledger`, as the operator types them."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from pixelpatchwork.config import load_settings
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.entries import HEADINGS
from pixelpatchwork.wiring import wired
from tests.support.marketplace import Bench, MovableClock
from tests.support.marketplace_ways_in import sign_in, sign_up
from tests.support.ppw import Ran, here

PAGE = Path(__file__).parents[2] / "docs" / "marketplace.md"
PASSWORDS = {"PPW_SERVE__SIGNUP": "password"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A study's marketplace: its settings, and a way into it as requester and workers."""

    settings: Path
    bench: Bench

    def ran(self, *arguments: object) -> Ran:
        return here("--config", self.settings, "marketplace", *arguments)

    def listed(self, *options: object) -> Any:
        return self.ran("worker", "list", "--json", *options).well().json


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    here("init", tmp_path / "study").well()
    settings = tmp_path / "study" / "study.yaml"
    client = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://embedded.invalid")
    with wired(load_settings(settings, PASSWORDS)) as wiring:
        attach(client, wiring.marketplace)
        yield Place(settings=settings, bench=Bench(wiring.marketplace, client, MovableClock()))


def test_a_worker_is_found_by_a_part_of_his_name_and_shown_with_what_he_did(place: Place) -> None:
    for name in ("Ann", "Joanna", "Ben"):
        sign_up(place.bench, name)
    found = place.listed("--find", "ANN")
    shown = place.ran("worker", "show", found[0]["worker_id"]).well().stdout

    assert [one["name"] for one in found] == ["Ann", "Joanna"]
    assert [one["name"] for one in place.listed("--find", found[0]["worker_id"])] == ["Ann"]
    assert place.listed("--panel", "prolific") == []
    assert place.listed("--find", "%") == []
    assert re.search(r"^name: +Ann\n", shown, re.MULTILINE)
    assert re.search(r"^earned: +0\.00 USD, of which 0\.00 are owed$", shown, re.MULTILINE)
    assert "Joanna" in place.ran("worker", "list").well().stdout


def test_a_worker_is_suspended_and_reinstated(place: Place) -> None:
    sign_up(place.bench, "Ann")
    (ann,) = place.listed()
    suspended = place.ran("worker", "suspend", ann["worker_id"]).well()
    refused = sign_in(place.bench, "Ann").status_code
    state = place.listed()[0]["state"]
    place.ran("worker", "reinstate", ann["worker_id"]).well()

    assert (refused, state, sign_in(place.bench, "Ann").status_code) == (403, "suspended", 303)
    assert ann["worker_id"] not in suspended.text


def test_a_link_for_a_new_password_is_printed_alone(place: Place) -> None:
    sign_up(place.bench, "Ann")
    (ann,) = place.listed()
    printed = place.ran("worker", "reset-password", ann["worker_id"], "--url", "https://work.example/").well()
    base, _, path = printed.stdout.strip().partition("/reset/")

    assert base == "https://work.example"
    assert ann["worker_id"] not in printed.text
    assert place.bench.app.test_client().get(f"/reset/{path}").status_code == 200


def test_erasing_asks_first_and_says_what_stays(place: Place) -> None:
    sign_up(place.bench, "Ann")
    (ann,) = place.listed()
    unasked = place.ran("worker", "erase", ann["worker_id"])
    still = place.listed()[0]["name"]
    erased = place.ran("worker", "erase", ann["worker_id"], "--yes").well()

    assert (unasked.code, "add --yes" in unasked.text, still) == (1, True, "Ann")
    assert "Kept, under the worker id as a pseudonym: answers, payments" in erased.stdout
    assert [(one["name"], one["state"]) for one in place.listed()] == [("(erased)", "erased")]
    assert "Ann" not in place.ran("worker", "list").well().stdout


def test_a_requester_is_suspended_and_money_is_withdrawn_once(place: Place) -> None:
    place.ran("add-requester", "Vision Lab", "--balance", "50").well()
    for _ in range(2):
        taken = place.ran("withdraw", "vision lab", "20.50", "--reference", "7").well()
    place.ran("requester", "suspend", "Vision Lab").well()
    listed = place.ran("requester", "list").well().stdout
    beyond = place.ran("withdraw", "Vision Lab", "29.51")

    assert "was made before" in taken.stdout
    assert re.search(r"^Vision Lab +suspended +29\.50 +0\.00 ", listed, re.MULTILINE)
    assert (beyond.code, "29.50 USD available" in beyond.text) == (1, True)
    place.ran("requester", "reinstate", "Vision Lab").well()
    place.ran("ledger", "--check").well()


def test_the_ledger_is_listed_and_written_to_a_file_for_its_owner_only(place: Place, tmp_path: Path) -> None:
    place.ran("add-requester", "Vision Lab", "--balance", "50").well()
    place.ran("withdraw", "Vision Lab", "20.50", "--reference", "7").well()
    shown = place.ran("ledger", "--requester", "Vision Lab").well().stdout.splitlines()
    path = tmp_path / "ledger.csv"
    place.ran("ledger", "--csv", path).well()
    again = place.ran("ledger", "--csv", path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))

    assert [line.split()[2] for line in shown] == ["kind", "prepay", "withdraw"]
    assert rows[0] == list(HEADINGS)
    assert [(row[2], row[5], row[8]) for row in rows[1:]] == [
        ("prepay", "10000.00", ""),
        ("prepay", "50.00", ""),
        ("withdraw", "20.50", "7"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert (again.code, "exists already" in again.text) == (1, True)
    assert len(place.ran("ledger", "--since", "2999-01-01").well().stdout.splitlines()) == 1


def documented() -> list[str]:
    """The commands of the page's section for whoever runs a marketplace, in their order."""
    text = PAGE.read_text(encoding="utf-8").partition("## For whoever runs it\n")[2]
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def test_the_commands_of_the_page_work_as_written(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sign_up(place.bench, "Ann")
    place.ran("add-requester", "Vision Lab").well()
    worker_id = place.listed()[0]["worker_id"]
    monkeypatch.chdir(tmp_path)
    lines = documented()
    for line in lines:
        ppw, *arguments = shlex.split(line.replace("A2EXAMPLEWORKERID", worker_id))
        assert ppw == "ppw"
        here("--config", place.settings, *arguments).well()

    assert len(lines) > 10
    assert [one["state"] for one in place.listed()] == ["erased"]
    assert (tmp_path / "ledger.csv").is_file()
