"""Where an error came from, in a line fit for a log: never its own text, which may quote what people wrote."""

from __future__ import annotations

import traceback
from pathlib import Path


def place_of(error: BaseException) -> str:
    """Its type and the line that raised it, such as `KeyError in hits.py, line 30`."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}, line {frames[-1].lineno}"
