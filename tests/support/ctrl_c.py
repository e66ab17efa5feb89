"""Runs a command that only Ctrl-C ends, and presses Ctrl-C once as soon as it says that it does.

    python ctrl_c.py COMMAND...

What the command writes to stdout is passed on; its exit code is this program's. `timeout --signal=INT` would not do:
it may strike before the command is ready, and it sends the signal twice (to the process and to its group), of which
the second may meet a Python that is already ending and end it with 130.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from threading import Timer

INVITATION = "Ctrl-C"
SECONDS_TO_START = 120
SECONDS_TO_END = 30


def main(command: Sequence[str]) -> int:
    """The exit code of the command. One that never says Ctrl-C, or does not end by it, is killed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        deadline = Timer(SECONDS_TO_START, process.kill)
        deadline.start()
        for line in process.stdout:
            print(line, end="", flush=True)
            if INVITATION in line:
                deadline.cancel()
                process.send_signal(signal.SIGINT)
                deadline = Timer(SECONDS_TO_END, process.kill)
                deadline.start()
        code = process.wait()
        deadline.cancel()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
