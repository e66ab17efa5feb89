"""Children that run one `ppw` command each, and die of SIGKILL where they are told to.

A process of one thread pays for the imports once and forks a child for each command; the tests' own process has
servers running in threads, and must not be forked. `python -m tests.support.kill_nursery` is that process: a line of
JSON on its stdin asks for a child, a line on its stdout says how the child ended.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from botocore.loaders import JSONFileLoader, Loader, create_loader

from pixelpatchwork import wiring
from pixelpatchwork.adapters.clocks import MovableClock
from pixelpatchwork.adapters.mturk import mturk_client
from pixelpatchwork.adapters.openai_editor import OpenAIEditor
from pixelpatchwork.adapters.openai_models import OpenAISettings
from pixelpatchwork.adapters.s3_images import s3_client
from pixelpatchwork.cli import COMMANDS, main
from tests.support.kill_hooks import Death, Moment, Witness, supplant, watch
from tests.support.kill_sabotage import SABOTAGE
from tests.support.ppw import Ran, environment

_NOWHERE = "http://nowhere.invalid"


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What became of a child: how it ended (-9: SIGKILL), what it said, and the external calls that it began."""

    ran: Ran
    calls: tuple[str, ...]


class Nursery:
    """The forking process, as a context manager. `folder` is for the children's notes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.support.kill_nursery"],
            cwd=Path(__file__).resolve().parents[2],
            # A process with threads of a mathematical library's own is not forked without a warning.
            env=environment({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def run(
        self,
        arguments: Sequence[object],
        *,
        environ: Mapping[str, str],
        now: datetime,
        death: Death | None = None,
        sabotage: str | None = None,
    ) -> Lived:
        """Runs `ppw ARGUMENTS` at the time `now` and waits for its end."""
        notes = {name: self._folder / name for name in ("stdout", "stderr", "calls")}
        for file in notes.values():
            file.write_bytes(b"")
        errand = {
            "arguments": [str(one) for one in arguments],
            "environ": environment(environ),
            "now": now.isoformat(),
            "folder": str(self._folder),
            "death": None if death is None else asdict(death),
            "sabotage": sabotage,
        }
        code = json.loads(self._ask(json.dumps(errand)))
        ran = Ran(code=code, stdout=notes["stdout"].read_text(), stderr=notes["stderr"].read_text())
        return Lived(ran=ran, calls=tuple(notes["calls"].read_text().splitlines()))

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


# ---- in the forking process -------------------------------------------------------------------------------


def _warm_up() -> None:
    """Pays once for what every child would load: commands, drivers, and botocore's descriptions of services."""
    for command in COMMANDS.values():
        command.load()
    for module in ("pymysql", "alembic.command", "alembic.config", "sqlalchemy.dialects.sqlite"):
        import_module(module)
    _read_once(JSONFileLoader, "load_file", JSONFileLoader())
    _read_once(Loader, "list_available_services", create_loader())
    mturk_client(endpoint_url=_NOWHERE, access_key="a", secret_key="b", max_connections=1)
    s3_client(endpoint_url=_NOWHERE, region="us-east-1", max_connections=1)
    OpenAIEditor(OpenAISettings(base_url=_NOWHERE), api_key="a")


def _read_once(loader: type, method: str, one: object) -> None:
    """What one loader finds for all: each session makes loaders of its own, and they read the same files."""
    found = functools.cache(getattr(one, method))
    supplant(loader, method, lambda _self, *arguments, **named: found(*arguments, **named))


def _serve() -> None:
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            try:
                _live(json.loads(line))
            except (
                BaseException
            ):  # its parent learns of it by the exit code, and its words stand in the notes
                traceback.print_exc()
            finally:
                os._exit(70)  # whatever went wrong, a child must not go on as its parent
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(errand: Mapping[str, Any]) -> None:
    """In the child: runs its command and ends the process."""
    folder = Path(errand["folder"])
    for number, file in enumerate((Path(os.devnull), folder / "stdout", folder / "stderr")):
        os.dup2(os.open(file, os.O_RDWR), number)
    os.environ.clear()
    os.environ.update(errand["environ"])
    clock = MovableClock(datetime.fromisoformat(errand["now"]))
    supplant(wiring, "SystemClock", lambda: clock)  # the time is the harness's
    if errand["sabotage"]:
        SABOTAGE[errand["sabotage"]]()
    witness = Witness(folder / "calls", _death(errand["death"]))
    watch(witness)
    os._exit(_run(errand["arguments"], witness))


def _death(values: Mapping[str, Any] | None) -> Death | None:
    return None if values is None else Death(**{**values, "moment": Moment(values["moment"])})


def _run(arguments: Sequence[str], witness: Witness) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    else:
        code = 0
    witness.end()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    _warm_up()
    _serve()
