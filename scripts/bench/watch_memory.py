"""Whether `ppw collect --watch` holds its memory: thousands of turns of a real process, and what it keeps of them.

A study with an embedded marketplace is watched by a process of its own that sweeps as fast as it can; its resident
memory is read after each tenth of the turns. The first two tenths fill caches and connection pools; what comes after
may add a tenth of their memory at most.

Run: python -m scripts.bench.watch_memory [--turns 5000]
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep

STAGES = 10
GROWTH = 0.10
PAUSE_MINUTES = "0.00001"


def ppw(study: Path, *arguments: str) -> list[str]:
    """A command line of `ppw`."""
    return [sys.executable, "-m", "pixelpatchwork", "--config", str(study), *arguments]


def turns_of(health: Path) -> int:
    """How many turns the process has begun."""
    return int(json.loads(health.read_text())["turns"]) if health.exists() else 0


def resident_mib(pid: int) -> float:
    """The process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def measured(study: Path, turns: int) -> list[float]:
    """The memory in MiB after each tenth of the turns."""
    health, sizes = study.parent / "health.json", []
    process = subprocess.Popen(
        ppw(study, "collect", "--watch", "--log-format", "json"), stdout=subprocess.DEVNULL
    )
    started = perf_counter()
    try:
        for stage in range(1, STAGES + 1):
            while turns_of(health) < turns * stage // STAGES:
                if process.poll() is not None:
                    raise SystemExit("the process has ended")
                sleep(0.05)
            sizes.append(resident_mib(process.pid))
            print(f"{turns_of(health):>7} turns  {perf_counter() - started:6.1f} s  {sizes[-1]:6.1f} MiB")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    return sizes


def run(arguments: list[str]) -> int:
    """Prints the figures. 1 where the memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5000)
    turns = parser.parse_args(arguments).turns
    with tempfile.TemporaryDirectory() as directory:
        study = Path(directory) / "study" / "study.yaml"
        subprocess.run(
            [sys.executable, "-m", "pixelpatchwork", "init", str(study.parent)],
            check=True,
            capture_output=True,
        )
        settings = study.read_text()
        settings = settings.replace("  sweep_minutes: null", f"  sweep_minutes: {PAUSE_MINUTES}")
        study.write_text(settings.replace("  health_file: null", "  health_file: health.json"))
        subprocess.run(ppw(study, "publish-round"), check=True, capture_output=True)
        sizes = measured(study, turns)
    settled, last = max(sizes[: STAGES // 5]), sizes[-1]
    print(f"{(last / settled - 1):+.1%} after the first fifth")
    return int(last > settled * (1 + GROWTH))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
