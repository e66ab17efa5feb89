"""The scripts a newcomer runs: what they say, and do, on a machine where something is missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cksum", "dirname", "env", "grep", "mktemp", "rm", "tail")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout on a machine with no program but the shell's own; `bin` holds what it has."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    install(tmp_path, "id", "echo 1000")
    return tmp_path


@pytest.fixture
def run(machine: Path) -> Run:
    """Runs one of the scripts there."""

    def script(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [machine / "bin" / "bash", machine / "scripts" / name],
            env={"PATH": str(machine / "bin"), "HOME": str(machine)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return script


def install(machine: Path, name: str, script: str = "exit 0") -> None:
    """Puts a program of a few lines on the machine."""
    program = machine / "bin" / name
    program.write_text(f"#!{machine}/bin/bash\n{script}\n")
    program.chmod(0o755)


def test_an_old_python_is_named_with_what_to_install(machine: Path, run: Run) -> None:
    install(machine, "python3", "exit 1")
    done = run("demo")
    assert done.returncode == 1
    assert "Python 3.11 or newer is missing" in done.stderr
    assert "apt-get install" in done.stderr
    assert "brew install" in done.stderr


def test_a_python_without_venv_is_named_with_what_to_install(machine: Path, run: Run) -> None:
    install(machine, "python3", '[[ "$2" == *version_info* ]]')
    done = run("demo")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_a_missing_browser_is_named_where_nothing_may_be_installed(run: Run) -> None:
    done = run("test")
    assert done.returncode == 1
    assert "chromium" in done.stderr
    assert "sudo apt-get update && sudo apt-get install" in done.stderr
    assert "brew install" in done.stderr


def test_a_missing_browser_is_installed_by_root_with_fresh_package_lists(machine: Path, run: Run) -> None:
    log = machine / "apt.log"
    install(machine, "id", "echo 0")
    install(
        machine,
        "apt-get",
        f'echo "$@" >>{log}\nif [ "$1" = install ]; then for name in chromium chromedriver mariadbd '
        f'mariadb-install-db; do echo "#!{machine}/bin/bash" >{machine}/bin/$name; done; '
        f"{shutil.which('chmod')} +x {machine}/bin/*; fi",
    )
    done = run("test")
    update, installation = log.read_text().splitlines()
    assert update == "update"
    assert installation.startswith("install -y ")
    assert "chromium" in installation
    assert "Python 3.11 or newer is missing" in done.stderr, "it went on to the next step"


def test_a_failing_installation_shows_what_apt_said(machine: Path, run: Run) -> None:
    install(machine, "id", "echo 0")
    install(machine, "apt-get", "echo 'E: Unable to locate package'; exit 100")
    done = run("test")
    assert done.returncode == 1
    assert "E: Unable to locate package" in done.stderr
    assert "apt-get could not install" in done.stderr
