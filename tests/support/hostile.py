"""Hostile input for property-based tests: valid input, broken in small ways, and the bounds within which it is read.

Valid input that was bent reaches further than random bytes do. The suite tries each property a few dozen times; the
nightly profile (`scripts/test --nightly`, or HYPOTHESIS_PROFILE=nightly) more than a thousand times, each within a
second.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

NIGHTLY = "nightly"
CASES, NIGHTLY_CASES = 50, 1_500
"""For each property, in the suite and at night."""
LONGEST_MS = 1_000
MOST_MEGABYTES = 300

Text = TypeVar("Text", str, bytes)


def is_nightly(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the nightly profile was asked for."""
    return environ.get("HYPOTHESIS_PROFILE") == NIGHTLY


hostile = settings(
    max_examples=NIGHTLY_CASES if is_nightly() else CASES,
    deadline=LONGEST_MS if is_nightly() else None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
"""How often a property of hostile input is tried, and how long one case may take."""


@st.composite
def bent(draw: st.DrawFn, valid: st.SearchStrategy[Text], pieces: st.SearchStrategy[Text]) -> Text:
    """Something valid with up to four cuts, doublings, repetitions, and strange pieces in it."""
    text = draw(valid)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        piece = draw(pieces)
        match draw(st.sampled_from(["cut", "replace", "insert", "double", "repeat", "end"])):
            case "cut":
                text = text[:start] + text[end:]
            case "replace":
                text = text[:start] + piece + text[end:]
            case "insert":
                text = text[:start] + piece + text[start:]
            case "double":
                text = text[:end] + text[start:]
            case "repeat":
                text = text[:start] + text[start:end] * draw(st.integers(2, 2_000)) + text[end:]
            case _:
                text = text[:end]
    return text


def require_reason(error: Exception) -> None:
    """A foreseen refusal says why, in words that can be printed."""
    assert str(error).encode()


# ---- memory ---------------------------------------------------------------------------------------------


@contextmanager
def little_memory() -> Iterator[None]:
    """Fails where this process takes more than `MOST_MEGABYTES` on top of what it had. Linux tells; others do not."""
    before = _megabytes("VmRSS")
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here
    yield
    peak = _megabytes("VmHWM")
    if before is not None and peak is not None:
        assert peak - before < MOST_MEGABYTES, f"{peak - before:.0f} MB on top of {before:.0f}"


def _megabytes(name: str) -> float | None:
    with suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else None
    return None
