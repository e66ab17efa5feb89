"""docs/marketplace.md: its session runs in a real shell with the real AWS CLI, and its lists are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.marketplace.shapes import service_model
from pixelpatchwork.marketplace.site import policies
from tests.support.marketplace import KEY_ID, SECRET, bench

PAGE = Path(__file__).parents[2] / "docs" / "marketplace.md"
SOURCE = Path(__file__).parents[2] / "pixelpatchwork" / "marketplace"


def section(title: str) -> str:
    """The text below a heading, up to the next heading of its level."""
    text = PAGE.read_text(encoding="utf-8")
    return re.split(r"^## ", text.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def commands() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", section("A session with the AWS CLI"), re.DOTALL | re.MULTILINE)


class Shell:
    """Runs blocks of commands one after the other, each with the variables that those before it set."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        # Beside the tests' own interpreter, where pip puts it; no settings or keys of this machine's user.
        beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {
            "PATH": beside,
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def run(self, block: str) -> str:
        script = f"set -ea\n[ ! -f variables ] || . ./variables\n{block}\nexport -p > variables\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def test_the_session_with_the_aws_cli_works_as_written(tmp_path: Path) -> None:
    say_where, create, list_answers, pay = commands()
    home = tmp_path / "home"
    home.mkdir()
    with bench("served") as market:
        assert market.url is not None
        shell = Shell(tmp_path, home)
        here = say_where.replace("http://127.0.0.1:8765", market.url)
        keys = here.replace("YOUR-KEY-ID", KEY_ID).replace("YOUR-SECRET-KEY", SECRET)

        assert '"AvailableBalance": "10000.00"' in shell.run(keys)
        created = shell.run(create)
        (hit,) = market.client.list_hits()["HITs"]
        assert created.split("\t")[:2] == [hit["HITId"], "Assignable"]
        assignment_id = market.worker().work(hit["HITId"], colour="blue")
        assert assignment_id in shell.run(list_answers)
        paid = shell.run(pay)

        assert '"BonusAmount": "0.05"' in paid
        assert market.get(hit["HITId"])["HITStatus"] == "Disposed"
        assert market.balance() == ("9999.82", "0.00")


def test_the_aws_cli_also_takes_the_endpoint_as_an_option(tmp_path: Path) -> None:
    with bench("served") as market:
        shell = Shell(tmp_path, tmp_path)
        shell.environ |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

        told = shell.run(f"aws mturk get-account-balance --endpoint-url {market.url} --region us-east-1")

    assert '"OnHoldBalance": "0.00"' in told


def test_the_aws_cli_is_installed_with_the_tests() -> None:
    assert shutil.which("aws", path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("name", sorted(service_model().operation_names))
def test_the_page_says_how_each_operation_behaves(name: str) -> None:
    table = section("The operations").split("###", 1)[0]

    assert re.search(rf"\b{name}\b", table)


def test_the_page_names_every_code_that_the_code_can_answer() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(SOURCE.rglob("*.py")))
    codes = set(re.findall(r'RequestError\(\s*"(\w+)"', text))
    nouns = re.findall(r'does_not_exist\("(\w+)"', text)
    page = section("How a call is refused")

    named = set(re.findall(r"`(\w+)`", page))
    assert codes | {f"{noun}DoesNotExist" for noun in nouns} <= named


def test_the_page_names_the_crowd_elements_that_there_are() -> None:
    script = (SOURCE / "site" / "static" / "crowd.js").read_text(encoding="utf-8")
    made = set(re.findall(r'^ +\["(crowd-[a-z-]+)", Crowd', script, re.MULTILINE))
    named = section("What a HIT's page may load").split("- Fields and buttons: ")[1]
    fields, boxes, hidden, absent = re.split(r"^- Shown|^- Never|^No other", named, flags=re.MULTILINE)

    assert made == elements(fields)
    for style, shown in (("display: block", boxes), ("display: none", hidden)):
        styled = {name for name in elements(shown) if re.search(rf"\b{name}\b[^}};]*\{{ {style}", script)}
        assert styled == elements(shown)
    assert not [name for name in elements(absent) if name in script]


def elements(text: str) -> set[str]:
    return set(re.findall(r"`(crowd-[a-z-]+)`", text))


@pytest.mark.parametrize(
    "directive",
    [
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "font-src data:",
        "img-src 'self' {origin} https: data: blob:",
        "media-src 'self' {origin} https: data: blob:",
        "form-action 'self' {origin}",
        "sandbox allow-scripts allow-forms",
    ],
)
def test_a_page_may_load_what_the_table_says_and_nothing_else(directive: str) -> None:
    with bench() as market, market.app.test_request_context(base_url="https://market.example"):
        policy = policies.page()

    assert directive.format(origin="https://market.example") in policy.split("; ")


def test_the_page_says_what_each_fault_does() -> None:
    rows = re.findall(r"^\| `(\w+)=", section("Rehearsals: the clock, and trouble on demand"), re.MULTILINE)

    assert rows == [one.name for one in fields(Faults)]


def test_the_page_names_what_throttles() -> None:
    throttling = [
        file.name
        for file in sorted(SOURCE.rglob("*.py"))
        if re.search(r"raise ThrottlingExc|\"ThrottlingException\", \"message\"", file.read_text("utf-8"))
    ]
    row = next(
        line for line in section("How a call is refused").splitlines() if "ThrottlingException" in line
    )

    assert throttling == ["faults.py", "wire.py"]
    assert "serve.api_rate" in row
    assert "--faults throttle=" in row
