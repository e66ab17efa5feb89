"""The ways in from the operator's side: `ppw serve`, `ppw marketplace invite`, and a proxy in front."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner

from pixelpatchwork.cli import main
from pixelpatchwork.cli.serve import warn_of_unsigned
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.errors import ConfigurationError
from pixelpatchwork.marketplace.limits import Attempt, Limit
from pixelpatchwork.marketplace.served import running
from pixelpatchwork.marketplace.ways_in import WaysIn
from pixelpatchwork.wiring import real_world, wired
from tests.support.marketplace import bench

PANELS = "{prolific: {parameter: PROLIFIC_PID, complete_url: 'https://app.prolific.com/submissions/complete?cc=C1'}}"


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    database = f"marketplace_database: sqlite:///{tmp_path / 'marketplace.db'}\n"
    path.write_text(f"{database}serve:\n  signup: invite\n  panels: {PANELS}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("signup", "said"), [("name", "`name`"), ("closed", "`closed`"), ("invite", ""), ("password", "")]
)
def test_links_that_invite_nobody_are_told_to_be_so(settings_file: Path, signup: str, said: str) -> None:
    ran = CliRunner().invoke(
        main,
        ["--config", str(settings_file), "marketplace", "invite", "--count", "2"],
        env={"PPW_SERVE__SIGNUP": signup},
    )

    assert len(ran.stdout.splitlines()) == 2
    assert said in ran.stderr
    assert bool(said) is bool(ran.stderr)


def test_a_site_for_others_must_say_who_may_come_in(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("serve:\n  port: 0\n", encoding="utf-8")

    ran = CliRunner().invoke(main, ["--config", str(path), "serve", "--host", "192.0.2.1"])

    assert ran.exit_code != 0
    assert "serve.signup" in ran.output + str(ran.exception or "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8765"}, 200),
        ({"Host": "127.0.0.2"}, 200),
        ({"Host": "[::1]:8765"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "localhost.example:80"}, 403),
        ({"Host": "127.0.0.1.nip.example"}, 403),
        ({"X-Forwarded-For": "192.0.2.1"}, 403),
        ({"X-Forwarded-Proto": "https"}, 403),
        ({"X-Real-IP": "192.0.2.1"}, 403),
    ],
)
def test_until_somebody_says_who_may_come_in_only_this_machine_may(
    served_undecided: str, headers: dict[str, str], status: int
) -> None:
    answer = http_status(f"{served_undecided}/signin", headers)

    assert answer == status


def test_a_frame_is_kept_to_this_machine_too(served_undecided: str) -> None:
    assert http_status(f"{served_undecided}/frame/3NONE", {"Host": "rebound.example"}) == 403


def test_where_names_alone_were_chosen_a_proxy_may_stand_in_front(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        f"marketplace_database: sqlite:///{tmp_path / 'm.db'}\nserve:\n  signup: name\n", encoding="utf-8"
    )
    with running_site(path) as url:
        assert http_status(f"{url}/signin", {"Host": "work.example", "X-Forwarded-For": "192.0.2.1"}) == 200


@pytest.fixture(scope="module")
def served_undecided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("undecided")
    path = folder / "study.yaml"
    path.write_text(f"marketplace_database: sqlite:///{folder / 'm.db'}\n", encoding="utf-8")
    with running_site(path) as url:
        yield url


@contextmanager
def running_site(path: Path) -> Iterator[str]:
    with wired(load_settings(path, {}), real_world()) as wiring, running(wiring.site, threads=2) as url:
        yield url


def http_status(url: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_a_panels_secret_comes_from_the_environment_and_never_from_the_file(settings_file: Path) -> None:
    environ = {"PPW_SERVE__PANELS__PROLIFIC__SECRET": "between us"}
    settings = load_settings(settings_file, environ)
    with wired(settings, real_world()) as wiring, running(wiring.site, threads=2) as url:
        status = http_status(f"{url}/join/prolific?PROLIFIC_PID=00aa", {})
    written = settings_file.read_text(encoding="utf-8").replace(
        "{parameter", "{secret: between us, parameter"
    )
    settings_file.write_text(written, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"is a secret: move it to \.env") as caught:
        load_settings(settings_file, {})

    assert status == 403
    assert "between us" not in f"{settings}{settings!r}{caught.value}"


def test_serve_says_which_panels_have_no_secret(
    settings_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_unsigned(load_settings(settings_file, {}).serve.panels)
    environ = {"PPW_SERVE__PANELS__PROLIFIC__SECRET": "between us"}
    told = capsys.readouterr().out
    warn_of_unsigned(load_settings(settings_file, environ).serve.panels)

    assert "Panel prolific has no secret" in told
    assert capsys.readouterr().out == ""


def test_invitations_are_printed_one_a_line_and_are_all_different(settings_file: Path) -> None:
    arguments = ["--config", str(settings_file), "marketplace", "invite", "--count", "3", "--days", "2"]

    ran = CliRunner().invoke(main, [*arguments, "--url", "https://work.example/"])

    links = ran.output.splitlines()
    assert (ran.exit_code, len(set(links))) == (0, 3)
    assert all(link.startswith("https://work.example/invite/") for link in links)


def test_an_invitation_leads_to_a_web_address_or_is_not_printed(settings_file: Path) -> None:
    arguments = ["--config", str(settings_file), "marketplace", "invite", "--url", "ftp://work.example"]

    ran = CliRunner().invoke(main, arguments)

    assert ran.exit_code == 2
    assert "begins with https://" in ran.output
    assert "/invite/" not in ran.output


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
