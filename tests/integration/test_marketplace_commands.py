"""`ppw marketplace`, and what `ppw serve` does for the AWS tools."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from sqlalchemy import insert

from pixelpatchwork.config import load_settings
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.tables import participant
from pixelpatchwork.wiring import Wiring, wired
from tests.support.marketplace import Bench, MovableClock, hit_request, socket_client
from tests.support.ppw import environment, here, serving


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study's settings file, its marketplace empty."""
    here("init", tmp_path / "study").well()
    return tmp_path / "study" / "study.yaml"


def ran(study: Path, *arguments: object) -> Any:
    return here("--config", study, "marketplace", *arguments)


@pytest.fixture
def wiring(study: Path) -> Iterator[Wiring]:
    with wired(load_settings(study, {})) as found:
        yield found


def worked(wiring: Wiring, names: tuple[str, ...]) -> Market:
    """A marketplace in which each of these people has earned 0.15 USD."""
    client = boto3.client("mturk", region_name="us-east-1", endpoint_url="http://embedded.invalid")
    attach(client, wiring.marketplace)
    bench = Bench(wiring.marketplace, client, MovableClock())
    hit_id = client.create_hit(**hit_request(MaxAssignments=9))["HIT"]["HITId"]
    for name in names:
        client.approve_assignment(AssignmentId=bench.worker(name).work(hit_id))
    market: Market = wiring.marketplace.extensions["marketplace"]
    return market


def test_a_requesters_key_is_shown_once_and_works(study: Path) -> None:
    key = ran(study, "add-requester", "Vision Lab", "--balance", "25.5", "--json").well().json
    ran(study, "deposit", "vision lab", "10").well()
    listed = ran(study, "requester", "list", "--json").well().json
    with serving("--config", study, cwd=study.parent) as served:
        client = socket_client(served.url, key["key_id"], key["secret"])
        assert client.get_account_balance()["AvailableBalance"] == "35.50"
        ran(study, "revoke-key", key["key_id"]).well()
        with pytest.raises(client.exceptions.ClientError, match="UnrecognizedClientException"):
            client.get_account_balance()

    assert [one["key_ids"] for one in listed if one["name"] == "Vision Lab"] == [[key["key_id"]]]
    assert key["secret"] not in ran(study, "requester", "list").well().text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add-requester", "x", "--balance", "nan"), 2, "no amount"),
        (("add-requester", "x", "--balance", "0.001"), 2, "no amount"),
        (("deposit", "nobody", "1"), 1, "There is no requester nobody"),
        (("add-key", "nobody"), 1, "There is no requester nobody"),
        (("revoke-key", "AKPP"), 1, "No access key AKPP is in use"),
        (("add-requester", "requester"), 1, "There is a requester requester already"),
        (("clock", "--advance", "soon"), 2, "no duration"),
        (("ledger", "--check", "--since", "2026-01-01"), 2, "Leave the other options out"),
        (("ledger", "--requester", "nobody"), 1, "There is no requester nobody"),
        (("ledger", "--worker", "ANOBODY"), 1, "No worker of this id has signed up"),
        (("withdraw", "nobody", "1"), 1, "There is no requester nobody"),
        (("withdraw", "requester", "0"), 1, "less than a cent"),
        (("withdraw", "requester", "1", "--reference", "x" * 65), 2, "A reference has 1 to 64"),
        (("requester", "suspend", "nobody"), 1, "There is no requester nobody"),
        (("worker", "suspend", "ANOBODY"), 1, "No worker of this id has signed up"),
        (("worker", "reset-password", "ANOBODY"), 1, "No worker of this id has signed up"),
        (("payouts", "--csv", "new.csv"), 2, "either --panel NAME or --without-panel"),
        (("payouts", "--csv", "new.csv", "--panel", "p", "--without-panel"), 2, "either --panel NAME or"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    study: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found = ran(study, *arguments)

    assert found.code == code
    assert said in " ".join(found.text.split())


def test_the_commands_refuse_settings_whose_marketplace_is_elsewhere(study: Path) -> None:
    found = here(
        "--config", study, "marketplace", "clock", environ={"PPW_MARKETPLACE": "https://market.example"}
    )

    assert (found.code, "is elsewhere" in found.text) == (1, True)


def test_the_clock_is_moved_and_the_ledger_checked(study: Path) -> None:
    ran(study, "clock", "--advance", "2d").well()
    found = ran(study, "clock", "--json").well().json

    assert found["ahead_seconds"] == 2 * 86_400
    assert ran(study, "clock").well().stdout.endswith(" UTC, 2 days ahead of the true time\n")
    assert ran(study, "ledger", "--check").well().stdout == "The money adds up.\n"
    served = here("--config", study, "serve", "--host", "0.0.0.0", environ={"PPW_SERVE__SIGNUP": "invite"})
    assert (served.code, "moved for a rehearsal" in served.text) == (1, True)


def test_payouts_of_an_unknown_panel_name_the_known_ones(study: Path, tmp_path: Path) -> None:
    found = ran(study, "payouts", "--csv", tmp_path / "new.csv", "--panel", "prolofic")

    assert found.code == 1
    assert "There is no panel prolofic. Known panels: " in found.text
    assert not (tmp_path / "new.csv").exists()


def test_payouts_list_what_is_owed_and_never_twice(study: Path, wiring: Wiring, tmp_path: Path) -> None:
    market = worked(wiring, ("Ann", "=HYPERLINK(1)", "Cy"))
    with market.database.begin(writes=True) as connection:
        worker_id = connection.exec_driver_sql("SELECT worker_id FROM worker WHERE name = 'Cy'").scalar_one()
        row = {"worker_id": worker_id, "panel": "prolific", "external_id": "5f0c", "joined_at": 0}
        connection.execute(insert(participant), row)

    first, second = tmp_path / "panel.csv", tmp_path / "rest.csv"
    ran(study, "payouts", "--csv", first, "--panel", "prolific", "--mark-paid").well()
    ran(study, "payouts", "--csv", second, "--without-panel").well()
    assert first.read_text() == "5f0c,0.15\n"
    assert second.read_text() == "'=HYPERLINK(1),0.15\nAnn,0.15\n"
    assert first.stat().st_mode & 0o777 == 0o600

    third = tmp_path / "all.csv"
    ran(study, "payouts", "--csv", third, "--without-panel", "--mark-paid").well()
    nothing = ran(study, "payouts", "--csv", tmp_path / "none.csv", "--without-panel")
    assert third.read_text() == second.read_text()
    assert (nothing.code, (tmp_path / "none.csv").exists()) == (3, False)
    ran(study, "ledger", "--check").well()


def test_a_list_that_exists_is_not_written_over_and_nothing_is_noted_as_paid(
    study: Path, wiring: Wiring, tmp_path: Path
) -> None:
    worked(wiring, ("Ann",))
    path = tmp_path / "paid.csv"
    path.write_text("the last payout\n")
    found = ran(study, "payouts", "--csv", path, "--without-panel", "--mark-paid")

    assert (found.code, path.read_text()) == (1, "the last payout\n")
    ran(study, "payouts", "--csv", tmp_path / "new.csv", "--without-panel").well()


def test_a_fresh_marketplace_is_one_option_away_from_the_aws_tools(study: Path, tmp_path: Path) -> None:
    files = aws_files(tmp_path)
    Path(files["AWS_SHARED_CREDENTIALS_FILE"]).write_text("# mine\n[work]\naws_access_key_id = A")
    with serving(
        "--config", study, cwd=study.parent, environ=files, more=("--write-aws-profile", "market")
    ) as served:
        assert served.url
        found = aws(files, "--profile", "market", "mturk", "get-account-balance", "--output", "text")

    assert found == "10000.00\t0.00"
    written = Path(files["AWS_SHARED_CREDENTIALS_FILE"])
    assert written.read_text().startswith("# mine\n[work]\naws_access_key_id = A\n\n[market]\n")
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_marketplace_that_makes_trouble_says_so(study: Path) -> None:
    trouble = ("--faults", "throttle=0.05,delay=1ms")
    with serving("--config", study, cwd=study.parent, more=trouble) as served:
        # The lines below the first one are printed meanwhile.
        urlopen(f"{served.url}/signin").close()

    assert served.ran is not None
    assert "Trouble on demand: throttle=0.05,delay=1ms\n" in served.ran.stdout


def aws_files(folder: Path) -> dict[str, str]:
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": str(folder / "config"),
    }


def aws(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments],
        env=environment(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_profile_that_exists_is_never_written_over(study: Path, tmp_path: Path) -> None:
    files = aws_files(tmp_path)
    kept = "[profile   market]\nregion = eu-west-1\n"
    Path(files["AWS_CONFIG_FILE"]).write_text(kept)
    found = here("--config", study, "serve", "--port", 0, "--write-aws-profile", "market", environ=files)

    assert (found.code, "has a section [profile market] already" in found.text) == (1, True)
    assert Path(files["AWS_CONFIG_FILE"]).read_text() == kept
    assert not Path(files["AWS_SHARED_CREDENTIALS_FILE"]).exists()


@pytest.mark.parametrize("name", ["default", "a]b", ""])
def test_a_profile_needs_a_name_of_its_own(study: Path, tmp_path: Path, name: str) -> None:
    options = ("serve", "--port", 0, "--write-aws-profile", name)
    found = here("--config", study, *options, environ=aws_files(tmp_path))

    assert (found.code, "profile's name" in found.text) == (1, True)


def test_a_database_with_the_secret_key_is_for_its_owner_only(study: Path) -> None:
    ran(study, "clock").well()

    assert (study.parent / "marketplace.db").stat().st_mode & 0o777 == 0o600


def test_another_secret_key_than_that_of_the_first_use_is_refused_in_a_line(study: Path) -> None:
    first, other = ({"PPW_MARKETPLACE_SECRET_KEY": letter * 32} for letter in "ab")
    here("--config", study, "marketplace", "clock", environ=first).well()
    for environ in (other, {}):
        found = here("--config", study, "marketplace", "clock", environ=environ)
        assert (found.code, "first used with another secret key" in " ".join(found.text.split())) == (2, True)

    here("--config", study, "marketplace", "clock", environ=first).well()


def test_a_rehearsed_marketplace_takes_the_key_of_the_settings(tmp_path: Path) -> None:
    here("rehearse", tmp_path / "rehearsed", "--days", 1, "--workers", 3).well()
    environ = {"PPW_MARKETPLACE_SECRET_KEY": "k" * 32}
    for _ in range(2):
        here(
            "--config",
            tmp_path / "rehearsed" / "study.yaml",
            "marketplace",
            "ledger",
            "--check",
            environ=environ,
        ).well()
