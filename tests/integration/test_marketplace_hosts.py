"""Under which hosts the marketplace answers, and what is said where that was not decided."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from pixelpatchwork.cli import main
from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.errors import ConfigurationError
from pixelpatchwork.marketplace.ways_in import WaysIn
from pixelpatchwork.serving import notes
from pixelpatchwork.wiring import wired
from pixelpatchwork.wsgi import application
from tests.support.marketplace import Bench, bench

PUBLIC = "https://market.example.org"


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench(public_url=PUBLIC) as found:
        yield found


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("market.example.org", 200),
        ("market.example.org:443", 200),
        ("localhost:8765", 200),
        ("127.0.0.1", 200),
        ("evil.example", 400),
        ("market.example.org.evil.example", 400),
        ("sub.market.example.org", 400),
        ("market.example.org@evil.example", 400),
        ("169.254.169.254", 400),
    ],
)
@pytest.mark.parametrize("path", ["/signin", "/frame/3NONE"])
def test_with_a_public_address_other_hosts_are_refused(
    market: Bench, path: str, host: str, status: int
) -> None:
    answer = market.app.test_client().get(path, headers={"Host": host})

    assert answer.status_code == (404 if path != "/signin" and status == 200 else status)


def test_the_api_refuses_other_hosts_too_and_the_process_itself_is_at_home(market: Bench) -> None:
    answer = market.app.test_client().post("/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert market.balance() == ("10000.00", "0.00")


def test_links_and_cookies_follow_the_public_address_whatever_the_proxy_forgets_to_say(market: Bench) -> None:
    ann = market.worker()
    assignment_id = ann.accept(market.hit())

    session = ann.browser.get_cookie("marketplace")
    assert session is not None
    ann.browser.set_cookie("marketplace", session.value, domain="market.example.org")

    page = ann.browser.get(f"/assignments/{assignment_id}", base_url="http://market.example.org")
    document = market.app.test_client().get("/signin", base_url="http://market.example.org")

    assert "turkSubmitTo=https%3A%2F%2Fmarket.example.org%2Fs%2F" in page.text
    assert "Strict-Transport-Security" in document.headers
    assert "Secure" in document.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in ann.browser.get("/signin").headers


def test_the_api_of_a_site_for_this_machine_alone_is_for_this_machine_alone() -> None:
    with bench("served", ways_in=WaysIn(local_only=True)) as market:
        stranger = market.app.test_client().post("/", headers={"Host": "rebound.example"})

        assert market.balance() == ("10000.00", "0.00")
        assert stranger.status_code == 403


@contextmanager
def settings_file(folder: Path, *lines: str) -> Iterator[Path]:
    path = folder / "study.yaml"
    path.write_text(
        "\n".join([f"marketplace_database: sqlite:///{folder / 'm.db'}", *lines]), encoding="utf-8"
    )
    yield path


@pytest.mark.parametrize(
    "url", ["https://a.example/market", "https://[::1]:80", "https://a.example?x=1", "ftp://a"]
)
def test_a_public_address_is_a_host_and_nothing_more(tmp_path: Path, url: str) -> None:
    with (
        settings_file(tmp_path, f"serve: {{public_url: '{url}'}}") as path,
        pytest.raises(ConfigurationError, match="public_url"),
    ):
        load_settings(path, {})


def test_invitations_lead_to_the_public_address(tmp_path: Path) -> None:
    with settings_file(tmp_path, f"serve: {{public_url: '{PUBLIC}', signup: invite}}") as path:
        ran = CliRunner().invoke(main, ["--config", str(path), "marketplace", "invite"])

    assert ran.output.startswith(f"{PUBLIC}/invite/")


@pytest.mark.parametrize(
    ("host", "serve", "is_said"),
    [
        ("127.0.0.1", "{}", False),
        ("0.0.0.0", "{}", True),
        ("127.0.0.1", "{signup: invite}", True),
        ("0.0.0.0", f"{{public_url: '{PUBLIC}'}}", False),
        ("127.0.0.1", f"{{signup: invite, public_url: '{PUBLIC}'}}", False),
    ],
)
def test_who_serves_others_without_a_public_address_is_told(
    tmp_path: Path, host: str, serve: str, is_said: bool
) -> None:
    with settings_file(tmp_path, f"serve: {serve}") as path:
        said = " ".join(notes(load_settings(path, {}), host))

    assert ("serve.public_url is empty" in said) == is_said


def test_a_wsgi_server_logs_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        settings_file(tmp_path, "serve: {signup: invite, proxies: 0}") as path,
        caplog.at_level(logging.WARNING),
    ):
        application({"PPW_CONFIG": str(path)})

    assert "serve.public_url is empty" in caplog.text


@pytest.mark.parametrize("marketplace", ["mturk-live", "mturk-sandbox"])
def test_settings_that_publish_at_aws_serve_nothing(tmp_path: Path, marketplace: str) -> None:
    with settings_file(tmp_path, f"marketplace: {marketplace}", "images: s3://a-bucket/x") as path:
        ran = CliRunner().invoke(main, ["--config", str(path), "serve", "--port", "0"])

        assert ran.exit_code == 2
        assert "would have none of the study's HITs" in ran.output
        with pytest.raises(ConfigurationError, match="none of the study's HITs"):
            application({"PPW_CONFIG": str(path), "PPW_SERVE__SIGNUP": "invite"})


def test_settings_that_publish_elsewhere_say_what_is_served(tmp_path: Path) -> None:
    with settings_file(tmp_path, "marketplace: https://other.example") as path:
        (said,) = notes(load_settings(path, {}), "127.0.0.1")
        environ = {"PPW_SERVE__PUBLIC_URL": "https://other.example"}
        same = list(notes(load_settings(path, environ), "127.0.0.1"))

    assert "m.db" in said
    assert "https://other.example" in said
    assert same == []


def test_an_address_of_no_place_is_shown_to_nobody(tmp_path: Path) -> None:
    with settings_file(tmp_path) as path, wired(load_settings(path, {})) as wiring:
        market = wiring.marketplace.extensions["marketplace"]
        market.clock = lambda: None
        with pytest.raises(Exception, match="The embedded marketplace failed") as caught:
            wiring.crowd.balance()

    assert "invalid" not in str(caught.value)
