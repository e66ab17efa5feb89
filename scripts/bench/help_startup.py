"""How long `ppw --help` takes, beside Python's own start: `python scripts/bench/help_startup.py [RUNS]`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds(command: list[str], runs: int) -> float:
    """The median time of `runs` processes, after one that warms the disk's cache."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Prints both medians and their ratio."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bare = seconds([sys.executable, "-c", "pass"], runs)
    shown = seconds([sys.executable, "-m", "pixelpatchwork", "--help"], runs)
    print(f"python -c pass   {bare * 1000:6.0f} ms")
    print(
        f"ppw --help       {shown * 1000:6.0f} ms   {shown / bare:.1f} times Python's own start ({runs} runs, median)"
    )


if __name__ == "__main__":
    main()
