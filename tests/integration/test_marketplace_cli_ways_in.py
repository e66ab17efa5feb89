"""The ways in from the operator's side: `ppw serve`, `ppw marketplace invite`, and a proxy in front."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner

from pixelpatchwork.cli import main
from pixelpatchwork.marketplace.limits import Attempt, Limit
from pixelpatchwork.marketplace.ways_in import WaysIn
from tests.support.marketplace import bench

PANELS = "{prolific: {parameter: PROLIFIC_PID, complete_url: 'https://app.prolific.com/submissions/complete?cc=C1'}}"


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    database = f"marketplace_database: sqlite:///{tmp_path / 'marketplace.db'}\n"
    path.write_text(f"{database}serve:\n  signup: invite\n  panels: {PANELS}\n", encoding="utf-8")
    return path


def test_a_site_for_others_must_say_who_may_come_in(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("serve:\n  port: 0\n", encoding="utf-8")

    ran = CliRunner().invoke(main, ["--config", str(path), "serve", "--host", "192.0.2.1"])

    assert ran.exit_code != 0
    assert "serve.signup" in ran.output + str(ran.exception or "")


def test_invitations_are_printed_one_a_line_and_are_all_different(settings_file: Path) -> None:
    arguments = ["--config", str(settings_file), "marketplace", "invite", "--count", "3", "--days", "2"]

    ran = CliRunner().invoke(main, [*arguments, "--url", "https://work.example/"])

    links = ran.output.splitlines()
    assert (ran.exit_code, len(set(links))) == (0, 3)
    assert all(link.startswith("https://work.example/invite/") for link in links)


def test_only_the_proxy_on_this_machine_says_who_the_client_is() -> None:
    limits = {Attempt.REFUSED_SUBMIT: Limit(most=1, seconds=900)}
    with bench("served", ways_in=WaysIn(limits=limits)) as market:

        def post(forwarded_for: str) -> int:
            request = urllib.request.Request(
                f"{market.url}/s/00/mturk/externalSubmit",
                data=b"assignmentId=3NONE&prompt=x",
                headers={"X-Forwarded-For": forwarded_for},
            )
            with pytest.raises(HTTPError) as caught:
                urllib.request.urlopen(request)
            with caught.value as answer:
                return answer.code

        # This test is the proxy. A client that sends the header itself stands left of what the proxy adds.
        statuses = [post("192.0.2.1"), post("192.0.2.2"), post("192.0.2.1"), post("192.0.2.9, 192.0.2.2")]

    assert statuses == [403, 403, 429, 429]
