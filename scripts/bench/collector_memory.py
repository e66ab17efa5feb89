"""Whether a collector's memory stays flat while it lives on and 100,000 assignments pass through it.

One process publishes, collects and advances a study Day after Day, as `ppw run` does; a marketplace in another process
does the HITs. After each Day the collector's resident memory is read. The first two Days fill caches and connection
pools; what comes after may add a tenth of their memory at most.

Run: python -m scripts.bench.collector_memory [--assignments 100000] [--days 10]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.workflow.advance import advance_day
from scripts.bench.marketplace_calls import (
    ACCESS_KEY,
    ASSIGNMENTS,
    SECRET_KEY,
    collect_all,
    far_marketplace,
    publish_all,
    study,
)
from scripts.bench.marketplace_memory import GROWTH, resident_mib

CALLS_AT_ONCE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assignments", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=10)
    chosen = parser.parse_args()
    hits = max(1, chosen.assignments // (chosen.days * ASSIGNMENTS))
    with far_marketplace(0.0, 2 * CALLS_AT_ONCE) as (url, pipe), TemporaryDirectory() as folder:
        client = mturk_client(
            endpoint_url=url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, max_connections=CALLS_AT_ONCE
        )
        services = study(MTurkCrowd(client), Path(folder), "memory", hits=hits, workers=CALLS_AT_ONCE)
        begun, total, sizes = perf_counter(), 0, []
        print(f"at the start {resident_mib(os.getpid()):.1f} MiB", flush=True)
        for day in range(1, chosen.days + 1):
            pipe.send(publish_all(services))
            pipe.recv()
            total += collect_all(services)
            advance_day(services)
            sizes.append(resident_mib(os.getpid()))
            print(
                f"Day {day:2}: {total:7,} assignments  {sizes[-1]:6.1f} MiB  {perf_counter() - begun:5.0f} s",
                flush=True,
            )
    growth = sizes[-1] / sizes[1] - 1
    print(f"{growth:+.1%} since the second Day: {'flat' if growth <= GROWTH else 'NOT FLAT'}")


if __name__ == "__main__":
    main()
